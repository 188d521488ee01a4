"""Profile `paper`: PANNs, CLAP, ImageBind and Synchformer, fed as av-benchmark and kadtk feed them.

Front ends run in worker processes on one decode of each file; networks run here, in batches, and are built when the
first file needs them, so a run whose features are all there loads none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from benchmark.evidence import Evidence, Rows
from benchmark.features import Arrays, Extractor
from benchmark.pending import Pending
from benchmark.profiles import Derives, Features, ProfileName, Question, front_ends
from benchmark.profiles.direct import backbone_keys, direct_evidence, files_of
from benchmark.profiles.running import BATCH_SIZES, Network, Runner, batch_size, exactly
from foundation import checkpoints, media
from foundation.checkpoints import WeightOptions
from foundation.devices import check_device
from metrics.backbones import get_backbone, load_backbone
from metrics.onset import DETECTOR_VERSION, onset_seconds
from vgg_monoaudio.dataset import Source

if TYPE_CHECKING:
    from torch import Tensor

BACKBONES = {  # backbone: what it is needed for
    "panns": "FAD, KAD, IS, KL",
    "clap": "CLAP, selectivity",
    "imagebind": "IB",
    "synchformer": "DeSync",
}
EXTENDED_BACKBONES = {
    "vggish": "FD-VGG",
    "passt": "FD-PaSST, IS-PaSST, KL-PaSST",
}
WINDOW_SEGMENTS = 14  # 4.8 s: what the offset head judges, at the start and at the end of a clip


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


class PaperProfile:
    """The networks that the paper used; weights are found and verified at once, and opened on first use."""

    name: ProfileName = "paper"
    derives: Derives = MappingProxyType(
        {
            "pair.offset_logits": (("video", "synchformer.video"), ("generated", "synchformer.audio")),
            "target.onset_seconds": (("target", "onset.audio"),),
        }
    )

    def __init__(self, *, extended: bool = False, **weights: Unpack[WeightOptions]) -> None:
        """Find the weights.

        Args:
            extended: also what the extended metrics need.
            weights: see `foundation.checkpoints.WeightOptions`.

        Raises:
            ValueError: a device that this machine does not have.
            foundation.checkpoints.MissingCheckpoint: a file is not there.
            foundation.checkpoints.WrongCheckpoint: a file is not the published one.
            metrics.backbones.passt.MissingPackage: the extended metrics need a package that is not installed.
        """
        check_device(weights.get("device"))
        self.extended = extended
        if extended:
            import metrics.backbones.passt  # noqa: F401 - raises MissingPackage before work begins
        self.device = weights.get("device") or _best_device()
        self._weights_dir = weights.get("weights_dir")
        self._allow_unverified = weights.get("allow_unverified", False)
        self._located = {
            name: checkpoints.located(
                get_backbone(name).checkpoint or name, weights_dir=self._weights_dir,
                allow_unverified=self._allow_unverified, needed_by=f"{metrics} (profile paper)",
            )
            for name, metrics in (BACKBONES | (EXTENDED_BACKBONES if extended else {})).items()
        }  # fmt: skip
        self._networks: dict[str, Any] = {}
        self._runner = Runner(self.device)
        self.unverified_weights = not all(located.verified for located in self._located.values())
        self.audio = self._audio_extractors()
        self.video = self._video_extractors()

    def backbones(self) -> dict[str, str]:
        """Return the content key of every backbone."""
        return backbone_keys((*self.audio, *self.video))

    def _key(self, name: str) -> str:
        return f"v{get_backbone(name).preprocessing}-{self._located[name].digests.sha256}"

    def _network(self, name: str) -> Any:
        if name not in self._networks:
            self._networks[name] = load_backbone(
                name, checkpoint=self._located[name].path, device=self.device, allow_unverified=self._allow_unverified
            )
        return self._networks[name]

    def _audio_extractors(self) -> tuple[Extractor, ...]:
        def row(name: str, prepare: Any, network: Any, **yields: str) -> Extractor:
            key, size = self._key(name.partition(".")[0]), batch_size(name, self.device)
            return Extractor(name, key, "audio", prepare, network=network, batch_size=size, yields=yields)

        rows = (
            row("panns.audio", front_ends.prepare_panns, self._panns, embedding="embedding", logits="logits"),
            row("panns.kadtk", front_ends.prepare_kadtk, self._panns_as_kadtk, kad_embedding="embedding"),
            row("clap.audio", front_ends.prepare_clap, self._clap, clap="embedding"),
            row("imagebind.audio", front_ends.prepare_imagebind_audio, self._imagebind_audio, imagebind="embedding"),
            row("synchformer.audio", front_ends.prepare_synchformer_audio, self._synchformer_audio),
        )
        if not self.extended:
            return rows
        return (
            *rows,
            row("vggish.audio", front_ends.prepare_vggish, self._vggish, vggish="embedding"),
            row("passt.audio", front_ends.prepare_passt, self._passt, passt="embedding", passt_logits="logits"),
            Extractor(
                "onset.audio", f"v{DETECTOR_VERSION}", "audio", front_ends.prepare_onsets, yields={"onsets": "onsets"}
            ),
        )

    def _video_extractors(self) -> tuple[Extractor, ...]:
        def row(name: str, fps: float, network: Any, **yields: str) -> Extractor:
            frames = media.FrameRequest(fps, transform=front_ends.short_side)
            key, size = self._key(name.partition(".")[0]), batch_size(name, self.device)
            return Extractor(name, key, "video", front_ends.keep_frames, frames, network, size, yields)

        return (
            row("imagebind.video", 0.5, self._imagebind_video, imagebind="embedding"),
            row("synchformer.video", 25, self._synchformer_video),
        )

    def _run(
        self,
        name: str,
        prepared: Sequence[Arrays],
        keys: Sequence[str],
        network: Network,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ) -> list[Arrays]:
        return self._runner.run(prepared, keys, network, growth=BATCH_SIZES[name].growth, prepare=prepare)

    def _panns(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        def network(batch: Tensor) -> Any:
            return self._network("panns").audio(batch)._asdict()

        return self._run("panns.audio", prepared, ["waveform"], network)

    def _panns_as_kadtk(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        from metrics.backbones.panns import round_as_kadtk

        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"embedding": round_as_kadtk(self._network("panns").audio(batch).embedding)}

        return self._run("panns.kadtk", prepared, ["waveform"], network)

    def _clap(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"embedding": self._network("clap").audio(batch)}

        return self._run("clap.audio", prepared, ["waveform"], network)

    def _imagebind_audio(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"embedding": self._network("imagebind").audio(batch)}

        return self._run("imagebind.audio", prepared, ["mels"], network)

    def _imagebind_video(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        from metrics.backbones.imagebind import prepare_video

        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"embedding": self._network("imagebind").video(batch)}

        return self._run("imagebind.video", prepared, ["frames"], network, prepare_video)

    def _synchformer_audio(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"segments": self._network("synchformer").audio(batch)}

        return self._run("synchformer.audio", prepared, ["mels"], network)

    def _synchformer_video(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        from metrics.backbones.synchformer import prepare_video

        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"segments": self._network("synchformer").video(batch)}

        return self._run("synchformer.video", prepared, ["frames"], network, prepare_video)

    def _vggish(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"embedding": self._network("vggish").audio(batch)}

        return self._run("vggish.audio", prepared, ["examples"], network)

    def _passt(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        def network(batch: Tensor) -> Any:
            return self._network("passt").audio(batch)._asdict()

        return self._run("passt.audio", prepared, ["mels"], network)

    def evidence(self, questions: Sequence[Question], sources: Sequence[Source], features: Features) -> Evidence:
        """Return what the paper's networks say of the samples."""
        del sources  # every source that matters is the target or the paired clip of a question
        extractors = (*self.audio, *self.video)
        files, by_name = files_of(questions), {extractor.name: extractor for extractor in extractors}
        derived: dict[str, Rows] = {
            "prompt.clap": self._texts([question.sample.label for question in questions], features),
            "pair.offset_logits": self._offsets(questions, by_name, features),
        }
        if "paired" in files:
            derived["paired_label.clap"] = self._texts([q.sample.paired_label for q in questions], features)
        if self.extended:
            found = features.rows(by_name["onset.audio"], "onsets", files["target"])
            derived["target.onset_seconds"] = [onset_seconds(onsets) for onsets in found]
        return direct_evidence(extractors, questions, features, extended=self.extended) | derived

    def _texts(self, texts: Sequence[str], features: Features) -> NDArray[Any]:
        """Return CLAP's embedding of each text, (n, 512); every text is embedded once."""
        place = Extractor("clap.text", self._key("clap"), "audio", front_ends.keep_frames)
        marks = {text: hashlib.sha256(text.encode()).hexdigest() for text in texts}
        with Pending(features.store) as pending:
            for text, mark in marks.items():
                if not features.store.has(place, mark):
                    pending.add(place, mark, {"embedding": self._embed_text(text)}, text)
                    pending.write_due()
        embedded = {text: features.store.read(place, mark)["embedding"] for text, mark in marks.items()}
        return np.stack([embedded[text] for text in texts])

    def _embed_text(self, text: str) -> NDArray[Any]:
        from metrics.backbones.clap import load_tokenizer, tokenize

        folder = checkpoints.weights_folder(self._weights_dir) / "roberta-base"
        tokenizer = load_tokenizer(folder if folder.is_dir() else None)
        ids, mask = (tensor.to(self.device) for tensor in tokenize([text], tokenizer))
        with exactly():
            return np.asarray(self._network("clap").text(ids, mask)[0].float().cpu().numpy())

    def _offsets(
        self, questions: Sequence[Question], extractors: Mapping[str, Extractor], features: Features
    ) -> NDArray[Any]:
        """Return the offset logits of the first and the last 4.8 s, (n, 2, 21), kept by the content of both files."""
        place = Extractor("synchformer.offsets", self._key("synchformer"), "audio", front_ends.keep_frames)
        marks, missing = [], {}
        for question in questions:
            files = (question.reference_video, question.generated)
            marks.append(hashlib.sha256("+".join(features.sha256[path] for path in files).encode()).hexdigest())
            if marks[-1] in missing:
                continue
            if not features.store.has(place, marks[-1], timed=not features.timed.isdisjoint(files)):
                missing[marks[-1]] = question
        todo, size = list(missing.items()), batch_size(place.name, self.device)
        with Pending(features.store) as pending:
            for start in range(0, len(todo), size):
                part = todo[start : start + size]
                pairs = self._windows([question for _, question in part], extractors, features)
                for (mark, question), logits in zip(part, self._vote(pairs), strict=True):
                    pending.add(place, mark, logits, question.generated.stem)
                pending.write_due()
        return np.stack([features.store.read(place, mark)["logits"] for mark in marks])

    def _windows(
        self, questions: Sequence[Question], extractors: Mapping[str, Extractor], features: Features
    ) -> list[Arrays]:
        """Return the segments of the first and the last 4.8 s of picture and sound, each (2, 14, tokens, 768)."""
        windows = slice(None, WINDOW_SEGMENTS), slice(-WINDOW_SEGMENTS, None)
        video = features.rows(extractors["synchformer.video"], "segments", [q.reference_video for q in questions])
        audio = features.rows(extractors["synchformer.audio"], "segments", [q.generated for q in questions])
        return [
            {"video": np.stack([seen[w] for w in windows]), "audio": np.stack([heard[w] for w in windows])}
            for seen, heard in zip(video, audio, strict=True)
        ]

    def _vote(self, pairs: Sequence[Arrays]) -> list[Arrays]:
        def network(*both: Tensor) -> Mapping[str, Tensor]:
            logits = self._network("synchformer").offset_logits(*(windows.flatten(0, 1) for windows in both))
            return {"logits": logits.unflatten(0, (-1, 2))}

        return self._run("synchformer.offsets", pairs, ["video", "audio"], network)
