"""Which backbones score: `paper` (the paper's networks), `open` (those a company may use) or `signal` (no weights).

A profile says which extractors each kind of file needs, and turns their features into the evidence that the metrics
take. An extractor names the evidence that its features are as they stand (`yields`); the profile writes out only what
must be derived: texts, offsets, a classifier fitted on the benchmark. Of these a profile keeps what the wanted metrics
take, and finds the weights of that alone. What needs no weights is offered by every profile: `everywhere`. Profiles are
never mixed: a run is scored by one, and a table shows one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Unpack

import numpy as np
from numpy.typing import NDArray

from benchmark.choices import ProfileName as ProfileName
from benchmark.choices import ReferenceVideo as ReferenceVideo
from benchmark.evidence import Evidence, Whose
from benchmark.features import Arrays, Extractor, FeatureStore
from foundation.checkpoints import WeightOptions
from foundation.moved import serve_moved
from foundation.names import check_known, joined, load
from metrics.registry import Metric, chosen_metrics
from vgg_monoaudio.dataset import Sample, Source

if TYPE_CHECKING:
    from benchmark.profiles.networks import NetworkRow

PROFILES: Mapping[str, str] = {
    "paper": "benchmark.profiles.paper:PaperProfile",
    "open": "benchmark.profiles.open:OpenProfile",
    "signal": "benchmark.profiles.signal:SignalProfile",
}
serve_moved(__name__, {"extended": "benchmark.profiles.front_ends"})

Derives = Mapping[str, Sequence[tuple[Whose, str]]]  # evidence to the features it is made of: whose, which extractor's


@dataclass(frozen=True)
class Question:
    """One sample to be scored: what was generated for it, and the video it is held against."""

    sample: Sample
    generated: Path
    reference_video: Path


@dataclass(frozen=True)
class Features:
    """Features of the files of a run, read by file.

    Attributes:
        store: where they are kept.
        sha256: file to the hash of its bytes.
        timed: files that another frame rule may read in another way.
        filled: videos whose last frame was repeated, see `filling`.
    """

    store: FeatureStore
    sha256: Mapping[Path, str]
    timed: frozenset[Path] = frozenset()
    filled: frozenset[Path] = frozenset()

    def of(self, extractor: Extractor, path: Path) -> Arrays:
        """Return the features of a file."""
        return self.store.read(filling(extractor) if path in self.filled else extractor, self.sha256[path])

    def rows(self, extractor: Extractor, name: str, paths: Sequence[Path]) -> list[NDArray[Any]]:
        """Return one array of the features of each file, in the order given; each file is read once."""
        found = {path: self.of(extractor, path)[name] for path in dict.fromkeys(paths)}
        return [found[path] for path in paths]

    def stacked(self, extractor: Extractor, name: str, paths: Sequence[Path]) -> NDArray[Any]:
        """Return the same as one array, shape (n, ...)."""
        return np.stack(self.rows(extractor, name, paths))


def filling(extractor: Extractor) -> Extractor:
    """Return an extractor that repeats the last frame of a video that is a little short.

    What it makes is kept under another key: it must not serve where a short video is refused or dropped.

    Source:
        jnwnlee/av-benchmark edc7b1a: one frame may be missing of those at 0.5 a second that ImageBind is shown, three
        of Synchformer's 25 a second.
    """
    if extractor.frames is None:
        return extractor
    missing = 1 if extractor.frames.fps < 1 else 3
    return replace(extractor, key=f"{extractor.key}-filled", frames=replace(extractor.frames, repeat_last=missing))


class Profile(Protocol):
    """A choice of backbones."""

    name: ProfileName
    audio: tuple[Extractor, ...]  # of sounds
    video: tuple[Extractor, ...]  # of reference videos
    derives: Derives  # evidence that is made of features, beside what the extractors yield
    unverified_weights: bool  # a checkpoint's hash was not checked
    wanted: tuple[Metric, ...]  # what it was loaded for: it has extractors for these alone
    device: str  # where its networks run, and the arithmetic of large sets

    def backbones(self) -> dict[str, str]:
        """Return the content key of every backbone, for the record."""
        ...

    def evidence(self, questions: Sequence[Question], sources: Sequence[Source], features: Features) -> Evidence:
        """Return what the backbones say of the samples, in their order.

        Args:
            questions: the samples to be scored.
            sources: every source of the benchmark.
            features: of those files, by those extractors, that yield or `derives` name for evidence a metric takes.
        """
        ...


def load_profile(
    name: str, *, extended: bool = False, metrics: Sequence[str] = (), **weights: Unpack[WeightOptions]
) -> Profile:
    """Return a profile that has what the wanted metrics need; what it imports and loads, it does on first use.

    Args:
        name: paper, open or signal.
        extended: have evidence for the metrics that are scored on request too.
        metrics: names or labels: have evidence for exactly these; () for the usual ones.
        weights: see `foundation.checkpoints.WeightOptions`; profile signal has no use for them.

    Raises:
        TypeError: there is no such option.
        ValueError: an unknown name of a profile or metric, or the profile has evidence for none of the metrics.
        foundation.checkpoints.MissingCheckpoint: weights of its networks are missing.
    """
    from benchmark.profiles.judged import wanted_of_judge  # which needs what is defined here

    check_known(weights, WeightOptions.__annotations__)
    profile: Profile = _class_of(name)(extended=extended, metrics=metrics, **weights)
    if not (profile.audio or profile.video or wanted_of_judge(profile.wanted)):
        asked = ", ".join(metric.name for metric in chosen_metrics(metrics, extended=extended))
        raise ValueError(f"metrics: profile {name} has evidence for none of {asked}; name others or another profile")
    return profile


def checkpoints_of(name: str, wanted: Sequence[Metric]) -> tuple[str, ...]:
    """Return the official files that a profile needs for these metrics, by name; () where it needs none.

    Args:
        name: of the profile.
        wanted: the metrics.

    Raises:
        ValueError: an unknown name of a profile.
    """
    rows: Sequence[NetworkRow] = getattr(_class_of(name), "needed_rows", lambda _wanted: ())(wanted)
    return tuple(
        dict.fromkeys([*(file for row in rows for file in row.files), *(one for row in rows for one in row.beside)])
    )


def _class_of(name: str) -> Any:
    if name not in PROFILES:
        raise ValueError(f"profile: expected {joined(PROFILES)}, got {name!r}")
    return load(PROFILES[name])
