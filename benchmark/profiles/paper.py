"""Profile `paper`: PANNs, CLAP, ImageBind and Synchformer, fed as av-benchmark and kadtk feed them.

Front ends run in worker processes on one decode of each file; networks run here, in batches, and are built when the
first file needs them, so a run whose features are all there loads none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmark.features import Arrays, Extractor
from benchmark.profiles import Features, ProfileName, Question
from benchmark.profiles import extended as more
from benchmark.scoring import Evidence
from foundation import checkpoints, media
from metrics.backbones import get_backbone, load_backbone
from vgg_monoaudio.dataset import Source

if TYPE_CHECKING:
    from torch import Tensor

BACKBONES = {  # backbone: what it is needed for
    "panns": "FAD, KAD, IS, KL",
    "clap": "CLAP, selectivity",
    "imagebind": "IB",
    "synchformer": "DeSync",
}
WINDOW_SEGMENTS = 14  # 4.8 s: what the offset head judges, at the start and at the end of a clip


# Workers run these: the modules of PANNs and CLAP would bring their networks' packages along, seconds of import each.
def _prepare_panns(audio: media.Audio, seconds: float) -> Arrays:
    from metrics.backbones import frontends

    waveform = frontends.centred_mono(audio.samples, audio.sample_rate, seconds, frontends.PANNS_RATE)
    return {"waveform": waveform.numpy()}


def _prepare_kadtk(audio: media.Audio, _seconds: float) -> Arrays:
    from metrics.backbones import frontends

    return {"waveform": frontends.kadtk_mono(audio.samples, audio.sample_rate, frontends.PANNS_RATE).numpy()}


def _prepare_clap(audio: media.Audio, seconds: float) -> Arrays:
    from metrics.backbones import frontends

    waveform = frontends.centred_mono(audio.samples, audio.sample_rate, seconds, frontends.CLAP_RATE)
    return {"waveform": waveform.numpy()}


def _prepare_imagebind_audio(audio: media.Audio, seconds: float) -> Arrays:
    from metrics.backbones import imagebind

    return {"mels": imagebind.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def _prepare_synchformer_audio(audio: media.Audio, seconds: float) -> Arrays:
    from metrics.backbones import synchformer

    return {"mels": synchformer.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def _short_side(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One frame as the front ends scale it, uint8 (3, h, w): small frames travel between processes, not large ones."""
    import torch

    from metrics.backbones import frontends

    resized = frontends.short_side(torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None], 224)
    return np.asarray(resized[0].numpy())


def _keep_frames(frames: NDArray[np.uint8], _seconds: float) -> Arrays:
    return {"frames": frames}


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


