"""A human study: how people rated the answers, and how far each metric agrees with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.ratings.answers import Answers, Preferences
from benchmark.ratings.correlation import FEWEST, Method, correlation_by, interval_of_answers, interval_of_models
from benchmark.ratings.opinion import resampled_means
from benchmark.ratings.reading import read_answers
from benchmark.report.results import Results, Row
from benchmark.report.samples import Samples, clips_of, read_run_samples
from benchmark.runs import ScoringRecord
from metrics.registry import Metric, list_metrics

ALIKE = 0.1  # of the metric's standard deviation over the rated answers


@dataclass(frozen=True)
class Ratings:
    """How people rated the answers to one subset.

    Attributes:
        criteria: what was rated.
        means: one row per rated answer, columns sample_id, key (the model's), raters (how many), one per criterion: the
            mean over the raters, NaN where it was not rated.
        answers: of the single raters; a model is named by its key.
    """

    subset: str
    criteria: tuple[str, ...]
    means: pd.DataFrame
    answers: Answers

    def with_scores(self, part: Samples) -> pd.DataFrame:
        """Return the rated answers with what every metric scored them: a row per answer."""
        scored = pd.concat([table.assign(key=key) for key, table in part.scored.items()], ignore_index=True)
        return self.means.merge(scored, on=["sample_id", "key"], validate="one_to_one")


@dataclass(frozen=True)
class Agreement:
    """Rank correlation of a metric with one criterion; positive: people prefer what the metric prefers.

    Attributes:
        over: answers, or models.
        method: Spearman's correlation, or Kendall's tau-b.
        count: how many answers, or models, it is over.
        value: in [-1, 1]; None where one side is constant or there are too few.
        low: lower end of the interval; None where there is none.
        high: upper end.
        reason: why there is no interval, where that is known.
    """

    metric: Metric
    criterion: str
    over: Literal["answers", "models"]
    method: Method
    count: int
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Case:
    """Two answers to one sample with equal scores and different ratings, as in Fig. D9 of the paper.

    Attributes:
        better: key of the model whose answer people prefer.
        worse: key of the other.
        scores: of the metric: (better, worse).
        ratings: mean ratings: (better, worse).
        gaps: one row per pair of rated answers to one sample, shape (pairs, 2): differences in metric and criterion.
    """

    sample: str
    metric: Metric
    criterion: str
    better: str
    worse: str
    scores: tuple[float, float]
    ratings: tuple[float, float]
    gaps: NDArray[np.float64]

    @property
    def captions(self) -> dict[str, str]:
        """Score and rating of both answers as text, by key."""
        texts = zip((self.better, self.worse), self.scores, self.ratings, strict=True)
        return {key: f"{self.metric.label} {score:.3f}\n{self.criterion} {points:.1f}" for key, score, points in texts}


def read_ratings(path: Path, results: Results) -> list[Ratings]:
    """Return a study's ratings of these runs' answers, one entry per subset; nobody is screened.

    Args:
        path: CSV in UTF-8, `answers.csv` of a study or the short form: columns subset, sample_id, model, rater and at
            least one of AQ, TA, VA; a line is one person's rating of one answer, in whole points from 1 (bad) to 5
            (excellent), empty where not rated. The model is named as in the tables. Blanks around names and blank lines
            do not count.
        results: the runs; every rated answer must be one of theirs.

    Raises:
        ValueError: what `benchmark.ratings.reading.read_answers` refuses, preferences, or ratings of other answers; see
            `ratings_of`.
    """
    answers = read_answers(path)
    if isinstance(answers, Preferences):
        raise ValueError(f"{path}: holds preferences, expected ratings in points; `study analyse` takes both")
    return ratings_of(answers, results)


def ratings_of(answers: Answers, results: Results) -> list[Ratings]:
    """Return ratings of these runs' answers, one entry per subset, in the order in which they first appear.

    Raises:
        ValueError: a subset, model or sample that the runs do not have, or one person's second rating of an answer;
            names the line.
    """
    items = answers.items
    keyed = items.assign(model=_keys(items, answers.source, results))
    again = keyed.duplicated(["subset", "sample_id", "model", "rater"])
    if again.any():
        row = items.iloc[int(again.to_numpy().argmax())]
        what = f"{row['rater']} rates {row['model']} on {row['sample_id']} twice"
        raise ValueError(f"{answers.source}, line {row['line']}: {what}")
    found = []
    for subset, part in keyed.groupby("subset", sort=False):
        found.append(_means(str(subset), replace(answers, table=part)))
    return found


def _keys(items: pd.DataFrame, source: str, results: Results) -> list[str]:
    """Return the key of each row's model, after checking that its run has the sample."""
    known: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for row in results.rows:
        if row.run is not None:
            answered = set(read_run_samples(row.run).scored_ids)
            known |= {(row.subset, name): (row.key, answered) for name in (row.model, row.key)}
    keys = []
    for line, subset, sample, model in items[["line", "subset", "sample_id", "model"]].itertuples(index=False):
        where = f"{source}, line {line}"
        if (subset, model) not in known:
            there = sorted({f"{row.model} ({row.subset})" for row in results.rows if row.run is not None})
            raise ValueError(f"{where}: no run of {model!r} on {subset!r}; there are {', '.join(there)}")
        key, answered = known[subset, model]
        if sample not in answered:
            raise ValueError(f"{where}: {model} on {subset} has no scored answer to {sample!r}")
        keys.append(key)
    return keys


def _means(subset: str, answers: Answers) -> Ratings:
    grouped = answers.table.groupby(["sample_id", "model"], sort=False)
    means = grouped[list(answers.criteria)].mean()
    means.insert(0, "raters", grouped["rater"].nunique())
    return Ratings(subset, answers.criteria, means.reset_index().rename(columns={"model": "key"}), answers)


def agreement_by_answer(
    ratings: Ratings, part: Samples, scoring: ScoringRecord, method: Method = "spearman"
) -> list[Agreement]:
    """Return how well each per-sample metric of the paper ranks answers as people do, resampled as in the tables."""
    answers = ratings.with_scores(part)
    found = []
    for metric in list_metrics(headline=True):
        if metric.per != "sample" or metric.name not in answers or not answers[metric.name].notna().any():
            continue
        for criterion in ratings.criteria:
            both = answers.dropna(subset=[metric.name, criterion])
            scores, points = (both[name].to_numpy(dtype=np.float64) for name in (metric.name, criterion))
            value = _oriented(scores, points, metric, method)
            if value is None:
                found.append(Agreement(metric, criterion, "answers", method, len(both), None))
                continue

            groups = clips_of(both) if scoring.resample_by == "source" else both["sample_id"].to_numpy()
            interval = interval_of_answers(
                scores, points, method, groups, resamples=scoring.resamples, seed=scoring.bootstrap_seed,
                level=scoring.confidence,
            )  # fmt: skip
            ends = sorted(_sign(metric) * end for end in interval.ends) if interval.ends else (None, None)
            found.append(
                Agreement(
                    metric, criterion, "answers", method, len(both), value, ends[0], ends[1], interval.reason or ""
                )
            )
    return found


def agreement_by_model(
    ratings: Ratings, rows: Sequence[Row], scoring: ScoringRecord | None = None, method: Method = "spearman"
) -> list[Agreement]:
    """Return how well each metric of the paper ranks the models on the whole subset as people do on what they heard.

    A model that lacks samples or has random weights is left out: its score cannot be compared with the others. The
    interval is that of these models' correlation by other raters and on other rated scenes, the scores as they are.

    Args:
        ratings: of the models' answers.
        rows: the models.
        scoring: what the resamples of the tables are; without it there is no interval.
        method: of correlation.
    """
    heard = ratings.means.groupby("key")[list(ratings.criteria)].mean()
    rated = [row for row in rows if row.key in heard.index and not (row.partial or row.untrained)]
    points = heard.loc[[row.key for row in rated]]
    drawn = {name: _resampled(ratings, name, points, scoring) for name in ratings.criteria}
    found = []
    for metric in list_metrics(headline=True):
        scores = np.array([_value(row, metric.name) for row in rated], dtype=np.float64)
        if not np.isfinite(scores).any():
            continue
        for criterion in ratings.criteria:
            values = points[criterion].to_numpy(dtype=np.float64)
            both = np.isfinite(scores) & np.isfinite(values)
            value = _oriented(scores[both], values[both], metric, method)
            means, ends = drawn[criterion], None
            if value is not None and means is not None and scoring is not None:
                ends = interval_of_models(_sign(metric) * scores[both], means[:, both], method, scoring.confidence)
            low, high = ends or (None, None)
            found.append(Agreement(metric, criterion, "models", method, int(both.sum()), value, low, high))
    return found


def _resampled(
    ratings: Ratings, criterion: str, points: pd.DataFrame, scoring: ScoringRecord | None
) -> NDArray[np.float64] | None:
    """Return the models' mean ratings on resamples, shape (b, models), NaN for a model that was not rated so."""
    if scoring is None:
        return None
    there = points[criterion].notna().to_numpy()
    means = np.full((scoring.resamples, len(points)), np.nan)
    means[:, there] = resampled_means(
        ratings.answers, criterion, list(points.index[there]), resamples=scoring.resamples, seed=scoring.bootstrap_seed
    )
    return means


def _value(row: Row, metric: str) -> float:
    found = row.values.get(metric)
    return float("nan") if found is None or found.value is None else found.value


def _sign(metric: Metric) -> int:
    return 1 if metric.better == "higher" else -1


def _oriented(scores: NDArray[np.float64], points: NDArray[np.float64], metric: Metric, method: Method) -> float | None:
    value = correlation_by(method)(scores, points) if len(scores) >= FEWEST else float("nan")
    return _sign(metric) * value if np.isfinite(value) else None


def alike_but_apart(ratings: Ratings, part: Samples, metric: Metric) -> Case | None:
    """Return the two answers to one sample with the most different ratings among those with nearly equal scores.

    Nearly equal: within a tenth of the metric's standard deviation over all rated answers. None if no pair is.
    """
    if any(metric.name not in table for table in part.scored.values()):
        return None
    answers = ratings.with_scores(part).dropna(subset=[metric.name])
    near = ALIKE * float(answers[metric.name].std(ddof=0)) if len(answers) else 0.0
    best: tuple[float, str, pd.Series[float], pd.Series[float]] | None = None
    gaps: dict[str, list[tuple[float, float]]] = {criterion: [] for criterion in ratings.criteria}
    for _, group in answers.groupby("sample_id", sort=False):
        for (_, one), (_, other) in combinations(group.iterrows(), 2):
            distance = abs(float(one[metric.name]) - float(other[metric.name]))
            for criterion in ratings.criteria:
                gap = abs(float(one[criterion]) - float(other[criterion]))
                if not np.isfinite(gap):
                    continue
                gaps[criterion].append((distance, gap))
                if distance <= near and gap > 0 and (best is None or gap > best[0]):
                    best = (gap, criterion, one, other)
    if best is None:
        return None
    _, criterion, one, other = best
    better, worse = (one, other) if one[criterion] > other[criterion] else (other, one)
    return Case(
        sample=str(better["sample_id"]),
        metric=metric,
        criterion=criterion,
        better=str(better["key"]),
        worse=str(worse["key"]),
        scores=(float(better[metric.name]), float(worse[metric.name])),
        ratings=(float(better[criterion]), float(worse[criterion])),
        gaps=np.array(gaps[criterion], dtype=np.float64),
    )
