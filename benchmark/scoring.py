"""From evidence to numbers: every metric, its interval, and the scores of each sample.

No metric is known here by name: its row in `metrics.registry` says what its function takes and what scores its
resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.evidence import Evidence, Rows, count_samples
from benchmark.runs import MetricValue, ScoringRecord
from foundation.names import load
from foundation.work import Progress
from metrics.placement import computing_on
from metrics.registry import Metric, chosen_metrics
from metrics.uncertainty import bootstrap
from metrics.uncertainty.intervals import Interval
from metrics.uncertainty.resampling import Resampled
from metrics.uncertainty.shortcuts import Valued

Matrix = NDArray[Any]


@dataclass(frozen=True)
class Scores:
    """Numbers of one run: `values` for metrics.json, `columns` for samples.parquet."""

    values: dict[str, MetricValue]
    columns: dict[str, NDArray[np.float64]]

    def __repr__(self) -> str:
        return f"Scores({len(self.values)} metrics, {len(self.columns)} of them by sample)"


def score(
    evidence: Evidence,
    groups: Matrix | None,
    settings: ScoringRecord,
    *,
    device: str = "cpu",
    absent: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Return every metric that was asked for with its interval, and the per-sample scores.

    A metric without a value keeps its row, with the reason in place of the number.

    Args:
        evidence: at least one row of each array, the samples in one order.
        groups: (n, k) names of the clips that each sample is made of, or None to resample by sample.
        settings: what to compute, and how to resample.
        absent: why evidence is not there, by its name, where that is not for want of a backbone.
        progress: called as metrics are computed.
        device: what computes the set-wise scores of many samples, see `metrics.placement.computing_on`.

    Raises:
        ValueError: evidence that no metric takes, or arrays of different length.
    """
    with computing_on(device):
        return _score(evidence, groups, settings, absent or {}, progress or (lambda *_: None))


def _score(
    evidence: Evidence, groups: Matrix | None, settings: ScoringRecord, absent: Mapping[str, str], progress: Progress
) -> Scores:
    values, columns = {}, {}
    n = count_samples(evidence) if evidence or not absent else 0  # 0: nothing that was asked for is there
    chosen = chosen_metrics(settings.metrics, extended=settings.extended)
    for done, metric in enumerate(chosen):
        progress("metrics", done, len(chosen))
        measured = measurement(metric, evidence, groups, settings)
        if measured is None:
            reasons = [absent[name] for name in metric.takes if name not in evidence and name in absent]
            none = f"profile {settings.profile} has no counterpart"
            values[metric.name] = _missing(metric, n, reasons[0] if reasons else none)
        elif n < metric.minimum_samples:
            values[metric.name] = _missing(metric, n, f"needs {metric.minimum_samples} samples, there are {n}")
        elif metric.per == "sample":
            columns[metric.name] = np.asarray(measured.result(), dtype=np.float64)
            values[metric.name] = mean_value(metric, columns[metric.name], groups, settings)
        else:
            values[metric.name] = _set_value(measured, settings, n)
    progress("metrics", len(chosen), len(chosen))
    return Scores(values, columns)


@dataclass(frozen=True)
class Measurement:
    """A metric with all that it is computed from.

    Attributes:
        metric: its row.
        arguments: what the function takes, in its order.
        options: the scoring choices that the function reads, as keywords.
        groups: names of the clips behind each row of the arguments, or None.
    """

    metric: Metric
    arguments: Sequence[Rows]
    options: dict[str, Any]
    groups: Matrix | None

    def result(self) -> Any:
        """Return what the function makes of the arguments: one score per sample, or that of the set."""
        result = self.metric.load()(*self.arguments, **self.options)
        return getattr(result, self.metric.field) if self.metric.field else result

    def set_score(self, scorer: Resampled | None = None) -> tuple[float, float | None]:
        """Return the score of the set, and its standard deviation where the metric has one.

        Args:
            scorer: what scored the resamples; where it knows the score too, nothing is computed again.
        """
        if isinstance(scorer, Valued):
            return scorer.value(), None
        result = self.result()
        value, deviation = result if isinstance(result, tuple) else (result, None)
        return float(value), None if deviation is None else float(deviation)

    def resampled(self) -> Resampled:
        """Return what scores resamples of the set.

        Raises:
            ValueError: the metric's row names nothing that does.
        """
        scorer: Resampled = load(self.metric.resampler)(*self.arguments, **self.options)
        return scorer


