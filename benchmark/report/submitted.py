"""What a submission says about itself: numbers that follow from others it holds, computed again and compared.

Nothing here opens audio. Means, counts and intervals follow from samples.parquet; the fingerprint of run.json from what
it says of the model; of scores of a whole set only their form and range can be judged. Each function yields what is
wrong, one line per fault.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from baselines import list_models
from baselines.programs.settings import HARMLESS_SETTINGS
from benchmark.report.samples import REQUIRED_COLUMNS, RunSamples, clips_of
from benchmark.runs import MetricsRecord, MetricValue, OwnModelRecord, RunRecord
from benchmark.scoring import mean_value
from foundation.files import fingerprint
from metrics.registry import Metric, chosen_metrics, get_metric

RELATIVE_TOLERANCE = 1e-6  # between a submitted number and the same number recomputed here
MOST_DRAWS = 100_000_000  # samples x resamples, of the intervals of means that are computed again
MOST_RESAMPLES = 20_000  # of set-wise scores, which take a thousand times as long; the default is 1,000
INDEX = "__index_level_0__"


def close(one: float | None, other: float | None) -> bool:
    """Tell whether two numbers are one and the same but for rounding; None is like None alone."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=RELATIVE_TOLERANCE)


def dates(run: RunRecord, metrics: MetricsRecord) -> Iterator[str]:
    """Yield dates that are none, and a duration that no run has."""
    told = {"started": run.started, "finished": run.finished or run.started, "scored_at": metrics.scored_at}
    for name, text in told.items():
        try:
            datetime.fromisoformat(text)
        except ValueError:
            yield f"{name} is {text!r}, not a date"
    seconds = run.generation_seconds
    if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
        yield f"generation_seconds is {seconds}"


def fingerprint_of(run: RunRecord) -> str | None:
    """Return the fingerprint that a run of this model, seed and benchmark has; None for a model that is not known here.

    A model is looked up by its name alone: an address of code that a submission names is never imported.
    """
    entry = next((entry for entry in list_models() if entry.name == run.model.name), None)
    if entry is None or isinstance(run.model, OwnModelRecord):
        return None
    harmless = HARMLESS_SETTINGS if entry.program or entry.kind == "external" else frozenset()
    told = {name: value for name, value in run.model.options.items() if name not in harmless}
    return fingerprint(
        {
            "benchmark": run.benchmark.fingerprint,
            "model": entry.name,
            "revision": entry.revision,
            "options": {**entry.options, **told},
            "seed": run.seed,
            "duration": run.duration_seconds,
        }
    )


def counts(run: RunRecord, metrics: MetricsRecord, samples: RunSamples) -> Iterator[str]:
    """Yield counts that do not add up, and failures that are not those of samples.parquet."""
    expected, scored = metrics.counts.expected, metrics.counts.scored
    failed = {failure.sample: failure for failure in metrics.failures}
    generated = expected - sum(failure.stage == "generate" for failure in metrics.failures)
    told = [
        ("samples in the record of the benchmark", metrics.benchmark.samples, expected),
        ("generated samples in metrics.json", metrics.counts.generated, generated),
        ("generated samples in run.json", run.counts.generated, generated),
    ]
    for what, found, wanted in told:
        if found != wanted:
            yield f"{found} {what}, expected {wanted}"
    if (metrics.status == "finished") != (scored == expected):
        yield f"its status in metrics.json is {metrics.status}, with {scored} of {expected} samples scored"
    if len(failed) != len(metrics.failures):
        yield "metrics.json lists a failure twice"
    for failure in run.failures:
        if failed.get(failure.sample) != failure:
            yield f"{failure.sample} failed in run.json, and not so in metrics.json"
    for sample, status, reason in samples.table[["sample_id", "status", "reason"]].itertuples(index=False):
        known = failed.pop(sample, None)
        if status not in ("scored", "failed"):
            yield f"{sample} has the status {status!r}"
        elif (status == "failed") != (known is not None) or reason != (known.reason if known else ""):
            yield f"{sample} is {status} in samples.parquet ({reason!r}), and not so in metrics.json"
    for sample in failed:
        yield f"{sample} failed in metrics.json and is not in samples.parquet"


def scores(metrics: MetricsRecord, samples: RunSamples) -> Iterator[str]:
    """Yield metrics that are missing, scores that are not numbers or off the scale of their metric, and odd columns."""
    wanted = chosen_metrics(metrics.scoring.metrics, extended=metrics.scoring.extended)
    for metric in wanted:
        if metric.name not in metrics.metrics:
            yield f"metric {metric.name} is missing in metrics.json"
    names = {metric.name for metric in wanted if metric.per == "sample"}
    for name in samples.table.columns:
        if name not in (*REQUIRED_COLUMNS, INDEX) and name not in names:
            yield f"column {str(name)!r} of samples.parquet is none of a metric that was scored"
    scored = len(samples.scored)
    for metric in wanted:
        value = metrics.metrics.get(metric.name)
        if value is not None:
            yield from _form(metric, value, scored)
        if metric.name in samples.table.columns:
            yield from _column(metric, samples)


