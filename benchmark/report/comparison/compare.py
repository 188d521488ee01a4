"""Two runs, sample by sample: where they differ, by how much, and whether by more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.features import DEFAULT_CACHE
from benchmark.report.results import MixedRuns, check_alike, shown_name
from benchmark.report.samples import clips_of, read_run_samples
from benchmark.report.tables.cells import Column
from benchmark.runs import MetricsRecord, RunDirectory, UnusableRun
from metrics.registry import Metric, list_metrics

if TYPE_CHECKING:
    from benchmark.report.comparison.set_scores import SetDifference

Scope = Literal["all", "category", "label"]
SIGNIFICANT = 0.05
RESAMPLES_A_TEST, MOST_RESAMPLES = 100, 20_000
_GROUPED_BY: dict[Scope, str] = {"category": "target_category", "label": "label"}


@dataclass(frozen=True)
class Change:
    """One score of the two runs on one set of samples.

    Attributes:
        scope: all samples, those of one target category, or those of one target label.
        name: the category or label; "" for all.
        samples: scored by both.
        first: score of the first run on these samples, in the metric's unit.
        second: score of the second run.
        low: lower end of the interval of first minus second; None where there is none, `reason` says why.
        high: upper end.
        p_value: two-sided, before correction; None where there is none.
        corrected: Holm's, over all tests of this scope.
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

    @property
    def difference(self) -> float:
        """First minus second, in the metric's unit."""
        return self.first - self.second

    @property
    def better(self) -> Literal["first", "second", ""]:
        """Which run is better by more than chance after the correction, if either is."""
        if self.corrected is None or self.corrected >= SIGNIFICANT or self.difference == 0:
            return ""
        return "first" if (self.difference > 0) == (self.metric.better == "higher") else "second"


