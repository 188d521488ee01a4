"""Two runs against each other: where they differ, by how much, and whether by more than chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Unpack

import pandas as pd

from benchmark.features import DEFAULT_CACHE
from benchmark.remote_site import brought_here
from benchmark.report.comparison.changes import SCOPES, Change, Comparison
from benchmark.report.comparison.paired import GROUPED_BY, PairedTests, corrected, largest_gaps
from benchmark.report.comparison.seeds import Pair, Pairs, mean_scores, pair_seeds, set_differences_over_seeds
from benchmark.report.results import MixedRuns, check_alike, shown_name
from benchmark.report.samples import clips_of, read_run_samples
from benchmark.report.scored_on import check_scored_on
from benchmark.report.tables.notes import profile_note
from benchmark.runs import MetricsRecord, RunDirectory, UnusableRun
from foundation.checkpoints import WeightOptions
from foundation.names import check_known, options_of
from metrics.registry import list_metrics

if TYPE_CHECKING:
    from benchmark.report.comparison.set_scores import SetDifference

BothRecords = tuple[MetricsRecord, MetricsRecord]  # of the first and of the second run
Names = tuple[str, ...]


def compare_runs(
    a: RunDirectory | Path | str,
    b: RunDirectory | Path | str,
    *,
    largest: int = 5,
    alone: bool = False,
    benchmark_dir: Path | None = None,
    cache: Path | str = DEFAULT_CACHE,
    **weights: Unpack[WeightOptions],
) -> Comparison:
    """Return how two runs on the same samples differ: a minus b.

    Per-sample metrics are tested on the samples that both runs scored, with the resampling of the first run's record
    (by source clip where the scores' own intervals are). Set-wise scores such as FAD are not means over samples: they
    are tested from the features, which takes the benchmark; without it they have a difference and no test.

    Where both models were run with the same seeds (`--seeds`), runs are paired seed by seed and sample by sample; the
    caption says so, and also where there are seeds that could not be paired.

    Args:
        a: the first run, or its directory or address.
        b: the second run.
        largest: how many samples to list for each metric.
        alone: compare these two runs and no other seeds of theirs.
        benchmark_dir: the benchmark that both answer, to test set-wise scores.
        cache: where features are kept, a path or an address; what is missing there is computed.
        weights: of the profile; see `foundation.checkpoints.WeightOptions`.

    Raises:
        TypeError: there is no such option.
        MixedRuns: they differ in benchmark, subset, profile or another choice that decides what numbers mean.
        UnusableRun: a run cannot be read, no sample was scored in both, or audio, backbones or benchmark are not those
            that were scored.
        foundation.checkpoints.MissingCheckpoint: features are missing, and weights of the profile too.
    """
    check_known(weights, options_of(compare_runs, WeightOptions.__annotations__))
    given = [brought_here(run) for run in (a, b)]
    pairs = Pairs(((given[0], given[1]),)) if alone else pair_seeds(given[0], given[1])
    records = _records(pairs.runs)
    if benchmark_dir is not None:
        runs = [run for pair in pairs.runs for run in pair]
        check_scored_on(benchmark_dir, zip(runs, chain.from_iterable(records), strict=True))
    names = _names(pairs.runs[0], records[0])
    tables, only_one = _all_scored(
        [[read_run_samples(run).scored.set_index("sample_id") for run in pair] for pair in pairs.runs]
    )
    metrics = [
        m for m in list_metrics(extended=True)
        if m.per == "sample" and all(m.name in table for pair in tables for table in pair)
    ]  # fmt: skip
    first, second = (mean_scores(side, metrics) for side in zip(*tables, strict=True))
    tests = PairedTests(first, second, records[0][0], tables if len(tables) > 1 else ())
    whole_sets: dict[str, SetDifference] = {}
    if benchmark_dir is not None:
        from benchmark.report.comparison.set_scores import set_differences

        groups = clips_of(first) if records[0][0].scoring.resample_by == "source" else None
        whole_sets = set_differences_over_seeds(
            [
                set_differences(pair, both, list(first.index), benchmark_dir, cache=cache, groups=groups, **weights)
                for pair, both in zip(pairs.runs, records, strict=True)
            ]
        )
    changes = corrected([*_set_wise(records, len(first), whole_sets), *tests.changes("all", metrics)])
    for scope in GROUPED_BY:
        changes += corrected(tests.changes(scope, [m for m in metrics if m.headline and first[m.name].notna().any()]))
    order = {metric.name: place for place, metric in enumerate(list_metrics(extended=True))}
    changes.sort(key=lambda c: (SCOPES.index(c.scope), order[c.metric.name]))
    gaps = [largest_gaps(first, second, metric, largest) for metric in metrics if metric.headline]
    told = [_caption(records[0], len(first)), *([pairs.said] if pairs.said else [])]
    caption = " ".join([*told, *_reservations(names, records, pairs.seeds)])
    found = tuple(chain.from_iterable(gaps))
    return Comparison(names[0], names[1], caption, tuple(changes), found, only_one, pairs.seeds)


def _records(pairs: Sequence[Pair]) -> list[BothRecords]:
    records = [(one.read_metrics(), other.read_metrics()) for one, other in pairs]
    check_alike(list(zip(chain.from_iterable(pairs), chain.from_iterable(records), strict=True)))
    if records[0][0].benchmark.subset != records[0][1].benchmark.subset:
        subsets = " and ".join(record.benchmark.subset for record in records[0])
        raise MixedRuns(f"these runs answer different subsets, {subsets}; compare runs on the same subset")
    return records


def _names(runs: Sequence[RunDirectory], records: Sequence[MetricsRecord]) -> list[str]:
    names = [shown_name(run, record) for run, record in zip(runs, records, strict=True)]
    return names if names[0] != names[1] else [str(run.path) for run in runs]


def _all_scored(tables: Sequence[Sequence[pd.DataFrame]]) -> tuple[list[tuple[pd.DataFrame, pd.DataFrame]], Names]:
    """Return the tables of each pair on the samples that every run scored, and the samples that only some did."""
    every = [table.index for pair in tables for table in pair]
    shared = every[0]
    for index in every[1:]:
        shared = shared.intersection(index, sort=False)
    if shared.empty:
        raise UnusableRun("no sample was scored in both runs, so there is nothing to compare")
    others = (index.difference(shared, sort=False) for index in every)
    only_some = tuple(sorted(dict.fromkeys(chain.from_iterable(others))))
    return [(pair[0].loc[shared], pair[1].loc[shared]) for pair in tables], only_some


def _set_wise(records: Sequence[BothRecords], shared: int, tested: Mapping[str, SetDifference]) -> Iterator[Change]:
    """Differences of the scores that belong to a whole set: tested, or only where both sets are those compared."""
    for metric in list_metrics(extended=True):
        found = [tuple(_value(record, metric.name) for record in both) for both in records]
        if metric.per != "set" or any(value is None for both in found for value in both):
            continue
        if metric.name in tested:
            one = tested[metric.name]
            interval = one.difference.interval
            yield Change(
                metric, "all", "", shared, one.first, one.second, interval.low, interval.high, one.difference.p_value,
                reason=interval.reason or "", error=one.difference.error,
                reversals=one.difference.reversals if metric.sign else None,
                level=interval.level,
            )  # fmt: skip
            continue
        first, second = (fmean(value for value in side if value is not None) for side in zip(*found, strict=True))
        reason = "set-wise: tested from the features, with --benchmark-dir"
        if not metric.resampler:
            reason = "set-wise, and without a paired test"
        elif not all(record.metrics[metric.name].n == shared for both in records for record in both):
            reason = "set-wise, and the runs scored different samples"
        yield Change(metric, "all", "", shared, first, second, reason=reason)


def _value(record: MetricsRecord, name: str) -> float | None:
    return record.metrics[name].value if name in record.metrics else None


def _caption(both: BothRecords, shared: int) -> str:
    scoring, benchmark = both[0].scoring, both[0].benchmark
    return (
        f"{benchmark.name} {benchmark.version}, {benchmark.subset}: {shared} of {benchmark.samples} samples scored in "
        f"both; profile {scoring.profile}, reference video: {scoring.reference_video}. Differences are first minus "
        f"second, with {100 * scoring.confidence:g}% bootstrap intervals (at least {scoring.resamples:,} resamples by "
        f"{scoring.resample_by}); p-values are two-sided, Holm-corrected over the tests of each list."
        f"{profile_note(record.scoring for record in both)}"
    )


def _reservations(names: Sequence[str], records: Sequence[BothRecords], seeds: Sequence[int]) -> Iterator[str]:
    """What a reader must know about any of the runs before trusting a difference."""
    for place, name in enumerate(names):
        every = [both[place] for both in records]
        if any(record.model.untrained for record in every):
            yield f"{name} has random weights: for timing only."
        if any(record.model.unverified_weights or record.scoring.unverified_weights for record in every):
            yield f"{name}: a checkpoint's hash was not verified."
        labels = [f"{name}, seed {seed}," for seed in seeds] or [name]
        for record, which in zip(every, labels, strict=True):
            if record.counts.scored != record.counts.expected:
                yield f"{which} was scored on {record.counts.scored} of {record.counts.expected} samples."
