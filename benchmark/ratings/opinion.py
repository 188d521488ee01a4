"""Mean opinion scores: by model, subset and category, and differences of two models, with intervals.

A score is the mean over all ratings of a model. Where every scene has the same number of raters, as a study assigns
them, that is the mean over scenes of their mean ratings; where raters left, a scene counts as much as it was rated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from benchmark.ratings.answers import Answers
from benchmark.ratings.design import LEVEL, RESAMPLES, Draws, Estimate, Matrix, draw, estimate, paired_estimate
from metrics.uncertainty.intervals import Interval, check_settings, student_p_value
from metrics.uncertainty.significance import holm_of_known


@dataclass(frozen=True)
class Opinion:
    """How a model was rated by one criterion.

    Attributes:
        category: of the target; "" for all categories together.
        mean: in points.
        interval: over raters and scenes; its `reason` says why there is none.
        ratings: how many.
        scenes: on how many scenes.
        raters: by how many people; 0 where they have no names.
    """

    subset: str
    model: str
    criterion: str
    category: str
    mean: float
    interval: Interval
    ratings: int
    scenes: int
    raters: int


@dataclass(frozen=True)
class OpinionDifference:
    """How two models differ by one criterion on the scenes on which both were rated.

    Attributes:
        value: mean of the first minus mean of the second within a scene, in points, averaged over scenes, see
            `design.paired_estimate`; None without a common scene.
        interval: with the same draws for both models.
        p_value: two-sided, by Student's t with the interval's standard error; None without one.
        adjusted: `p_value` by Holm's rule over all differences of the list.
        scenes: in common.
    """

    subset: str
    first: str
    second: str
    criterion: str
    value: float | None
    interval: Interval
    p_value: float | None
    adjusted: float | None
    scenes: int


def opinions(
    answers: Answers, *, by_category: bool = False, resamples: int = RESAMPLES, seed: int, level: float = LEVEL
) -> list[Opinion]:
    """Return the mean opinion of every model that was rated, by subset and criterion.

    The interval is that of the mean over other raters and other scenes than these; see `benchmark.ratings.design`.

    Args:
        answers: screened as wanted.
        by_category: one entry per category of the target that the answers name, instead of one for all.
        resamples: of raters and scenes.
        seed: decides the draws.
        level: nominal coverage.

    Raises:
        ValueError: settings that make no sense together.
    """
    check_settings(resamples, level, "percentile")
    found = []
    for subset in answers.subsets:
        items = answers.of(subset).items
        draws = draw(items, named=answers.named, resamples=resamples, seed=seed)
        for criterion in answers.criteria:
            rated = items[items[criterion].notna()]
            if by_category:
                groups = [(key, part) for key, part in rated.groupby(["model", "category"], sort=True) if key[1]]
            else:
                groups = [((model, ""), part) for model, part in rated.groupby("model", sort=True)]
            for (model, category), part in groups:
                mean = _mean(answers, part, criterion, draws)
                raters = part["rater"].nunique() if draws.named else 0
                scenes = part["sample_id"].nunique()
                found.append(
                    Opinion(subset, str(model), criterion, str(category), mean.value, mean.interval(level), len(part),
                            scenes, raters)
                )  # fmt: skip
    return found


def _mean(answers: Answers, rated: pd.DataFrame, criterion: str, draws: Draws) -> Estimate:
    return estimate(draws, *_matrices(rated, criterion, draws), within=answers.points)


def _matrices(rated: pd.DataFrame, criterion: str, draws: Draws) -> tuple[Matrix, Matrix]:
    ones = pd.Series(1.0, index=rated.index)
    return draws.matrix(rated, rated[criterion]), draws.matrix(rated, ones)


def differences(
    answers: Answers, *, resamples: int = RESAMPLES, seed: int, level: float = LEVEL
) -> list[OpinionDifference]:
    """Return how every two models differ, on the scenes that both were rated on, with the same draws for both.

    Args:
        answers: screened as wanted.
        resamples: of raters and scenes.
        seed: decides the draws; with one seed they are those of `opinions`.
        level: nominal coverage.

    Raises:
        ValueError: settings that make no sense together.
    """
    check_settings(resamples, level, "percentile")
    found = []
    for subset in answers.subsets:
        items = answers.of(subset).items
        draws = draw(items, named=answers.named, resamples=resamples, seed=seed)
        for criterion in answers.criteria:
            rated = items[items[criterion].notna()]
            parts = {str(model): _matrices(part, criterion, draws) for model, part in rated.groupby("model", sort=True)}
            for first, second in combinations(sorted(parts), 2):
                found.append(_difference(subset, criterion, (first, second), parts, draws, answers.points, level))
    return _adjusted(found)


def _difference(
    subset: str,
    criterion: str,
    pair: tuple[str, str],
    parts: dict[str, tuple[Matrix, Matrix]],
    draws: Draws,
    scale: tuple[int, int],
    level: float,
) -> OpinionDifference:
    common = (parts[pair[0]][1].sum(axis=0) > 0) & (parts[pair[1]][1].sum(axis=0) > 0)
    scenes = int(common.sum())
    if not scenes:
        none = Interval(None, None, level, "percentile", "no scene on which both were rated")
        return OpinionDifference(subset, *pair, criterion, None, none, None, None, 0)
    length = scale[1] - scale[0]
    found = paired_estimate(draws, parts[pair[0]], parts[pair[1]], within=(-length, length))
    interval = found.interval(level)
    p_value = None if interval.ends is None else student_p_value(found.value, found.error, found.freedom)
    return OpinionDifference(subset, *pair, criterion, found.value, interval, p_value, None, scenes)


def estimates_by_model(
    answers: Answers, criterion: str, *, resamples: int = RESAMPLES, seed: int
) -> dict[str, Estimate]:
    """Return the mean opinion of every model that was rated by a criterion, all on the same resamples.

    Args:
        answers: to one subset.
        criterion: one of theirs.
        resamples: of raters and scenes.
        seed: decides the draws; with one seed they are those of `opinions`.
    """
    items = answers.items
    draws = draw(items, named=answers.named, resamples=resamples, seed=seed)
    rated = items[items[criterion].notna()]
    return {str(model): _mean(answers, part, criterion, draws) for model, part in rated.groupby("model", sort=True)}


def _adjusted(found: Sequence[OpinionDifference]) -> list[OpinionDifference]:
    adjusted = holm_of_known([one.p_value for one in found])
    return [replace(one, adjusted=p_value) for one, p_value in zip(found, adjusted, strict=True)]
