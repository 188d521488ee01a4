"""Two runs against each other: where they differ, by how much, and whether by more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import pandas as pd

from benchmark.features import DEFAULT_CACHE
from benchmark.report.comparison.changes import SCOPES, Change, Comparison
from benchmark.report.comparison.paired import GROUPED_BY, PairedTests, corrected, largest_gaps
from benchmark.report.results import MixedRuns, check_alike, shown_name
from benchmark.report.samples import clips_of, read_run_samples
from benchmark.report.scored_on import check_scored_on
from benchmark.runs import MetricsRecord, RunDirectory, UnusableRun
from foundation.checkpoints import WeightOptions
from metrics.registry import list_metrics

if TYPE_CHECKING:
    from benchmark.report.comparison.set_scores import SetDifference


def compare_runs(
    a: RunDirectory | Path | str,
    b: RunDirectory | Path | str,
    *,
    largest: int = 5,
    benchmark_dir: Path | None = None,
    cache: Path = DEFAULT_CACHE,
    **weights: Unpack[WeightOptions],
) -> Comparison:
    """Return how two runs on the same samples differ: a minus b.

    Per-sample metrics are tested on the samples that both runs scored, with the resampling of the first run's record
    (by source clip where the scores' own intervals are). Set-wise scores such as FAD are not means over samples: they
    are tested from the features, which takes the benchmark; without it they have a difference and no test.

    Args:
        a: the first run, or its directory.
        b: the second run.
        largest: how many samples to list for each metric.
        benchmark_dir: the benchmark that both answer, to test set-wise scores.
        cache: where features are kept; what is missing there is computed.
        weights: of the profile; see `foundation.checkpoints.WeightOptions`.

    Raises:
        MixedRuns: they differ in benchmark, subset, profile or another choice that decides what numbers mean.
        UnusableRun: a run cannot be read, no sample was scored in both, or audio, backbones or benchmark are not those
            that were scored.
        foundation.checkpoints.MissingCheckpoint: features are missing, and weights of the profile too.
    """
    runs = [run if isinstance(run, RunDirectory) else RunDirectory(Path(run)) for run in (a, b)]
    records = _records(runs)
    if benchmark_dir is not None:
        check_scored_on(benchmark_dir, zip(runs, records, strict=True))
    names = _names(runs, records)
    first, second, only_one = _both_scored(*[read_run_samples(run).scored.set_index("sample_id") for run in runs])
    metrics = [m for m in list_metrics(extended=True) if m.per == "sample" and m.name in first and m.name in second]
    tests = PairedTests(first, second, records[0])
    whole_sets: dict[str, SetDifference] = {}
    if benchmark_dir is not None:
        from benchmark.report.comparison.set_scores import set_differences

        groups = clips_of(first) if records[0].scoring.resample_by == "source" else None
        whole_sets = set_differences(
            runs, records, list(first.index), benchmark_dir, cache=cache, groups=groups, **weights
        )
    changes = corrected([*_set_wise(records, len(first), whole_sets), *tests.changes("all", metrics)])
    for scope in GROUPED_BY:
        changes += corrected(tests.changes(scope, [m for m in metrics if m.headline and first[m.name].notna().any()]))
    order = {metric.name: place for place, metric in enumerate(list_metrics(extended=True))}
    changes.sort(key=lambda c: (SCOPES.index(c.scope), order[c.metric.name]))
    gaps = [largest_gaps(first, second, metric, largest) for metric in metrics if metric.headline]
    caption = " ".join([_caption(records[0], len(first)), *_reservations(names, records)])
    return Comparison(names[0], names[1], caption, tuple(changes), tuple(chain.from_iterable(gaps)), only_one)


def _records(runs: Sequence[RunDirectory]) -> list[MetricsRecord]:
    records = [run.read_metrics() for run in runs]
    check_alike(list(zip(runs, records, strict=True)))
    if records[0].benchmark.subset != records[1].benchmark.subset:
        subsets = " and ".join(record.benchmark.subset for record in records)
        raise MixedRuns(f"these runs answer different subsets, {subsets}; compare runs on the same subset")
    return records


def _names(runs: Sequence[RunDirectory], records: Sequence[MetricsRecord]) -> list[str]:
    names = [shown_name(run, record) for run, record in zip(runs, records, strict=True)]
    return names if names[0] != names[1] else [str(run.path) for run in runs]


def _both_scored(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    shared = first.index.intersection(second.index, sort=False)
    if shared.empty:
        raise UnusableRun("no sample was scored in both runs, so there is nothing to compare")
    return first.loc[shared], second.loc[shared], tuple(first.index.symmetric_difference(second.index))


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
        reason = "set-wise: tested from the features, with --benchmark-dir"
        if not metric.resampler:
            reason = "set-wise, and without a paired test"
        elif not all(value is not None and value.n == shared for value in found):
            reason = "set-wise, and the runs scored different samples"
        yield Change(metric, "all", "", shared, first, second, reason=reason)


def _caption(record: MetricsRecord, shared: int) -> str:
    scoring, benchmark = record.scoring, record.benchmark
    return (
        f"{benchmark.name} {benchmark.version}, {benchmark.subset}: {shared} of {benchmark.samples} samples scored in "
        f"both; profile {scoring.profile}, reference video: {scoring.reference_video}. Differences are first minus "
        f"second, with {100 * scoring.confidence:g}% bootstrap intervals (at least {scoring.resamples:,} resamples by "
        f"{scoring.resample_by}); p-values are two-sided, Holm-corrected over the tests of each list."
    )


def _reservations(names: Sequence[str], records: Sequence[MetricsRecord]) -> Iterator[str]:
    """What a reader must know about either run before trusting a difference."""
    for name, record in zip(names, records, strict=True):
        if record.model.untrained:
            yield f"{name} has random weights: for timing only."
        if record.model.unverified_weights or record.scoring.unverified_weights:
            yield f"{name}: a checkpoint's hash was not verified."
        if record.counts.scored != record.counts.expected:
            yield f"{name} was scored on {record.counts.scored} of {record.counts.expected} samples."