@dataclass(frozen=True)
class Apart:
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
    """

    first: str
    second: str
    caption: str
    changes: tuple[Change, ...]
    apart: tuple[Apart, ...]
    only_one: tuple[str, ...]

    def of(self, scope: Scope) -> tuple[Change, ...]:
        """Changes of one scope."""
        return tuple(change for change in self.changes if change.scope == scope)


def compare_runs(
    a: RunDirectory | Path | str,
    b: RunDirectory | Path | str,
    *,
    largest: int = 5,
    benchmark_dir: Path | None = None,
    cache: Path = DEFAULT_CACHE,
    **profile_options: Any,
) -> Comparison:
    """Return how two runs on the same samples differ: a minus b.

    Per-sample metrics are tested on the samples that both runs scored, with the resampling of the first run's record
    (by source clip where the scores' own intervals are). FAD, KAD and IS are no mean over samples: they are tested
    from the features, which takes the benchmark; without it they have a difference and no test.

    Args:
        a: the first run, or its directory.
        b: the second run.
        largest: how many samples to list for each metric.
        benchmark_dir: the benchmark that both answer, to test FAD, KAD and IS.
        cache: where features are kept; what is missing there is computed.
        profile_options: device, weights_dir, allow_unverified.

    Raises:
        MixedRuns: they differ in benchmark, subset, profile or another choice that decides what numbers mean.
        UnusableRun: a run cannot be read, no sample was scored by both, or audio, backbones or benchmark are not those
            that were scored.
        foundation.checkpoints.MissingCheckpoint: features are missing, and weights of the profile too.
    """
    runs = [run if isinstance(run, RunDirectory) else RunDirectory(Path(run)) for run in (a, b)]
    records = [run.read_metrics() for run in runs]
    check_alike(list(zip(runs, records, strict=True)))
    if records[0].benchmark.subset != records[1].benchmark.subset:
        subsets = " and ".join(record.benchmark.subset for record in records)
        raise MixedRuns(f"these runs answer different subsets, {subsets}; compare run by run on one subset")
    names = [shown_name(run, record) for run, record in zip(runs, records, strict=True)]
    if names[0] == names[1]:
        names = [str(run.path) for run in runs]
    first, second, only_one = _both_scored(*[read_run_samples(run).scored.set_index("sample_id") for run in runs])
    metrics = [m for m in list_metrics(extended=True) if m.per == "sample" and m.name in first and m.name in second]
    tests = _Tests(first, second, records[0])
    whole_sets: dict[str, SetDifference] = {}
    if benchmark_dir is not None:
        from benchmark.report.comparison.set_scores import set_differences

        groups = clips_of(first) if records[0].scoring.resample_by == "source" else None
        whole_sets = set_differences(
            runs, records, list(first.index), benchmark_dir, cache=cache, groups=groups, **profile_options
        )
    changes = _corrected([*_set_wise(records, len(first), whole_sets), *tests.changes("all", metrics)])
    for scope in _GROUPED_BY:
        changes += _corrected(tests.changes(scope, [m for m in metrics if m.headline and first[m.name].notna().any()]))
    order = {metric.name: place for place, metric in enumerate(list_metrics(extended=True))}
    changes.sort(key=lambda c: (("all", "category", "label").index(c.scope), order[c.metric.name]))
    apart = tuple(found for metric in metrics if metric.headline for found in _largest(first, second, metric, largest))
    caption = " ".join([_caption(records[0], len(first)), *_reservations(names, records)])
    return Comparison(names[0], names[1], caption, tuple(changes), apart, only_one)


def _both_scored(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    shared = first.index.intersection(second.index, sort=False)
    if shared.empty:
        raise UnusableRun("no sample was scored in both runs, so there is nothing to compare")
    return first.loc[shared], second.loc[shared], tuple(first.index.symmetric_difference(second.index))


def _corrected(changes: Sequence[Change]) -> list[Change]:
    """Return the changes with their p-values corrected for having been tested together."""
    from metrics.uncertainty.bootstrap import holm

    p_values = iter(holm([change.p_value for change in changes if change.p_value is not None]))
    return [c if c.p_value is None else replace(c, corrected=float(next(p_values))) for c in changes]


def _set_wise(records: Sequence[MetricsRecord], shared: int, tested: Mapping[str, SetDifference]) -> Iterator[Change]:
    """Differences of the scores that belong to a whole set: tested, or only where both sets are those compared."""
    for metric in list_metrics(extended=True):
        found = [record.metrics.get(metric.name) for record in records]
        if metric.per != "set" or any(value is None or value.value is None for value in found):
            continue
        if metric.name in tested:
            one = tested[metric.name]
            interval = one.difference.interval
            yield Change(
                metric, "all", "", shared, one.first, one.second, interval.low, interval.high, one.difference.p_value,
                reason=interval.reason or "",
            )  # fmt: skip
            continue
        first, second = (float(value.value) for value in found if value is not None and value.value is not None)
        whole = all(value is not None and value.n == shared for value in found)
        reason = (
            "set-wise: tested from the features, with --benchmark-dir"
            if whole
            else "set-wise, and the runs scored different samples"
        )
        yield Change(metric, "all", "", shared, first, second, reason=reason)


@dataclass(frozen=True)
class _Tests:
    """Paired tests on the samples that both runs scored."""

    first: pd.DataFrame
    second: pd.DataFrame
    record: MetricsRecord

    def changes(self, scope: Scope, metrics: Sequence[Metric]) -> list[Change]:
        """Return the changes of a scope, p-values not corrected yet."""
        wanted = [(metric, name, rows) for metric in metrics for name, rows in self._sets(scope)]
        # A p-value cannot fall below 1 / (resamples + 1), and Holm multiplies it by up to the number of tests: with a
        # thousand resamples no one of 39 labels could ever differ.
        resamples = max(self.record.scoring.resamples, min(RESAMPLES_A_TEST * len(wanted), MOST_RESAMPLES))
        return [self._change(metric, scope, name, rows, resamples) for metric, name, rows in wanted]

    def _sets(self, scope: Scope) -> list[tuple[str, NDArray[np.bool_]]]:
        if scope == "all":
            return [("", np.ones(len(self.first), dtype=np.bool_))]
        names = self.first[_GROUPED_BY[scope]]
        return [(str(name), (names == name).to_numpy(dtype=np.bool_)) for name in sorted(names.unique())]

    def _change(self, metric: Metric, scope: Scope, name: str, rows: NDArray[np.bool_], resamples: int) -> Change:
        from metrics.uncertainty.bootstrap import paired_difference

        scores = [table[metric.name].to_numpy(dtype=np.float64) for table in (self.first, self.second)]
        rows = rows & np.isfinite(scores[0]) & np.isfinite(scores[1])
        if not rows.any():
            return Change(metric, scope, name, 0, float("nan"), float("nan"), reason="no sample has this score in both")
        scoring = self.record.scoring
        clips = clips_of(self.first.loc[rows])
        found = paired_difference(
            scores[0][rows],
            scores[1][rows],
            groups=clips if scoring.resample_by == "source" else None,
            resamples=resamples,
            seed=scoring.bootstrap_seed,
            level=scoring.confidence,
        )
        first, second = (float(score[rows].mean()) for score in scores)
        low, high, reason = found.interval.low, found.interval.high, found.interval.reason or ""
        return Change(metric, scope, name, int(rows.sum()), first, second, low, high, found.p_value, reason=reason)


def _largest(first: pd.DataFrame, second: pd.DataFrame, metric: Metric, count: int) -> list[Apart]:
    scores = pd.DataFrame({"first": first[metric.name], "second": second[metric.name]}).dropna()
    gaps = (scores["first"] - scores["second"]).abs()
    ordered = gaps[gaps > 0].sort_values(ascending=False, kind="stable").index[:count]
    found = []
    for sample in ordered:
        label, paired = (str(first.loc[sample, name]) for name in ("label", "paired_label"))
        values = scores.loc[sample].to_numpy(dtype=np.float64)
        found.append(Apart(metric, str(sample), label, paired, float(values[0]), float(values[1])))
    return found


def _caption(record: MetricsRecord, shared: int) -> str:
    scoring, benchmark = record.scoring, record.benchmark
    return (
        f"{benchmark.name} {benchmark.version}, {benchmark.subset}: {shared} of {benchmark.samples} samples scored in "
        f"both; profile {scoring.profile}, reference video: {scoring.reference_video}. Differences are first minus "
        f"second, with {100 * scoring.confidence:g}% bootstrap intervals (at least {scoring.resamples:,} resamples by "
        f"{scoring.resample_by}); p-values are two-sided, Holm-corrected over the tests of each list."
    )


def _reservations(names: Sequence[str], records: Sequence[MetricsRecord]) -> Iterator[str]:
    """What a reader must know of either run before believing a difference."""
    for name, record in zip(names, records, strict=True):
        if record.model.untrained:
            yield f"{name} has random weights: for timing only."
        if record.model.unverified_weights or record.scoring.unverified_weights:
            yield f"{name}: a checkpoint's hash was not verified."
        if record.counts.scored != record.counts.expected:
            yield f"{name} was scored on {record.counts.scored} of {record.counts.expected} samples."


def column_of(metric: Metric) -> Column:
    """Return the column whose rounding a comparison shows: one place more than the tables, for small differences."""
    return Column(metric, metric.decimals + 1)
