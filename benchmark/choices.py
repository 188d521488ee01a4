"""The scoring choices: what decides the numbers besides the audio, and the words that each choice takes.

A new choice is a `Literal` here, a field of `Choices` and of `ScoringRecord`, an option of the command line, and the
function that reads it. Nothing else names it: `ScoringRecord.of` and `ScoringRecord.choices` go by the fields.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field

from foundation.names import joined
from foundation.records import Record
from foundation.text import shortened
from metrics.registry import metric_names

ProfileName = Literal["paper", "open", "signal"]
ReferenceVideo = Literal["target", "composed"]
BandwidthFrom = Literal["generated", "reference"]
FrameRule = Literal["refuse", "drop", "repeat"]
ResampleBy = Literal["source", "sample"]
LONGEST_REPR = 110  # characters: what a console shows of an object is one line
FEWEST_RESAMPLES = 40  # what a 95 % interval needs to reach into both tails: metrics.uncertainty.intervals


@dataclass(frozen=True)
class Choices:
    """What a user may choose about the scores; the defaults are those of the published numbers.

    Attributes:
        profile: which backbones score.
        reference_video: whether IB and DeSync compare with the target's own clip or with the composed scene.
        bandwidth_from: whose median distance is KAD's bandwidth.
        resample_by: what the bootstrap draws: the source clips that scenes share, or scenes.
        resamples: how many, at least `FEWEST_RESAMPLES`.
        seed: of the bootstrap, from 0 on.
        extended: score the metrics that are scored only on request too.
        metrics: names or labels of metrics: exactly these are scored; () for the usual ones.
        frame_rule: what is done where a reference video is short: refuse to score, as the benchmark is broken; drop
            the sample and name it, as av-benchmark does in its log; repeat the last frame for what little is missing.

    Raises:
        ValueError: a choice does not take this value; names the choice, what it takes and the value.
    """

    profile: ProfileName = "paper"
    reference_video: ReferenceVideo = "target"
    bandwidth_from: BandwidthFrom = "generated"
    resample_by: ResampleBy = "source"
    resamples: int = 1000
    seed: int = 0
    extended: bool = False
    metrics: tuple[str, ...] = ()
    frame_rule: FrameRule = "refuse"

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(Choices).items():
            _check(name, kind, getattr(self, name))
        if self.metrics and self.extended:
            raise ValueError("extended: adds to the usual metrics, and metrics names all that are scored; give one")
        object.__setattr__(self, "metrics", metric_names(self.metrics))  # one order and spelling, so one fingerprint

    def __repr__(self) -> str:
        """Show what differs from the defaults."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        given = [f"{name}={value!r}" for name, value in told.items() if value != getattr(Choices, name)]
        return shortened(f"Choices({', '.join(given)}", LONGEST_REPR) + ")"


def _check(name: str, kind: Any, value: object) -> None:
    """Raise ValueError unless a choice takes a value."""
    if get_origin(kind) is Literal:
        taken, fits = joined(get_args(kind)), value in get_args(kind)
    elif kind is bool:
        taken, fits = "True or False", isinstance(value, bool)
    elif get_origin(kind) is tuple:
        taken = "a tuple of names"
        fits = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    else:
        least = FEWEST_RESAMPLES if name == "resamples" else 0
        taken = f"a whole number from {least} on"
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
    if not fits:
        raise ValueError(f"{name}: expected {taken}, got {value!r}")


class Backbones(Protocol):
    """What a record keeps of the profile that scored."""

    unverified_weights: bool

    def backbones(self) -> dict[str, str]:
        """Return the content key of every backbone."""
        ...


class CompleteRecord(Record):
    """A record that is written with every field, so its schema requires those with a default too."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class ScoringRecord(CompleteRecord):
    """The choices that decide what the numbers mean; two runs compare only when these agree."""

    profile: ProfileName
    reference_video: ReferenceVideo
    bandwidth_from: BandwidthFrom
    resample_by: ResampleBy
    resamples: int
    confidence: float = 0.95
    bootstrap_seed: int
    backbones: dict[str, str] = Field(
        description="backbone to content key: preprocessing version, .own where not the package's network ran, "
        "and weights hash"
    )
    unverified_weights: bool = False
    extended: bool = Field(default=False, description="the extended metrics were asked for too; the others are alike")
    metrics: tuple[str, ...] = Field(
        default=(), exclude_if=operator.not_,
        description="those that were asked for by name, and no others; absent: the usual ones",
    )  # fmt: skip
    frame_rule: FrameRule = Field(
        default="refuse", exclude_if=lambda rule: rule == "refuse",
        description="what was done with samples whose reference video is short; absent: refuse, none is",
    )  # fmt: skip

    @classmethod
    def of(cls, choices: Choices, profile: Backbones) -> ScoringRecord:
        """Return the record of these choices, scored by this profile.

        Args:
            choices: what the user asked for.
            profile: loaded, so that its weights are known.
        """
        chosen = {recorded: getattr(choices, name) for name, recorded in _RECORDED_AS.items()}
        return cls(**chosen, backbones=profile.backbones(), unverified_weights=profile.unverified_weights)

    def choices(self) -> Choices:
        """Return the choices that this record was made from: the inverse of `of`."""
        return Choices(**{name: getattr(self, recorded) for name, recorded in _RECORDED_AS.items()})


# Field of Choices to field of ScoringRecord. The seed needs another name there: a run has a seed of its own.
_RECORDED_AS: Mapping[str, str] = {field.name: field.name for field in fields(Choices)} | {"seed": "bootstrap_seed"}
