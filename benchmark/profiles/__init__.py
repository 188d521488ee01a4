"""Which backbones score: `paper` (the networks the paper used) or `signal` (no weights).

A profile says which extractors each kind of file needs, and turns their features into the evidence that the metrics
take. An extractor names the evidence that its features are as they stand (`yields`); the profile writes out only what
must be derived: texts, offsets, a classifier fitted on the benchmark. The two profiles are never mixed: a run is scored
by one, and a table shows one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Unpack

import numpy as np
from numpy.typing import NDArray

from benchmark.choices import ProfileName as ProfileName
from benchmark.choices import ReferenceVideo as ReferenceVideo
from benchmark.evidence import Evidence, Whose
from benchmark.features import Arrays, Extractor, FeatureStore
from foundation.checkpoints import WeightOptions
from foundation.moved import serve_moved
from foundation.names import check_known, load
from vgg_monoaudio.dataset import Sample, Source

PROFILES: Mapping[str, str] = {
    "paper": "benchmark.profiles.paper:PaperProfile",
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
    """

    store: FeatureStore
    sha256: Mapping[Path, str]
    timed: frozenset[Path] = frozenset()

    def of(self, extractor: Extractor, path: Path) -> Arrays:
        """Return the features of a file."""
        return self.store.read(extractor, self.sha256[path])

    def rows(self, extractor: Extractor, name: str, paths: Sequence[Path]) -> list[NDArray[Any]]:
        """Return one array of the features of each file, in the order given; each file is read once."""
        found = {path: self.of(extractor, path)[name] for path in dict.fromkeys(paths)}
        return [found[path] for path in paths]

    def stacked(self, extractor: Extractor, name: str, paths: Sequence[Path]) -> NDArray[Any]:
        """Return the same as one array, shape (n, ...)."""
        return np.stack(self.rows(extractor, name, paths))


class Profile(Protocol):
    """A choice of backbones."""

    name: ProfileName
    audio: tuple[Extractor, ...]  # of sounds
    video: tuple[Extractor, ...]  # of reference videos
    derives: Derives  # evidence that is made of features, beside what the extractors yield
    unverified_weights: bool  # a checkpoint's hash was not checked
    extended: bool  # it has evidence for the extended metrics too
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


def load_profile(name: str, *, extended: bool = False, **weights: Unpack[WeightOptions]) -> Profile:
    """Return a profile; what it imports and loads, it does on first use.

    Args:
        name: paper or signal.
        extended: have evidence for the extended metrics too; only profile paper can.
        weights: see `foundation.checkpoints.WeightOptions`; profile signal has no use for them.

    Raises:
        TypeError: there is no such option.
        ValueError: an unknown name, or extended metrics of profile signal.
        foundation.checkpoints.MissingCheckpoint: weights of the paper's networks are missing.
    """
    if name not in PROFILES:
        raise ValueError(f"profile: expected {' or '.join(PROFILES)}, got {name!r}")
    check_known(weights, WeightOptions.__annotations__)
    profile: Profile = load(PROFILES[name])(extended=extended, **weights)
    return profile
