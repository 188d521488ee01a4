"""How many raters, or scenes, a wanted precision needs: from how much the ratings of a pilot vary, and why."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.ratings.answers import Answers
from benchmark.ratings.design import LEVEL
from metrics.uncertainty.intervals import student_quantile

MOST = 10_000_000  # raters or scenes; beyond, a precision counts as out of reach


@dataclass(frozen=True)
class Components:
    """Where the ratings of one model differ from one another, as variances in square points.

    Attributes:
        rater: between raters: some are stricter than others.
        scene: between scenes: some answers are better than others.
        noise: what is left: one rater's single rating of one scene.
    """

    rater: float
    scene: float
    noise: float


@dataclass(frozen=True)
class Plan:
    """What the mean opinion of one model needs to have an interval of a wanted half-width.

    Attributes:
        components: of the pilot, pooled over models.
        raters: in the pilot.
        scenes: in the pilot.
        ratings_each: of one model by one rater, mean of the pilot; it stays as it is in the plan.
        half_width: in points, that the pilot itself has by these components.
        wanted: half-width in points.
        raters_needed: with these scenes, for a statement on other scenes too; None: no number of raters suffices.
        raters_for_these: for a statement on these very scenes; None likewise.
        scenes_needed: at least, however many raters there are.
        reason: why there is no plan; "" where there is one.
    """

    subset: str
    criterion: str
    components: Components | None
    raters: int
    scenes: int
    ratings_each: float
    half_width: float | None
    wanted: float
    raters_needed: int | None = None
    raters_for_these: int | None = None
    scenes_needed: int | None = None
    reason: str = ""


def variance_components(parts: list[pd.DataFrame], criterion: str) -> Components | None:
    """Return the variance components of ratings by crossed raters and scenes; None where the design leaves them open.

    Three sums of squared differences, between the ratings of one rater, of one scene, and of any two, have expected
    values that are linear in the three components; all parts (one per model) add to the same three sums. Unbiased in
    any unbalanced design, in time linear in the ratings. A component that comes out negative is zero.

    Args:
        parts: rows of one model each, columns rater, sample_id and the criterion, no value missing.
        criterion: column with points.

    Source:
        Gao and Owen 2017, "Efficient moment calculations for variance components in large unbalanced crossed random
        effects models" (Electronic Journal of Statistics 11), equations 6 and 7.
    """
    sums, expected = np.zeros(3), np.zeros((3, 3))
    for part in parts:
        values = part[criterion].to_numpy(dtype=np.float64)
        raters, scenes = (pd.factorize(part[name])[0] for name in ("rater", "sample_id"))
        total = len(values)
        of_raters, of_scenes = np.bincount(raters).astype(float), np.bincount(scenes).astype(float)
        sums += [_within(values, raters), _within(values, scenes), total * ((values - values.mean()) ** 2).sum()]
        squares_r, squares_s = (of_raters**2).sum(), (of_scenes**2).sum()
        expected += [
            [0.0, total - len(of_raters), total - len(of_raters)],
            [total - len(of_scenes), 0.0, total - len(of_scenes)],
            [total**2 - squares_r, total**2 - squares_s, total**2 - total],
        ]
    if np.linalg.matrix_rank(expected) < 3:
        return None
    rater, scene, noise = np.maximum(np.linalg.solve(expected, sums), 0.0)
    return Components(float(rater), float(scene), float(noise))


def _within(values: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Sum of squares within groups around the groups' means."""
    counts, sums = np.bincount(groups), np.bincount(groups, weights=values)
    return float(((values - (sums / counts)[groups]) ** 2).sum())


def check_precision(wanted: float) -> None:
    """Refuse a half-width that no interval can have.

    Raises:
        ValueError: not above zero, infinite or not a number.
    """
    if not 0 < wanted < inf:
        raise ValueError(f"--precision: expected a half-width in points above 0, such as 0.1, got {wanted:g}")


def plan(answers: Answers, wanted: float, level: float = LEVEL) -> list[Plan]:
    """Return by subset and criterion what a half-width of the mean opinion of one model needs.

    The variance of a mean over r raters and i scenes, k ratings of the model by each rater, is
    rater / r + scene / i + noise / (r k).

    Args:
        answers: of a pilot, screened as wanted.
        wanted: half-width of the interval in points.
        level: nominal coverage.

    Raises:
        ValueError: see `check_precision`.
    """
    check_precision(wanted)
    found = []
    for subset in answers.subsets:
        items = answers.of(subset).items
        for criterion in answers.criteria:
            rated = items[items[criterion].notna()]
            if len(rated):
                found.append(_plan(subset, criterion, rated, answers.named, wanted, level))
    return found


def _plan(subset: str, criterion: str, rated: pd.DataFrame, named: bool, wanted: float, level: float) -> Plan:
    parts = [part for _, part in rated.groupby("model", sort=True)]
    raters, scenes = rated["rater"].nunique(), rated["sample_id"].nunique()
    each = float(rated.groupby(["rater", "model"]).size().mean())
    components = variance_components(parts, criterion) if named else None
    if components is None:
        why = "every rater would have to rate several scenes, and every scene several raters"
        reason = f"the pilot cannot tell raters, scenes and noise apart: {why}" if named else "raters have no names"
        return Plan(subset, criterion, None, raters if named else 0, scenes, each, None, wanted, reason=reason)
    reach = student_quantile((1.0 + level) / 2.0, 1_000_000)
    half_width = reach * float(np.sqrt(_variance(components, raters, scenes, each)))
    allowed = (wanted / reach) ** 2
    per_rater = components.rater + components.noise / each
    return Plan(
        subset, criterion, components, raters, scenes, each, half_width, wanted,
        raters_needed=_needed(per_rater, allowed - components.scene / scenes),
        raters_for_these=_needed(per_rater, allowed),
        scenes_needed=_needed(components.scene, allowed),
    )  # fmt: skip


def _variance(components: Components, raters: float, scenes: float, each: float) -> float:
    return components.rater / raters + components.scene / scenes + components.noise / (raters * each)


def _needed(variance: float, allowed: float) -> int | None:
    """Return the least n for which variance / n is within what is allowed, or None."""
    if allowed <= 0:
        return None
    needed = max(1, ceil(variance / allowed - 1e-9))
    return needed if needed <= MOST else None
