"""Profile `signal`: no weights, for the embedded demo, for CI and for a first look."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from benchmark.evidence import Evidence, Rows, Whose, taken
from benchmark.features import Arrays, Extractor, FeatureStore
from benchmark.profiles import Derives, Features, ProfileName, Question, everywhere
from benchmark.profiles.direct import direct_evidence, files_of, needed
from foundation import media
from foundation.checkpoints import WeightOptions
from foundation.files import WriteFailed, fingerprint
from metrics.backbones.signal import FPS, SAMPLE_RATE, Signal
from metrics.backbones.signal_classifier import LabelModel
from metrics.registry import chosen_metrics
from vgg_monoaudio.dataset import Source

log = logging.getLogger(__name__)

_BACKBONE = Signal()
MOST_LABELS = 400  # VGGSound has 309; more are free prompts, of which each has one sound
_FRAME_SIZE = (112, 112)  # the backbone measures motion; more pixels do not change it
_SOUNDS: tuple[Whose, ...] = ("target", "paired", "generated")
_FITTED: tuple[Whose, str] = ("source", "signal.audio")  # what the classifier is fitted on


def _prepare_audio(audio: media.Audio, seconds: float) -> Arrays:
    mono = audio.samples.mean(axis=0, dtype=np.float32)
    waveform = media.resample(mono, audio.sample_rate, SAMPLE_RATE)[: round(seconds * SAMPLE_RATE)]
    features = _BACKBONE.audio(waveform)
    return {"embedding": features.embedding, "onset": features.onset}


def _prepare_video(frames: NDArray[np.uint8], _seconds: float) -> Arrays:
    return {"motion": _BACKBONE.video(frames)}


class SignalProfile:
    """Log-mel statistics, a closed-set classifier of the benchmark's own labels, and onset against motion."""

    name: ProfileName = "signal"
    unverified_weights = False
    device = "cpu"
    audio: tuple[Extractor, ...] = (
        Extractor(
            "signal.audio", f"v{Signal.version}", "audio", _prepare_audio,
            yields={"embedding": "embedding", "kad_embedding": "embedding"},
        ),
    )  # fmt: skip
    video: tuple[Extractor, ...] = (
        Extractor("signal.video", f"v{Signal.version}", "video", _prepare_video, media.FrameRequest(FPS, _FRAME_SIZE)),
    )
    derives: Derives = MappingProxyType(
        {
            "prompt.clap": (_FITTED,),
            "paired_label.clap": (_FITTED,),
            "pair.offset_logits": (("generated", "signal.audio"), ("video", "signal.video")),
            **{f"{who}.{kind}": (_FITTED, (who, "signal.audio")) for who in _SOUNDS for kind in ("logits", "clap")},
            **everywhere.DERIVES,
        }
    )

    def __init__(
        self, *, extended: bool = False, metrics: Sequence[str] = (), **_weights: Unpack[WeightOptions]
    ) -> None:
        """Keep what the wanted metrics take; there are no weights to load and no device to choose.

        Args:
            extended: have evidence for the metrics that are scored on request too.
            metrics: names or labels: have evidence for exactly these; () for the usual ones.

        Raises:
            foundation.extras.MissingPackage: a metric on request needs a package that is not installed.
        """
        self.wanted = chosen_metrics(metrics, extended=extended)
        parts = needed((*self.audio, *everywhere.AUDIO, *self.video, *everywhere.VIDEO), self.derives, self.wanted)
        kept = [everywhere.ready(part) for part in parts]
        everywhere.require_packages(kept)
        self.audio = tuple(extractor for extractor in kept if extractor.medium == "audio")
        self.video = tuple(extractor for extractor in kept if extractor.medium == "video")

    def __repr__(self) -> str:
        return f"SignalProfile({len(self.wanted)} metrics)"

    def backbones(self) -> dict[str, str]:
        """Return the versions of the backbones, and of the classifier where one is fitted."""
        fitted = {"signal.classifier": f"v{LabelModel.version}"} if self._fits() else {}
        return everywhere.backbones((*self.audio, *self.video), self.wanted) | fitted

    def evidence(self, questions: Sequence[Question], sources: Sequence[Source], features: Features) -> Evidence:
        """Return what the signal backbone says of the samples."""
        found = direct_evidence((*self.audio, *self.video), questions, features, self.wanted)
        found |= everywhere.derived((*self.audio, *self.video), questions, features, self.wanted)
        if self._fits():
            found |= self._classified(questions, sources, features)
        if "pair.offset_logits" in taken(self.wanted):
            found["pair.offset_logits"] = self._offsets(questions, features)
        return found

    def _fits(self) -> bool:
        return any(_FITTED in self.derives.get(name, ()) for name in taken(self.wanted))

    def _of(self, name: str) -> Extractor:
        return next(extractor for extractor in (*self.audio, *self.video) if extractor.name == name)

    def _classified(
        self, questions: Sequence[Question], sources: Sequence[Source], features: Features
    ) -> dict[str, Rows]:
        """Return what a classifier fitted on the benchmark's own sounds says of the texts and of each sound."""
        known = [source for source in sources if source.audio is not None]
        if _no_classes(known):
            return {}
        audio, files = self._of("signal.audio"), files_of(questions)
        heard = {who: features.stacked(audio, "embedding", files[who]) for who in files if who != "video"}
        labels = _classifier(
            features.stacked(audio, "embedding", [source.audio for source in known if source.audio is not None]),
            [source.label for source in known],
            features.store,
        )
        derived: dict[str, Rows] = {}
        for name, texts in _texts(questions).items():
            if all(text in labels.labels for text in texts):
                derived[name] = labels.prototypes(texts)
        for who, embeddings in heard.items():
            derived[f"{who}.logits"] = labels.logits(embeddings)
            derived[f"{who}.clap"] = labels.standardised(embeddings)
        return derived

    def absent(self, questions: Sequence[Question], sources: Sequence[Source]) -> dict[str, str]:
        """Return why evidence of the labels is not there, by its name: they are known by the benchmark's own sounds."""
        known = [source for source in sources if source.audio is not None]
        labels = {source.label for source in known}
        if why := _no_classes(known):
            names = [f"{who}.{kind}" for who in _SOUNDS for kind in ("logits", "clap")]
            return dict.fromkeys([*names, "prompt.clap", "paired_label.clap"], why)
        return {
            name: f"profile signal knows texts by this benchmark's sounds alone, and none sounds like {min(unknown)!r}"
            for name, texts in _texts(questions).items()
            if (unknown := set(texts) - labels)
        }

    def _offsets(self, questions: Sequence[Question], features: Features) -> NDArray[np.float64]:
        """Return how well each sound's onsets fit the video's motion at each offset, (n, 2, 21)."""
        onsets = features.rows(self._of("signal.audio"), "onset", [q.generated for q in questions])
        motions = features.rows(self._of("signal.video"), "motion", [q.reference_video for q in questions])
        return np.stack([_BACKBONE.offset_logits(*pair) for pair in zip(onsets, motions, strict=True)])