def _form(metric: Metric, value: MetricValue, scored: int) -> Iterator[str]:
    """Yield what cannot be right of a value, whatever the samples."""
    name, number = metric.name, value.value
    if number is None:
        if value.ci95 is not None or value.standard_deviation is not None or not value.reason:
            yield f"{name} has no value, and an interval or no reason"
        if value.n not in (0, scored):
            yield f"{name} is over {value.n} samples, {scored} are scored"
        return
    if not math.isfinite(number) or not _in_range(metric, number):
        yield f"{name} is {number}, {_range(metric)}"
    if metric.per == "set" and value.n != scored:
        yield f"{name} is over {value.n} samples, {scored} are scored"
    if metric.per == "set" and value.ci95 is not None and not value.ci95[0] <= number <= value.ci95[1]:
        yield f"{name} is {number:g}, outside of its interval {value.ci95[0]:g} to {value.ci95[1]:g}"
    deviation = value.standard_deviation
    if deviation is not None and (metric.per == "sample" or not (math.isfinite(deviation) and deviation >= 0)):
        yield f"{name} has the standard deviation {deviation}"


def _column(metric: Metric, samples: RunSamples) -> Iterator[str]:
    column = samples.table[metric.name]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        yield f"column {metric.name} holds {column.dtype}, expected numbers"
        return
    found = column.to_numpy(dtype=np.float64)
    is_scored = (samples.table["status"] == "scored").to_numpy(dtype=np.bool_)
    for sample, score, counted in zip(samples.ids, found, is_scored, strict=True):
        if not counted and not math.isnan(score):
            yield f"{sample} failed and has {metric.name} {score:g}"
        elif counted and math.isnan(score) and not metric.partial:
            yield f"{sample} is scored and has no {metric.name}"
        elif counted and not math.isnan(score) and not (math.isfinite(score) and _in_range(metric, score)):
            yield f"{sample} has {metric.name} {score:g}, {_range(metric)}"


def _in_range(metric: Metric, number: float) -> bool:
    low = -math.inf if metric.least is None else metric.least
    high = math.inf if metric.most is None else metric.most
    return low - RELATIVE_TOLERANCE <= number <= high + RELATIVE_TOLERANCE


def _range(metric: Metric) -> str:
    ends = ("" if metric.least is None else f" from {metric.least:g}") + (
        "" if metric.most is None else f" to {metric.most:g}"
    )
    return f"expected a finite number{ends}"


def intervals(metrics: MetricsRecord, samples: RunSamples) -> Iterator[str]:
    """Yield per-sample metrics whose interval is not what the scores of samples.parquet give, resampled as recorded."""
    scoring, scored = metrics.scoring, samples.scored
    draws = scoring.resamples * max(len(scored), 1)
    if draws > MOST_DRAWS:
        yield f"{scoring.resamples:,} resamples of {len(scored):,} samples are more than is computed again"
        return
    scoring.choices()  # raises where a choice is not one
    groups = clips_of(scored) if scoring.resample_by == "source" else None
    for name, value in metrics.metrics.items():
        if name not in scored.columns or value.value is None or get_metric(name).per != "sample":
            continue
        column = scored[name].to_numpy(dtype=np.float64)
        if not np.isfinite(column).all() and not get_metric(name).partial:
            continue  # said by `scores`
        here = mean_value(get_metric(name), column, groups, scoring)
        if not _same_interval(value, here):
            yield f"{name} has the interval {value.ci95}, its samples give {here.ci95}"
        elif (value.reason or "") != (here.reason or ""):
            yield f"{name} says {value.reason!r}, its samples give {here.reason!r}"


def _same_interval(one: MetricValue, other: MetricValue) -> bool:
    if one.ci95 is None or other.ci95 is None:
        return one.ci95 is other.ci95
    return all(close(a, b) for a, b in zip(one.ci95, other.ci95, strict=True))


def recomputed(there: tuple[MetricsRecord, RunSamples], here: tuple[MetricsRecord, RunSamples]) -> Iterator[str]:
    """Yield every number of a submission that is not what scoring its audio again gives.

    Args:
        there: the record and the samples that were submitted.
        here: those computed again.
    """
    first, second = there[0], here[0]
    for name in sorted({*first.metrics, *second.metrics}):
        one, other = first.metrics.get(name), second.metrics.get(name)
        if one is None or other is None or not close(one.value, other.value):
            values = [value and value.value for value in (one, other)]
            yield f"{name} is {values[0]} in metrics.json, {values[1]} when computed from the audio"
        elif not _same_interval(one, other) or one.n != other.n:
            yield f"{name} has the interval {one.ci95} over {one.n}, the audio gives {other.ci95} over {other.n}"
        elif not close(one.standard_deviation, other.standard_deviation):
            yield f"{name} has the standard deviation {one.standard_deviation}, the audio {other.standard_deviation}"
    if first.failures != second.failures or first.counts != second.counts:
        yield "other samples fail when the audio is scored again"
    tables = [samples.table.set_index("sample_id") for _, samples in (there, here)]
    for name in tables[1].columns:
        if name not in tables[0].columns or list(tables[0].index) != list(tables[1].index):
            yield f"samples.parquet lacks {name}, or samples"
            return
        for sample, one, other in zip(tables[1].index, tables[0][name], tables[1][name], strict=True):
            if not _same_cell(one, other):
                yield f"{sample} has {name} {one} in samples.parquet, {other} when computed from the audio"


def _same_cell(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    numbers = [float("nan") if pd.isna(value) else float(value) for value in (one, other)]
    return all(map(math.isnan, numbers)) or close(numbers[0], numbers[1])
