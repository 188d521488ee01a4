"""A linear mixed-effects model of ratings: models as fixed effects, raters and scenes as crossed random effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.ratings.answers import Answers
from benchmark.ratings.design import LEVEL
from benchmark.ratings.restricted_likelihood import fit_restricted
from metrics.uncertainty.intervals import Interval

MOST_EFFECTS = 500  # of all kinds together, see `_kinds`
NO_NOISE = 1e-4  # of the ratings' standard deviation: nothing is left to tell the deviations from
FEWEST_LEVELS = 3  # raters, and scenes, below which their variance means nothing


@dataclass(frozen=True)
class FixedEffect:
    """What a model's answers are rated above or below those of the first model.

    Attributes:
        value: in points.
        error: standard error.
        interval: by the normal distribution.
        p_value: of the Wald test, two-sided.
    """

    model: str
    value: float
    error: float
    interval: Interval
    p_value: float


@dataclass(frozen=True)
class MixedModel:
    """A fitted model of one criterion on one subset, or why there is none.

    Attributes:
        base: the model that the others are compared with, first by name.
        base_mean: its mean, in points.
        effects: of the other models.
        rater_deviation: standard deviation between raters, in points.
        scene_deviation: likewise between scenes.
        answer_deviation: likewise between the answers of a model to single scenes, beside the scenes themselves: how
            far models differ in which scenes they are good at. None with one model.
        taste_deviation: likewise between what single raters think of a model, beside their strictness. None with one
            model, and where no rater judged two answers of a model, so that it is part of the residual.
        residual_deviation: of what is left.
        ratings: how many.
        reason: why there is no model; "" where there is one.
    """

    subset: str
    criterion: str
    ratings: int
    base: str = ""
    base_mean: float | None = None
    effects: tuple[FixedEffect, ...] = ()
    rater_deviation: float | None = None
    scene_deviation: float | None = None
    answer_deviation: float | None = None
    taste_deviation: float | None = None
    residual_deviation: float | None = None
    reason: str = ""


def mixed_models(answers: Answers, *, level: float = LEVEL) -> list[MixedModel]:
    """Return the mixed-effects model of every subset and criterion, fitted by REML where the size allows it.

    The points of a scale are taken for numbers of equal distance, as they are in a mean opinion.

    Args:
        answers: screened as wanted.
        level: nominal coverage of the intervals.
    """
    found = []
    for subset in answers.subsets:
        items = answers.of(subset).items
        for criterion in answers.criteria:
            rated = items[items[criterion].notna()].sort_values(["model", "rater", "sample_id"])
            if not answers.named:
                found.append(MixedModel(subset, criterion, len(rated), reason="raters have no names"))
            elif reason := _unfit(rated, criterion):
                found.append(MixedModel(subset, criterion, len(rated), reason=reason))
            else:
                found.append(fit_mixed(rated, criterion, subset=subset, level=level))
    return found


def _unfit(rated: pd.DataFrame, criterion: str) -> str:
    """Return why these ratings are not fitted, or ""."""
    if rated[criterion].nunique() < 2:
        return "all ratings are the same"
    raters, scenes = rated["rater"].nunique(), rated["sample_id"].nunique()
    if raters < FEWEST_LEVELS or scenes < FEWEST_LEVELS:
        return f"needs at least {FEWEST_LEVELS} raters and {FEWEST_LEVELS} scenes, got {raters} and {scenes}"
    if len(rated) <= len(rated.groupby(["sample_id", "model"])):
        return "no answer has two ratings"
    effects = sum(int(kind.max()) + 1 for kind in _kinds(rated).values())
    if effects > MOST_EFFECTS:
        return (
            f"left out for its size: {effects} effects of raters, scenes, answers and tastes, at most {MOST_EFFECTS} "
            "are fitted; the intervals of the mean opinions hold all of them as well"
        )
    return ""


def _kinds(rated: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
    """Return the random effects: by kind, the number of the effect that each rating has, shape (ratings,)."""
    kinds = {"rater": ["rater"], "scene": ["sample_id"]}
    if rated["model"].nunique() > 1:
        kinds |= {"answer": ["sample_id", "model"], "taste": ["rater", "model"]}
    found = {name: rated.groupby(columns).ngroup().to_numpy().astype(np.int64) for name, columns in kinds.items()}
    if "taste" in found and found["taste"].max() + 1 == len(rated):
        del found["taste"]  # as many as ratings: it is what is left
    return found


def fit_mixed(rated: pd.DataFrame, criterion: str, *, subset: str = "", level: float = LEVEL) -> MixedModel:
    """Return `points ~ model + (1 | rater) + (1 | scene) + (1 | scene:model) + (1 | rater:model)`, fitted by REML.

    The last two terms, left out where there is one model, let a model be better on some scenes than on others, and
    liked better by some raters than by others. Without them the other scenes and raters of a statement would all have
    to favour it alike: of models that do not differ, 27 % were found to where scenes deviated by 0.5 points, and 29 %
    where raters did by 0.6.

    Args:
        rated: columns model, rater, sample_id and the criterion, no value missing.
        criterion: column with points.
        subset: for the result.
        level: nominal coverage of the intervals.

    Source:
        `benchmark.ratings.restricted_likelihood`; equal to lme4 on its Penicillin data and to `statsmodels` (tests).
    """
    from scipy.stats import norm

    kinds = _kinds(rated)
    places, models = pd.factorize(rated["model"], sort=True)
    design = np.eye(len(models))[places]
    design[:, 0] = 1.0
    points = rated[criterion].to_numpy(dtype=np.float64)
    exact = MixedModel(subset, criterion, len(rated), reason="raters, scenes, answers and tastes explain every rating")
    try:
        fitted = fit_restricted(points, design, list(kinds.values()))
    except np.linalg.LinAlgError:  # the deviations grew beyond what numbers hold
        return exact
    if fitted.residual < NO_NOISE * points.std():
        return exact
    if not fitted.converged:
        return MixedModel(subset, criterion, len(rated), reason="the fit did not converge")
    reach = float(norm.ppf((1.0 + level) / 2.0))
    effects = []
    for place, model in list(enumerate(models))[1:]:
        value, error = float(fitted.effects[place]), float(fitted.covariance[place, place] ** 0.5)
        ends = Interval(value - reach * error, value + reach * error, level, "normal")
        p_value = float(2.0 * norm.sf(abs(value) / error)) if error > 0 else float(value == 0)
        effects.append(FixedEffect(str(model), value, error, ends, p_value))
    found = dict(zip(kinds, fitted.deviations, strict=True))
    return MixedModel(
        subset, criterion, len(rated), str(models[0]), float(fitted.effects[0]), tuple(effects), found["rater"],
        found["scene"], found.get("answer"), found.get("taste"), fitted.residual,
    )  # fmt: skip
