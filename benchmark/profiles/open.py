"""Profile `open`: the same columns from networks whose weights a company may use.

PE-AV stands where profile `paper` has CLAP and ImageBind; PANNs and Synchformer are those of `paper`, so their features
are kept once for both.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from benchmark.profiles import ProfileName, front_ends
from benchmark.profiles.networks import NetworkRow
from benchmark.profiles.shared_rows import ON_REQUEST, PANNS, SYNCHFORMER_AUDIO, SYNCHFORMER_VIDEO
from benchmark.profiles.text_and_sync import TextAndSyncProfile
from foundation import media


class OpenProfile(TextAndSyncProfile):
    """PANNs, PE-AV and Synchformer, and the networks of the metrics on request."""

    name: ProfileName = "open"
    reads_texts = "pe_av"
    rows = (
        *PANNS,
        NetworkRow(
            "pe_av.audio", front_ends.prepare_pe_av_audio, "waveform",
            lambda net, batch: {"embedding": net.audio(batch)},
            yields={"clap": "embedding", "imagebind": "embedding"},  # one space for texts, sounds and videos
        ),
        SYNCHFORMER_AUDIO,
        *ON_REQUEST,
        NetworkRow(
            "pe_av.video", front_ends.choose_pe_av_frames, "frames",
            lambda net, batch: {"embedding": net.video(batch)}, yields={"imagebind": "embedding"},
            frames=media.FrameRequest(25, transform=front_ends.pe_av_square),
            on_device="metrics.backbones.pe_av:prepare_video",
        ),
        SYNCHFORMER_VIDEO,
    )  # fmt: skip

    def _embed_text(self, text: str) -> NDArray[Any]:
        from metrics.backbones.pe_av import tokenize

        return self._text_features(tokenize(text, self._located["pe-av-tokenizer"].path))
