"""A human study of runs' answers: who was rated how, and the answers that a metric finds alike and people do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.ratings.answers import Answers, Preferences
from benchmark.ratings.reading import read_answers
from benchmark.report.results import Results
from benchmark.report.samples import Samples, read_samples
from metrics.registry import Metric

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


def read_ratings(path: Path, results: Results, samples: Sequence[Samples] | None = None) -> list[Ratings]:
    """Return a study's ratings of these runs' answers, one entry per subset; nobody is screened.

    Args:
        path: CSV in UTF-8, `answers.csv` of a study or the short form: columns subset, sample_id, model, rater and at
            least one of AQ, TA, VA; a line is one person's rating of one answer, in whole points from 1 (bad) to 5
            (excellent), empty where not rated. The model is named as in the tables. Blanks around names and blank lines
            do not count.
        results: the runs; every rated answer must be one of theirs.
        samples: of the runs; None: read from them.

    Raises:
        ValueError: what `benchmark.ratings.reading.read_answers` refuses, preferences, or ratings of other answers; see
            `ratings_of`.
    """
    answers = read_answers(path)
    if isinstance(answers, Preferences):
        raise ValueError(f"{path}: holds preferences, expected ratings in points; `study analyse` takes both")
    return ratings_of(answers, results, samples)


def ratings_of(answers: Answers, results: Results, samples: Sequence[Samples] | None = None) -> list[Ratings]:
    """Return ratings of these runs' answers, one entry per subset, in the order in which they first appear.

    Args:
        answers: a model is named as its row is, or by its key.
        results: the runs.
        samples: of the runs; None: read from them.

    Raises:
        ValueError: a subset, model or sample that the runs do not have, one model by two names, or one person's second
            rating of an answer; names the line.
    """
    items, parts = answers.items, read_samples(results) if samples is None else samples
    keyed = items.assign(model=_keys(items, answers.source, results, parts))
    again = keyed.duplicated(["subset", "sample_id", "model", "rater"])
    if again.any():
        row = items.iloc[int(again.to_numpy().argmax())]
        what = f"{row['rater']} rates {row['model']} on {row['sample_id']} twice"
        raise ValueError(f"{answers.source}, line {row['line']}: {what}")
    found = []
    for subset, part in keyed.groupby("subset", sort=False):
        found.append(_means(str(subset), replace(answers, table=part)))
    return found


def _keys(items: pd.DataFrame, source: str, results: Results, samples: Sequence[Samples]) -> list[str]:
    """Return the key of each row's model, after checking that its run has the sample."""
    keys_by_name = model_keys(results)
    answered = {(part.subset, key): part.answered(key) for part in samples for key in part.scored}
    named: dict[tuple[str, str], str] = {}
    keys = []
    for line, subset, sample, model in items[["line", "subset", "sample_id", "model"]].itertuples(index=False):
        where = f"{source}, line {line}"
        key = keys_by_name.get((subset, model))
        if key is None:
            there = sorted({f"{row.model} ({row.subset})" for row in results.rows if row.run is not None})
            raise ValueError(f"{where}: no run of {model!r} on {subset!r}; there are {', '.join(there)}")
        if sample not in answered[subset, key]:
            raise ValueError(f"{where}: {model} on {subset} has no scored answer to {sample!r}")
        other = named.setdefault((subset, key), model)
        if other != model:
            raise ValueError(f"{where}: {model!r} and {other!r} are one model; call it by one name")
        keys.append(key)
    return keys


def model_keys(results: Results) -> dict[tuple[str, str], str]:
    """Return the key of every model with a run, by subset and by each name that a file may give it."""
    return {(row.subset, name): row.key for row in results.rows if row.run is not None for name in (row.model, row.key)}


def _means(subset: str, answers: Answers) -> Ratings:
    grouped = answers.table.groupby(["sample_id", "model"], sort=False)
    means = grouped[list(answers.criteria)].mean()
    means.insert(0, "raters", grouped["rater"].nunique())
    return Ratings(subset, answers.criteria, means.reset_index().rename(columns={"model": "key"}), answers)


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
