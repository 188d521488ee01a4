"""Which metrics two folders suffice for, and why not for the others; known before a file is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.folders.matching import Sides
from benchmark.profiles import PROFILES, Derives
from benchmark.profiles.gathering import SYNC_SECONDS
from foundation.names import joined, load
from metrics.registry import Metric, chosen_metrics

_OF_A_BENCHMARK = ("paired", "paired_label", "pair.judge")  # evidence that only composed scenes have


@dataclass(frozen=True)
class Asked:
    """The metrics that are shown.

    Attributes:
        metrics: all, in the order of the registry.
        lacking: why one of them cannot be computed, by its name.
    """

    metrics: tuple[Metric, ...]
    lacking: dict[str, str]

    @property
    def computed(self) -> tuple[str, ...]:
        """Names of those that can be computed."""
        return tuple(metric.name for metric in self.metrics if metric.name not in self.lacking)


def asked(profile: str, sides: Sides, *, metrics: Sequence[str], extended: bool, seconds: float) -> Asked:
    """Return what is shown of two folders. Metrics of composed scenes are shown only where they are named.

    Args:
        profile: which backbones score.
        sides: the files.
        metrics: names or labels: exactly these; () for the usual ones.
        extended: those on request too.
        seconds: how much of each file is scored.

    Raises:
        ValueError: an unknown profile or metric, or none of the metrics can be computed; says why.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile: expected {joined(PROFILES)}, got {profile!r}")
    derives: Derives = load(PROFILES[profile]).derives
    wanted = chosen_metrics(metrics, extended=extended)
    shown = tuple(metric for metric in wanted if metrics or not _is_of_a_benchmark(metric))
    reasons = {metric.name: _lacks(metric, profile, derives, sides, seconds) for metric in shown}
    found = Asked(shown, {name: reason for name, reason in reasons.items() if reason})
    if not found.computed:
        raise ValueError("; ".join(f"{metric.label} {found.lacking[metric.name]}" for metric in shown))
    return found


def _is_of_a_benchmark(metric: Metric) -> bool:
    return any(name.partition(".")[0] in _OF_A_BENCHMARK or name.startswith("pair.judge") for name in metric.takes)


def _lacks(metric: Metric, profile: str, derives: Derives, sides: Sides, seconds: float) -> str:
    """Return what a metric needs that is not there; "" where all is."""
    whose = {name.partition(".")[0] for name in metric.takes}
    if _is_of_a_benchmark(metric):
        return "needs the scenes of a benchmark, whose other sound is known"
    if whose & {"video", "pair"} and sides.films is None:
        return "needs the films (--video FOLDER)"
    if "prompt" in whose and sides.prompts is None:
        return "needs the prompts (--prompts FILE)"
    if "target" in whose and metric.per == "sample" and not sides.paired:
        return f"compares sounds of one name, {_unpaired(sides)}"
    if "pair.offset_logits" in metric.takes and seconds < SYNC_SECONDS:
        return f"is judged on {SYNC_SECONDS:g} s, and {seconds:g} s are scored (--seconds)"
    if any(who == "source" for name in metric.takes for who, _ in derives.get(name, ())):
        if sides.prompts is None:
            return f"needs labels (--prompts FILE): profile {profile} learns classes from the reference sounds"
        if not sides.paired:
            return f"needs labelled reference sounds in profile {profile}, {_unpaired(sides)}"
    return ""


def _unpaired(sides: Sides) -> str:
    shared = sides.generated.keys() & sides.reference.keys()
    if shared:
        return "and the folders are compared as sets"
    return f"and no name is in both folders ({min(sides.generated)!r} in one, {min(sides.reference)!r} in the other)"
