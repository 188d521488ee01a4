"""How far each metric agrees with people: rank correlations with every criterion, over answers and over models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from benchmark.ratings.correlation import (
    METHODS,
    Method,
    correlation_by,
    interval_of_answers,
    interval_of_models,
    why_none,
)
from benchmark.ratings.design import Estimate
from benchmark.ratings.opinion import estimates_by_model
from benchmark.report.ratings import Ratings
from benchmark.report.results import Row
from benchmark.report.samples import Samples, clips_of
from benchmark.runs import ScoringRecord
from metrics.registry import Metric, list_metrics
from metrics.uncertainty.intervals import Interval

Over = Literal["answers", "models"]


@dataclass(frozen=True)
class Agreement:
    """Rank correlation of a metric with one criterion; positive: people prefer what the metric prefers.

    Attributes:
        over: answers, or models.
        method: Spearman's correlation, or Kendall's tau-b.
        count: how many answers, or models, it is over.
        value: in [-1, 1]; None where one side is constant or there are too few.
        interval: its `reason` says why there is none, or no value.
    """

    subset: str
    metric: Metric
    criterion: str
    over: Over
    method: Method
    count: int
    value: float | None
    interval: Interval


def agreements(
    ratings: Ratings, part: Samples, rows: Sequence[Row], scoring: ScoringRecord, methods: Sequence[Method] = METHODS
) -> list[Agreement]:
    """Return every metric of the paper against every criterion on one subset: over answers, then over models.

    Args:
        ratings: of the subset's answers.
        part: what the metrics scored them.
        rows: the models on the subset.
        scoring: of the runs; its resamples, seed and confidence are those of the intervals here.
        methods: of correlation.
    """
    return [
        *agreement_by_answer(ratings, part, scoring, methods),
        *agreement_by_model(ratings, rows, scoring, methods),
    ]


def agreement_by_answer(
    ratings: Ratings, part: Samples, scoring: ScoringRecord, methods: Sequence[Method] = METHODS
) -> list[Agreement]:
    """Return how well each per-sample metric ranks answers as people do, resampled as metrics are in the tables.

    Arguments as for `agreements`.
    """
    answers = ratings.with_scores(part)
    return [
        _by_answer(ratings.subset, answers, metric, criterion, method, scoring)
        for metric in list_metrics(headline=True)
        if metric.per == "sample" and metric.name in answers and answers[metric.name].notna().any()
        for criterion in ratings.criteria
        for method in methods
    ]


def _by_answer(
    subset: str, answers: pd.DataFrame, metric: Metric, criterion: str, method: Method, scoring: ScoringRecord
) -> Agreement:
    both = answers.dropna(subset=[metric.name, criterion])
    scores, points = (both[name].to_numpy(dtype=np.float64) for name in (metric.name, criterion))
    scores = metric.sign * scores
    if reason := why_none(scores, points, "answers"):
        return _open(subset, metric, criterion, "answers", method, len(both), scoring, reason)
    groups = clips_of(both) if scoring.resample_by == "source" else both["sample_id"].to_numpy()
    interval = interval_of_answers(
        scores, points, method, groups, resamples=scoring.resamples, seed=scoring.bootstrap_seed,
        level=scoring.confidence,
    )  # fmt: skip
    value = correlation_by(method)(scores, points)
    return Agreement(subset, metric, criterion, "answers", method, len(both), value, interval)


def agreement_by_model(
    ratings: Ratings, rows: Sequence[Row], scoring: ScoringRecord, methods: Sequence[Method] = METHODS
) -> list[Agreement]:
    """Return how well each metric ranks the models on the whole subset as people do on what they heard.

    A model that lacks samples or has random weights is left out: its score cannot be compared with the others. The
    interval is that of these models' correlation by other raters and on other rated scenes, the scores as they are.

    Arguments as for `agreements`.
    """
    means = {
        criterion: estimates_by_model(
            ratings.answers, criterion, resamples=scoring.resamples, seed=scoring.bootstrap_seed
        )
        for criterion in ratings.criteria
    }
    comparable = [row for row in rows if not (row.partial or row.untrained)]
    found = []
    for metric in list_metrics(headline=True):
        scores = {row.key: value for row in comparable if (value := _value(row, metric.name)) is not None}
        if scores.keys() & set(ratings.means["key"]):
            found += [
                _by_model(ratings.subset, scores, means[criterion], metric, criterion, method, scoring)
                for criterion in ratings.criteria
                for method in methods
            ]
    return found


def _by_model(
    subset: str, scores: Mapping[str, float], means: Mapping[str, Estimate], metric: Metric, criterion: str,
    method: Method, scoring: ScoringRecord,
) -> Agreement:  # fmt: skip
    both = [key for key in scores if key in means]
    oriented = metric.sign * np.array([scores[key] for key in both])
    points = np.array([means[key].value for key in both])
    if reason := why_none(oriented, points, "models"):
        return _open(subset, metric, criterion, "models", method, len(both), scoring, reason)
    value = correlation_by(method)(oriented, points)
    faults = [means[key].reason for key in both if means[key].reason]
    if faults:
        interval = Interval(None, None, scoring.confidence, "percentile", faults[0])
    else:
        resampled = np.stack([means[key].scaled() for key in both], axis=1)
        interval = interval_of_models(oriented, resampled, method, scoring.confidence)
    return Agreement(subset, metric, criterion, "models", method, len(both), value, interval)


def _open(
    subset: str, metric: Metric, criterion: str, over: Over, method: Method, count: int, scoring: ScoringRecord,
    reason: str,
) -> Agreement:  # fmt: skip
    none = Interval(None, None, scoring.confidence, "percentile", reason)
    return Agreement(subset, metric, criterion, over, method, count, None, none)


def _value(row: Row, metric: str) -> float | None:
    found = row.values.get(metric)
    return None if found is None or found.value is None or not np.isfinite(found.value) else found.value
