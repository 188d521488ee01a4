"""A linear mixed-effects model of ratings: models as fixed effects, raters and scenes as crossed random effects."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import pandas as pd

from benchmark.ratings.answers import Answers
from benchmark.ratings.extras import load_extra
from metrics.uncertainty.intervals import Interval

MOST_RATINGS, MOST_EFFECTS = 2000, 150  # statsmodels' matrices are dense: 2 s at 1,500 and 100, 13 s at 2,500 and 160
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
    residual_deviation: float | None = None
    reason: str = ""


def mixed_models(answers: Answers, *, level: float = 0.95) -> list[MixedModel]:
    """Return the mixed-effects model of every subset and criterion, fitted by REML where the size allows it.

    The points of a scale are taken for numbers of equal distance, as they are in a mean opinion.

    Args:
        answers: screened as wanted.
        level: nominal coverage of the intervals.

    Raises:
        benchmark.ratings.extras.MissingPackage: the extra `web` is not installed.
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
    if len(rated) > MOST_RATINGS or raters + scenes > MOST_EFFECTS:
        return (
            f"left out for its size: {len(rated)} ratings with {raters + scenes} raters and scenes, at most "
            f"{MOST_RATINGS} and {MOST_EFFECTS} are fitted; the intervals of the mean opinions hold both as well"
        )
    return ""


def fit_mixed(rated: pd.DataFrame, criterion: str, *, subset: str = "", level: float = 0.95) -> MixedModel:
    """Return the model `points ~ model + (1 | rater) + (1 | scene)`, fitted by REML.

    Args:
        rated: columns model, rater, sample_id and the criterion, no value missing.
        criterion: column with points.
        subset: for the result.
        level: nominal coverage of the intervals.

    Raises:
        benchmark.ratings.extras.MissingPackage: the extra `web` is not installed.

    The two variances are found by Nelder and Mead's method. Where one of them is near zero, methods that follow the
    gradient end elsewhere, and say that they converged.

    Source:
        `statsmodels` MixedLM with variance components; equal to lme4 on its Penicillin data (a test).
    """
    formulas = load_extra("statsmodels.formula.api")
    table = pd.DataFrame({"points": rated[criterion].to_numpy(dtype=float), "everything": 1})
    for name, column in (("model", "model"), ("rater", "rater"), ("scene", "sample_id")):
        table[name] = rated[column].to_numpy(dtype=object)
    models = sorted(table["model"].unique())
    formula = "points ~ C(model)" if len(models) > 1 else "points ~ 1"
    parts = {"rater": "0 + C(rater)", "scene": "0 + C(scene)"}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            made = formulas.mixedlm(formula, table, groups="everything", re_formula="0", vc_formula=parts)
            fitted = made.fit(reml=True, method="nm")
        except (ValueError, ArithmeticError) as error:  # numpy's LinAlgError is a ValueError
            return MixedModel(subset, criterion, len(table), reason=f"cannot be fitted: {error}")
    if not fitted.converged:
        return MixedModel(subset, criterion, len(table), reason=f"no convergence: {heard[-1].message if heard else ''}")
    ends = fitted.conf_int(1.0 - level)
    effects = tuple(
        FixedEffect(model, float(fitted.fe_params.iloc[place]), float(fitted.bse_fe.iloc[place]),
                    Interval(float(ends.iloc[place, 0]), float(ends.iloc[place, 1]), level, "normal"),
                    float(fitted.pvalues.iloc[place]))
        for place, model in enumerate(models) if place
    )  # fmt: skip
    deviations = dict(zip(fitted.model.exog_vc.names, fitted.vcomp**0.5, strict=True))
    return MixedModel(
        subset, criterion, len(table), models[0], float(fitted.fe_params.iloc[0]), effects,
        float(deviations["rater"]), float(deviations["scene"]), float(fitted.scale**0.5),
    )  # fmt: skip
