"""Profile `paper`: PANNs, CLAP, ImageBind and Synchformer, fed as av-benchmark and kadtk feed them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from benchmark.profiles import ProfileName, front_ends
from benchmark.profiles.networks import NetworkRow
from benchmark.profiles.shared_rows import ON_REQUEST, PANNS, SYNCHFORMER_AUDIO, SYNCHFORMER_VIDEO, small_frames
from benchmark.profiles.text_and_sync import TextAndSyncProfile
from foundation import checkpoints


class PaperProfile(TextAndSyncProfile):
    """The networks that the paper used, and those of the metrics on request."""

    name: ProfileName = "paper"
    reads_texts = "clap"
    rows = (
        *PANNS,
        NetworkRow(
            "clap.audio", front_ends.prepare_clap, "waveform", lambda net, batch: {"embedding": net.audio(batch)},
            yields={"clap": "embedding"}, beside=("roberta-vocab", "roberta-merges"),
        ),
        NetworkRow(
            "imagebind.audio", front_ends.prepare_imagebind_audio, "mels",
            lambda net, batch: {"embedding": net.audio(batch)}, yields={"imagebind": "embedding"},
        ),
        SYNCHFORMER_AUDIO,
        *ON_REQUEST,
        NetworkRow(
            "imagebind.video", front_ends.keep_frames, "frames", lambda net, batch: {"embedding": net.video(batch)},
            yields={"imagebind": "embedding"}, frames=small_frames(0.5),
            on_device="metrics.backbones.imagebind:prepare_video",
        ),
        SYNCHFORMER_VIDEO,
    )  # fmt: skip

    def _embed_text(self, text: str) -> NDArray[Any]:
        from metrics.backbones.clap import load_tokenizer, tokenize

        folder = checkpoints.weights_folder(self._weights_dir) / "roberta-base"
        tokenizer = load_tokenizer(folder if folder.is_dir() else None)
        ids, mask = tokenize([text], tokenizer)
        return self._text_features(ids, mask)
