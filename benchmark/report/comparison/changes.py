"""The content of a comparison of two runs: differences, and the samples on which they are largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metrics.registry import Metric
from metrics.uncertainty.stability import smallest_detectable

Scope = Literal["all", "category", "label"]
SCOPES: tuple[Scope, ...] = ("all", "category", "label")  # in the order of a comparison
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Change:
    """One score of the two runs on one set of samples.

    Attributes:
        scope: all samples, those of one target category, or those of one target label.
        name: the category or label; "" for all.
        samples: scored by both.
        first: score of the first run on these samples, in the metric's unit.
        second: score of the second run.
        low: lower end of the interval of first minus second; None where there is none, see `reason`.
        high: upper end.
        p_value: two-sided, before correction; None where there is none.
        corrected: Holm's, over all tests of this scope.
        error: standard error of the difference; None where there is no test.
        reversals: how often the runs change places under resampling; None where that is not known, or no run is ahead.
        level: of the interval.
    """

    metric: Metric
    scope: Scope
    name: str
    samples: int
    first: float
    second: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    corrected: float | None = None
    reason: str = ""
    error: float | None = None
    reversals: float | None = None
    level: float = 0.95

    @property
    def detectable(self) -> float | None:
        """Smallest true difference that a test like this one finds four times out of five, in the metric's unit."""
        return None if self.error is None else smallest_detectable(self.error, level=self.level)

    @property
    def difference(self) -> float:
        """First minus second, in the metric's unit."""
        return self.first - self.second

    @property
    def better(self) -> Literal["first", "second", ""]:
        """Which run is better by more than chance after the correction, if either is."""
        if self.corrected is None or self.corrected >= SIGNIFICANT or not self.difference * self.metric.sign:
            return ""
        return "first" if self.difference * self.metric.sign > 0 else "second"


@dataclass(frozen=True)
class LargestGap:
    """A sample on which two runs differ much in one metric."""

    metric: Metric
    sample: str
    label: str
    paired_label: str
    first: float
    second: float


@dataclass(frozen=True)
class Comparison:
    """Everything that `compare` shows.

    Attributes:
        first: name of the first run.
        second: name of the second run.
        caption: benchmark, counts and how it was tested.
        changes: all samples first, then categories, then labels.
        apart: for each metric the samples that differ most, the largest difference first.
        only_one: samples that only one of the runs scored; they enter no number.
        seeds: those that were paired, where there were several.
    """

    first: str
    second: str
    caption: str
    changes: tuple[Change, ...]
    apart: tuple[LargestGap, ...]
    only_one: tuple[str, ...]
    seeds: tuple[int, ...] = ()

    def of(self, scope: Scope) -> tuple[Change, ...]:
        """Changes of one scope."""
        return tuple(change for change in self.changes if change.scope == scope)
