"""What runs of one model with several seeds say together: the mean over the seeds, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.report.run_samples import RunSamples, clips_of, read_run_samples
from benchmark.report.seeds import SeedRun
from benchmark.runs import MetricsRecord, MetricValue, RunDirectory, UnusableRun
from metrics.registry import Metric, list_metrics
from metrics.uncertainty.seeds import interval_of_means, interval_of_sets


def pooled(runs: Sequence[SeedRun]) -> dict[str, MetricValue]:
    """Return every metric of runs that are one row: the mean over the seeds, with its interval for samples and seeds.

    A metric that some seeds have no value of is the mean over the others; `benchmark.report.seeds.shortfalls` says so.

    Args:
        runs: two or more of a family, on one subset.

    Raises:
        UnusableRun: the samples of a run cannot be read, or are others than those of the first.
    """
    tables = _tables([one.run for one in runs])
    found = {}
    for metric in list_metrics(extended=True):
        there = [(one.record.metrics[metric.name], place) for place, one in enumerate(runs) if one.has(metric.name)]
        if len(there) > 1:
            values, places = [value for value, _ in there], [place for _, place in there]
            ends = _ends(metric, values, [tables[place] for place in places], runs[0].record)
            found[metric.name] = _mean(metric, values, ends)
        elif there or metric.name in runs[0].record.metrics:
            found[metric.name] = there[0][0] if there else runs[0].record.metrics[metric.name]
    return found


def _tables(runs: Sequence[RunDirectory]) -> list[RunSamples]:
    tables = [read_run_samples(run) for run in runs]
    for table in tables:
        if table.ids != tables[0].ids:
            raise UnusableRun(f"{table.path}: lists other samples than {tables[0].path}; score both again")
    return tables


def _ends(
    metric: Metric, values: Sequence[MetricValue], tables: Sequence[RunSamples], record: MetricsRecord
) -> tuple[float, float] | str | None:
    """Return the interval of a mean over seeds, or why there is none."""
    without = [value for value in values if value.ci95 is None]
    if metric.per == "set":
        if without:
            return without[0].reason
        scores = [value.value for value in values if value.value is not None]
        return interval_of_sets(
            scores, [value.ci95 for value in values if value.ci95 is not None], level=record.scoring.confidence
        )
    if any(metric.name not in table.table for table in tables):
        return "no interval: samples.parquet has no column of it"
    scoring = record.scoring
    columns = np.stack([table.table[metric.name].to_numpy(dtype=np.float64) for table in tables], axis=1)
    rows = np.isfinite(columns).any(axis=1)
    groups = clips_of(tables[0].table.loc[rows]) if scoring.resample_by == "source" else None
    found = interval_of_means(
        columns[rows], groups=groups, resamples=scoring.resamples, seed=scoring.bootstrap_seed,
        level=scoring.confidence,
    )  # fmt: skip
    return found.ends or f"no interval: {found.reason}"


def _mean(metric: Metric, values: Sequence[MetricValue], ends: tuple[float, float] | str | None) -> MetricValue:
    mean = float(np.mean([value.value for value in values if value.value is not None]))
    ci95 = None
    if isinstance(ends, tuple):  # no score is beyond the ends of its scale, whatever the seeds
        ci95 = (
            ends[0] if metric.least is None else min(max(ends[0], metric.least), mean),
            ends[1] if metric.most is None else max(min(ends[1], metric.most), mean),
        )
    return MetricValue(
        value=mean, ci95=ci95, n=min(value.n for value in values), unit=values[0].unit, better=values[0].better,
        version=values[0].version, reason=ends if isinstance(ends, str) else None,
    )  # fmt: skip