class PaperProfile:
    """The networks that the paper used; weights are found and verified at once, and opened on first use."""

    name: ProfileName = "paper"

    def __init__(
        self,
        *,
        device: str | None = None,
        weights_dir: Path | str | None = None,
        allow_unverified: bool = False,
        extended: bool = False,
    ) -> None:
        """Find the weights.

        Args:
            device: where the networks run; None: a GPU if there is one.
            weights_dir: folder of the official files; $VGG_MONOAUDIO_WEIGHTS or ./weights by default.
            allow_unverified: take files of another hash; the run is marked.
            extended: also what the extended metrics need.

        Raises:
            foundation.checkpoints.MissingCheckpoint: a file is not there.
            foundation.checkpoints.WrongCheckpoint: a file is not the published one.
            metrics.backbones.passt.MissingPackage: the extended metrics need a package that is not installed.
        """
        self.extended = extended
        if extended:
            more.require_packages()
        self._device = device or _best_device()
        self._weights_dir = weights_dir
        self._allow_unverified = allow_unverified
        self._located = {
            name: checkpoints.find(
                get_backbone(name).checkpoint or name, weights_dir=weights_dir, allow_unverified=allow_unverified,
                needed_by=f"{metrics} (profile paper)",
            )
            for name, metrics in (BACKBONES | (more.BACKBONES if extended else {})).items()
        }  # fmt: skip
        self._networks: dict[str, Any] = {}
        self.unverified_weights = not all(located.verified for located in self._located.values())
        self.audio = self._audio_extractors()
        self.video = self._video_extractors()

    def backbones(self) -> dict[str, str]:
        """Return the content key of every backbone."""
        keys = {name: self._key(name) for name in self._located}
        return keys | {"onset": more.ONSET_KEY} if self.extended else keys

    def _key(self, name: str) -> str:
        return f"v{get_backbone(name).preprocessing}-{self._located[name].digests.sha256}"

    def _network(self, name: str) -> Any:
        if name not in self._networks:
            self._networks[name] = load_backbone(
                name, checkpoint=self._located[name].path, device=self._device, allow_unverified=self._allow_unverified
            )
        return self._networks[name]

    def _audio_extractors(self) -> tuple[Extractor, ...]:
        def row(name: str, backbone: str, prepare: Any, network: Any, batch_size: int) -> Extractor:
            return Extractor(name, self._key(backbone), "audio", prepare, network=network, batch_size=batch_size)

        rows = (
            row("panns.audio", "panns", _prepare_panns, self._panns, 16),
            row("panns.kadtk", "panns", _prepare_kadtk, self._panns_as_kadtk, 16),
            row("clap.audio", "clap", _prepare_clap, self._clap, 8),
            row("imagebind.audio", "imagebind", _prepare_imagebind_audio, self._imagebind_audio, 8),
            row("synchformer.audio", "synchformer", _prepare_synchformer_audio, self._synchformer_audio, 2),
        )
        if not self.extended:
            return rows
        return (
            *rows,
            row("vggish.audio", "vggish", more.prepare_vggish, self._vggish, 8),
            row("passt.audio", "passt", more.prepare_passt, self._passt, 8),
            Extractor("onset.audio", more.ONSET_KEY, "audio", more.prepare_onsets),
        )

    def _video_extractors(self) -> tuple[Extractor, ...]:
        def row(name: str, backbone: str, fps: float, network: Any) -> Extractor:
            frames = media.FrameRequest(fps, transform=_short_side)
            return Extractor(name, self._key(backbone), "video", _keep_frames, frames, network, batch_size=1)

        return (
            row("imagebind.video", "imagebind", 0.5, self._imagebind_video),
            row("synchformer.video", "synchformer", 25, self._synchformer_video),
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
        by_name = {extractor.name: extractor for extractor in (*self.audio, *self.video)}

        def read(name: str, key: str, paths: Sequence[Path]) -> list[NDArray[Any]]:
            found = {path: features.of(by_name[name], path)[key] for path in dict.fromkeys(paths)}
            return [found[path] for path in paths]

        def stacked(name: str, key: str, paths: Sequence[Path]) -> NDArray[Any]:
            return np.stack(read(name, key, paths))

        generated = [question.generated for question in questions]
        target = [question.sample.target_audio for question in questions]
        beside = [q.sample.paired_audio for q in questions if q.sample.paired_audio is not None]
        paired = beside if len(beside) == len(questions) else None
        return Evidence(
            reference_embedding=stacked("panns.audio", "embedding", target),
            generated_embedding=stacked("panns.audio", "embedding", generated),
            reference_kad_embedding=stacked("panns.kadtk", "embedding", target),
            generated_kad_embedding=stacked("panns.kadtk", "embedding", generated),
            reference_logits=stacked("panns.audio", "logits", target),
            paired_logits=None if paired is None else stacked("panns.audio", "logits", paired),
            generated_logits=stacked("panns.audio", "logits", generated),
            target_text=self._texts([question.sample.label for question in questions], features),
            paired_text=None if paired is None else self._texts([q.sample.paired_label for q in questions], features),
            generated_text_space=stacked("clap.audio", "embedding", generated),
            target_audio=stacked("clap.audio", "embedding", target),
            paired_audio=None if paired is None else stacked("clap.audio", "embedding", paired),
            video=stacked("imagebind.video", "embedding", [question.reference_video for question in questions]),
            generated_video_space=stacked("imagebind.audio", "embedding", generated),
            offset_logits=np.stack([self._offsets(question, by_name, features) for question in questions]),
            extended=more.extended_evidence(read, target, generated) if self.extended else None,
        )

    def _texts(self, texts: Sequence[str], features: Features) -> NDArray[Any]:
        """Return CLAP's embedding of each text, (n, 512); every text is embedded once."""
        place = Extractor("clap.text", self._key("clap"), "audio", _keep_frames)
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

        place = Extractor("synchformer.offsets", self._key("synchformer"), "audio", _keep_frames)
        files = (question.reference_video, question.generated)
        mark = hashlib.sha256("+".join(features.sha256[path] for path in files).encode()).hexdigest()
        if not features.store.has(place, mark):
            video = features.of(extractors["synchformer.video"], question.reference_video)["segments"]
            audio = features.of(extractors["synchformer.audio"], question.generated)["segments"]
            windows = slice(None, WINDOW_SEGMENTS), slice(-WINDOW_SEGMENTS, None)
            both = [torch.from_numpy(np.stack([part[w] for w in windows])).to(self._device) for part in (video, audio)]
            with torch.inference_mode():
                logits = self._network("synchformer").offset_logits(*both)
            features.store.write(place, mark, {"logits": logits.float().cpu().numpy()})
        return features.store.read(place, mark)["logits"]