def _no_classes(known: Sequence[Source]) -> str:
    """Return why labels cannot be told apart by these sources, which have sounds; "" where they can."""
    count = len({source.label for source in known})
    if not known:
        return "profile signal knows labels by reference sounds, and there are none"
    if count < 2:
        return "profile signal tells labels apart, and all reference sounds have one"
    if count > MOST_LABELS:
        return f"profile signal tells {MOST_LABELS} labels apart, and here are {count}: the prompts are free"
    return ""


def _texts(questions: Sequence[Question]) -> dict[str, list[str]]:
    """Return the texts of the samples by the name of their evidence; paired labels where every sample has one."""
    found = {"prompt.clap": [q.sample.label for q in questions]}
    paired = [q.sample.paired_label for q in questions]
    return found | ({"paired_label.clap": paired} if all(paired) else {})


def _classifier(embeddings: NDArray[np.float32], labels: Sequence[str], store: FeatureStore) -> LabelModel:
    """Return the classifier of these sources: fitted once for each set of them, and kept beside their features.

    It is kept under the hash of labels and embeddings, and the versions of the classifier and of scikit-learn. Where it
    may not be kept, as in a cache that is complete and read-only, it serves all the same.

    Args:
        embeddings: shape (n, d): source, dimension.
        labels: the n labels.
        store: where it is kept.

    Raises:
        ValueError: there is no classifier of these labels.
        foundation.files.WriteFailed: the disk is full.
    """
    key = f"v{LabelModel.version}-sklearn-{version('scikit-learn')}"
    place = Extractor("signal.classifier", key, "audio", _prepare_audio)  # name and key alone count here
    content = {"labels": list(labels), "shape": embeddings.shape, "type": embeddings.dtype.str}
    mark = hashlib.sha256(fingerprint(content).encode() + embeddings.tobytes()).hexdigest()
    if store.has(place, mark):
        return LabelModel.from_arrays(store.read(place, mark), labels)
    fitted = LabelModel.fit(embeddings, labels)
    try:
        store.write(place, mark, fitted.arrays())
    except WriteFailed as error:
        if error.no_room:
            raise
        log.warning("%s", error)
    return fitted