def measurement(
    metric: Metric, evidence: Evidence, groups: Matrix | None, settings: ScoringRecord
) -> Measurement | None:
    """Return a metric with what it takes out of the evidence; None where evidence that it takes is not there.

    Args:
        metric: its row.
        evidence: of n samples.
        groups: (n, k) names of the clips that each sample is made of, or None.
        settings: the scoring choices.
    """
    if any(name not in evidence for name in metric.takes):
        return None
    arguments: Sequence[Rows] = [evidence[name] for name in metric.takes]
    options = {name: getattr(settings, name) for name in metric.settings} | dict(metric.fixed)
    if metric.per == "set" and np.ndim(arguments[0]) == 3:
        arguments, groups = _examples(arguments, groups)
    return Measurement(metric, arguments, options, groups)


def _examples(arguments: Sequence[Rows], groups: Matrix | None) -> tuple[list[Matrix], Matrix]:
    """Lay out rows for the examples (n, e, d) of each sample, and name their samples: a resample draws all or none."""
    n, examples, _ = np.shape(arguments[0])
    names = np.arange(n) if groups is None else groups
    return [np.reshape(argument, (n * examples, -1)) for argument in arguments], np.repeat(names, examples, axis=0)


def mean_value(
    metric: Metric, column: NDArray[np.float64], groups: Matrix | None, settings: ScoringRecord
) -> MetricValue:
    """Return a per-sample metric with its interval.

    Args:
        metric: its row.
        column: one score per scored sample, shape (n,); NaN where a partial metric has none.
        groups: (n, k) names of the clips that each sample is made of, or None to resample by sample.
        settings: how to resample.
    """
    if metric.partial:
        scored = np.isfinite(column)
        column, groups = column[scored], groups[scored] if groups is not None else None
        if not column.size:
            return _missing(metric, 0, metric.none_scored)
    interval = bootstrap.bootstrap_mean(column, groups=groups, **_resampling(settings))
    return _value(metric, float(column.mean()), interval, len(column))


def _set_value(measured: Measurement, settings: ScoringRecord, n: int) -> MetricValue:
    scorer, interval = None, None
    if measured.metric.resampler:
        scorer = measured.resampled()
        interval = bootstrap.bootstrap_score(scorer, groups=measured.groups, **_resampling(settings))
    value, deviation = measured.set_score(scorer)
    return _value(measured.metric, value, interval, n, deviation)


def unpaired_value(metric: Metric, arguments: Sequence[Rows], settings: ScoringRecord) -> MetricValue:
    """Return a set-wise metric of sets whose rows do not belong together, such as two folders of other names.

    There is no interval: resamples draw rows that belong together.

    Args:
        metric: its row.
        arguments: what the function takes, reference before generated; as many rows as each set has.
        settings: the scoring choices.
    """
    counts = [len(rows) for rows in arguments]
    if min(counts) < metric.minimum_samples:
        there = " and ".join(map(str, counts))
        return _missing(metric, counts[-1], f"needs {metric.minimum_samples} samples on each side, there are {there}")
    options = {name: getattr(settings, name) for name in metric.settings} | dict(metric.fixed)
    rows = [np.reshape(argument, (-1, np.shape(argument)[-1])) for argument in arguments]  # of each example
    value, deviation = Measurement(metric, rows, options, groups=None).set_score()
    reason = f"no interval: {counts[-1]} generated and {counts[0]} reference sounds are not paired"
    found = _value(metric, value, None, counts[-1], deviation)
    return found if found.value is None else found.model_copy(update={"reason": reason})


def _resampling(settings: ScoringRecord) -> dict[str, Any]:
    return {"resamples": settings.resamples, "seed": settings.bootstrap_seed, "level": settings.confidence}


def _value(
    metric: Metric, value: float, interval: Interval | None, n: int, deviation: float | None = None
) -> MetricValue:
    if not np.isfinite(value):  # JSON has no such number
        return _missing(metric, n, f"the score is not finite ({value})")
    ends = interval.ends if interval else None
    reason = interval.reason if interval and ends is None else None
    return MetricValue(
        value=value, ci95=ends, n=n, unit=metric.unit, better=metric.better, version=metric.version,
        standard_deviation=deviation, reason=f"no interval: {reason}" if reason else None,
    )  # fmt: skip


def _missing(metric: Metric, n: int, reason: str) -> MetricValue:
    return MetricValue(value=None, n=n, unit=metric.unit, better=metric.better, version=metric.version, reason=reason)
