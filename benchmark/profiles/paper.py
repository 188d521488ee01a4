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
from benchmark.profiles import Derives, Features, ProfileName, Question, front_ends
from benchmark.profiles.direct import backbone_keys, direct_evidence, files_of
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
        self._device = weights.get("device") or _best_device()
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
                name, checkpoint=self._located[name].path, device=self._device, allow_unverified=self._allow_unverified
            )
        return self._networks[name]

    def _audio_extractors(self) -> tuple[Extractor, ...]:
        def row(name: str, prepare: Any, network: Any, batch_size: int, **yields: str) -> Extractor:
            key = self._key(name.partition(".")[0])
            return Extractor(name, key, "audio", prepare, network=network, batch_size=batch_size, yields=yields)

        rows = (
            row("panns.audio", front_ends.prepare_panns, self._panns, 16, embedding="embedding", logits="logits"),
            row("panns.kadtk", front_ends.prepare_kadtk, self._panns_as_kadtk, 16, kad_embedding="embedding"),
            row("clap.audio", front_ends.prepare_clap, self._clap, 8, clap="embedding"),
            row("imagebind.audio", front_ends.prepare_imagebind_audio, self._imagebind_audio, 8, imagebind="embedding"),
            row("synchformer.audio", front_ends.prepare_synchformer_audio, self._synchformer_audio, 2),
        )
        if not self.extended:
            return rows
        return (
            *rows,
            row("vggish.audio", front_ends.prepare_vggish, self._vggish, 8, vggish="embedding"),
            row("passt.audio", front_ends.prepare_passt, self._passt, 8, passt="embedding", passt_logits="logits"),
            Extractor(
                "onset.audio", f"v{DETECTOR_VERSION}", "audio", front_ends.prepare_onsets, yields={"onsets": "onsets"}
            ),
        )

    def _video_extractors(self) -> tuple[Extractor, ...]:
        def row(name: str, fps: float, network: Any, **yields: str) -> Extractor:
            frames = media.FrameRequest(fps, transform=front_ends.short_side)
            key = self._key(name.partition(".")[0])
            return Extractor(name, key, "video", front_ends.keep_frames, frames, network, batch_size=1, yields=yields)

        return (
            row("imagebind.video", 0.5, self._imagebind_video, imagebind="embedding"),
            row("synchformer.video", 25, self._synchformer_video),
        )

    def _run(
        self, prepared: Sequence[Arrays], key: str, network: Callable[[Tensor], Mapping[str, Tensor]]
    ) -> list[Arrays]:
        """Run a network on tensors of equal shape together; return what it makes of each, in order."""
        import torch

        results: list[Arrays] = [{} for _ in prepared]
        shapes: dict[tuple[int, ...], list[int]] = {}
        for index, arrays in enumerate(prepared):
            shapes.setdefault(arrays[key].shape, []).append(index)
        with torch.inference_mode():
            for indices in shapes.values():
                batch = torch.from_numpy(np.stack([prepared[index][key] for index in indices])).to(self._device)
                for name, features in network(batch).items():
                    for index, row in zip(indices, features.float().cpu().numpy(), strict=True):
                        results[index][name] = row
        return results

    def _panns(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        return self._run(prepared, "waveform", lambda batch: self._network("panns").audio(batch)._asdict())

    def _panns_as_kadtk(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        from metrics.backbones.panns import round_as_kadtk

        def network(batch: Tensor) -> Mapping[str, Tensor]:
            return {"embedding": round_as_kadtk(self._network("panns").audio(batch).embedding)}

        return self._run(prepared, "waveform", network)

    def _clap(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        return self._run(prepared, "waveform", lambda batch: {"embedding": self._network("clap").audio(batch)})

    def _imagebind_audio(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        return self._run(prepared, "mels", lambda batch: {"embedding": self._network("imagebind").audio(batch)})

    def _imagebind_video(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        from metrics.backbones.imagebind import prepare_video

        clips = [{"clips": prepare_video(arrays["frames"]).numpy()} for arrays in prepared]
        return self._run(clips, "clips", lambda batch: {"embedding": self._network("imagebind").video(batch)})

    def _synchformer_audio(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        return self._run(prepared, "mels", lambda batch: {"segments": self._network("synchformer").audio(batch)})

    def _synchformer_video(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        from metrics.backbones.synchformer import prepare_video

        frames = [{"frames": prepare_video(arrays["frames"]).numpy()} for arrays in prepared]
        return self._run(frames, "frames", lambda batch: {"segments": self._network("synchformer").video(batch)})

    def _vggish(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        return self._run(prepared, "examples", lambda batch: {"embedding": self._network("vggish").audio(batch)})

    def _passt(self, prepared: Sequence[Arrays]) -> list[Arrays]:
        return self._run(prepared, "mels", lambda batch: self._network("passt").audio(batch)._asdict())

    def evidence(self, questions: Sequence[Question], sources: Sequence[Source], features: Features) -> Evidence:
        """Return what the paper's networks say of the samples."""
        del sources  # every source that matters is the target or the paired clip of a question
        extractors = (*self.audio, *self.video)
        files, by_name = files_of(questions), {extractor.name: extractor for extractor in extractors}
        derived: dict[str, Rows] = {
            "prompt.clap": self._texts([question.sample.label for question in questions], features),
            "pair.offset_logits": np.stack([self._offsets(question, by_name, features) for question in questions]),
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
        embedded = {}
        for text in dict.fromkeys(texts):
            mark = hashlib.sha256(text.encode()).hexdigest()
            if not features.store.has(place, mark):
                features.store.write(place, mark, {"embedding": self._embed_text(text)})
            embedded[text] = features.store.read(place, mark)["embedding"]
        return np.stack([embedded[text] for text in texts])

    def _embed_text(self, text: str) -> NDArray[Any]:
        import torch

        from metrics.backbones.clap import load_tokenizer, tokenize

        folder = checkpoints.weights_folder(self._weights_dir) / "roberta-base"
        tokenizer = load_tokenizer(folder if folder.is_dir() else None)
        ids, mask = (tensor.to(self._device) for tensor in tokenize([text], tokenizer))
        with torch.inference_mode():
            return np.asarray(self._network("clap").text(ids, mask)[0].float().cpu().numpy())

    def _offsets(self, question: Question, extractors: Mapping[str, Extractor], features: Features) -> NDArray[Any]:
        """Return the offset logits of the first and the last 4.8 s, (2, 21), kept by the content of both files."""
        import torch

        place = Extractor("synchformer.offsets", self._key("synchformer"), "audio", front_ends.keep_frames)
        files = (question.reference_video, question.generated)
        mark = hashlib.sha256("+".join(features.sha256[path] for path in files).encode()).hexdigest()
        if not features.store.has(place, mark, timed=not features.timed.isdisjoint(files)):
            video = features.of(extractors["synchformer.video"], question.reference_video)["segments"]
            audio = features.of(extractors["synchformer.audio"], question.generated)["segments"]
            windows = slice(None, WINDOW_SEGMENTS), slice(-WINDOW_SEGMENTS, None)
            both = [torch.from_numpy(np.stack([part[w] for w in windows])).to(self._device) for part in (video, audio)]
            with torch.inference_mode():
                logits = self._network("synchformer").offset_logits(*both)
            features.store.write(place, mark, {"logits": logits.float().cpu().numpy()})
        return features.store.read(place, mark)["logits"]
