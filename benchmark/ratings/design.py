"""Ratings as matrices of raters by scenes, and means of them with intervals over other raters and other scenes.

Two ratings of one scene share the scene, two of one rater share the rater: neither single ratings nor scenes alone may
be drawn. The pigeonhole bootstrap draws raters and, independently, scenes; a rating occurs as often as its rater times
as often as its scene. All models are scored on the same draws, so that differences are paired.

That counts the noise of single ratings three times, which makes differences of models look up to 1.7 times as uncertain
as they are. So the resampled means are moved towards their mean until they have the variance that holds raters, scenes
and noise once each: clustered by rater, plus clustered by scene, minus single ratings. Intervals of 95 % then covered
92 to 98 % in simulations of 12 to 60 raters; without it those of differences covered 99.4 to 99.9 %.

Source:
    Owen 2007, "The pigeonhole bootstrap" (Annals of Applied Statistics 1); Owen and Eckles 2012, "Bootstrapping data
    arrays of arbitrary order" (the same 6), products of weights; Cameron, Gelbach and Miller 2011, "Robust inference
    with multiway clustering" (Journal of Business and Economic Statistics 29), the variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation.names import joined
from metrics.uncertainty.intervals import Interval, student_quantile

Matrix = NDArray[np.float64]
RESAMPLES, LEVEL = 1000, 0.95  # what intervals have where nobody chooses
FEWEST = 3  # raters, and scenes: below, resampling them says nothing about others
Ends = tuple[float, float]
ANYWHERE: Ends = float("-inf"), float("inf")


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each rater and each scene occurs in each resample.

    Attributes:
        raters: names, sorted; row r of the matrices belongs to them. One row for all where they have no names.
        scenes: names, sorted.
        of_raters: float64, shape (b, raters); ones where they have no names.
        of_scenes: float64, shape (b, scenes).
        named: whether a rater's name stands for one person.
    """

    raters: tuple[str, ...]
    scenes: tuple[str, ...]
    of_raters: Matrix
    of_scenes: Matrix
    named: bool

    def totals(self, values: Matrix) -> Matrix:
        """Return the sum of values (raters, scenes) in every resample, shape (b,)."""
        totals: Matrix = ((self.of_raters @ values) * self.of_scenes).sum(axis=1)
        return totals

    def matrix(self, rated: pd.DataFrame, values: pd.Series[float]) -> Matrix:
        """Return values, one per row of `rated` (columns rater, sample_id), added up by rater and scene."""
        of_scene = pd.Index(self.scenes).get_indexer(pd.Index(rated["sample_id"]))
        of_rater = (
            pd.Index(self.raters).get_indexer(pd.Index(rated["rater"])) if self.named else np.zeros_like(of_scene)
        )
        sums = np.zeros((len(self.raters), len(self.scenes)))
        np.add.at(sums, (of_rater, of_scene), values.to_numpy(dtype=np.float64))
        return sums


def draw(table: pd.DataFrame, *, named: bool = True, resamples: int = RESAMPLES, seed: int) -> Draws:
    """Return resamples of the raters and scenes of a table, the same whatever the order of its rows.

    Args:
        table: columns rater and sample_id, of one subset.
        named: whether a rater's name stands for one person; else scenes alone are drawn.
        resamples: how many.
        seed: decides the draws.
    """
    raters = tuple(sorted(table["rater"].unique())) if named else ("anybody",)
    scenes = tuple(sorted(table["sample_id"].unique()))
    of_scenes = _multinomial(len(scenes), resamples, np.random.default_rng([seed, 0]))
    if named:
        of_raters = _multinomial(len(raters), resamples, np.random.default_rng([seed, 1]))
    else:
        of_raters = np.ones((resamples, 1))
    return Draws(raters, scenes, of_raters, of_scenes, named)


def _multinomial(size: int, resamples: int, rng: np.random.Generator) -> Matrix:
    if size == 0:
        return np.ones((resamples, 0))
    return rng.multinomial(size, np.full(size, 1 / size), size=resamples).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean of ratings, or a difference of two, with what its interval is made of.

    Attributes:
        value: in points.
        replicates: shape (b,): resampled values; NaN where a resample holds none of the ratings.
        error: standard error over other raters and scenes; NaN where that cannot be said.
        freedom: its degrees of freedom.
        reason: why there is no error; "" where there is one.
        within: lowest and highest value that there can be.
    """

    value: float
    replicates: Matrix
    error: float
    freedom: int
    reason: str
    within: Ends = ANYWHERE

    def scaled(self) -> Matrix:
        """Return the replicates, shape (b,), moved so that their mean is the value and their spread the error."""
        there = self.replicates[np.isfinite(self.replicates)]
        spread = float(there.std()) if len(there) else 0.0
        scaled: Matrix = self.value + (self.replicates - there.mean() if len(there) else self.replicates) * (
            self.error / spread if spread > 0 else 0.0
        )
        return scaled

    def interval(self, level: float) -> Interval:
        """Return the interval of this level: quantiles of the scaled replicates, widened as Student's t is.

        It ends where the values end: widened, that of few raters would go on beyond the scale.
        """
        if self.reason:
            return Interval(None, None, level, "percentile", self.reason)
        missing = int((~np.isfinite(self.replicates)).sum())
        if missing > 0.01 * len(self.replicates):
            reason = f"{missing} of {len(self.replicates)} resamples hold no rating of it"
            return Interval(None, None, level, "percentile", reason)
        tail = (1.0 + level) / 2.0
        wider = student_quantile(tail, self.freedom) / student_quantile(tail, 1_000_000)
        scaled = self.scaled()
        low, high = self.value + wider * (np.quantile(scaled[np.isfinite(scaled)], [1.0 - tail, tail]) - self.value)
        low, high = np.clip([low, high], *self.within)
        return Interval(float(low), float(high), level, "percentile")


def estimate(draws: Draws, sums: Matrix, counts: Matrix, *, within: Ends = ANYWHERE) -> Estimate:
    """Return a mean of ratings.

    Args:
        draws: of raters and scenes.
        sums: points by rater and scene, shape (raters, scenes).
        counts: how many ratings they are the sums of, likewise; at least one altogether.
        within: lowest and highest point of the scale.
    """
    value = float(sums.sum() / counts.sum())
    influence = (sums - counts * value) / counts.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = draws.totals(sums) / draws.totals(counts)
    return with_error(draws, value, replicates, influence, counts, contrast=False, within=within)


def paired_estimate(
    draws: Draws, first: tuple[Matrix, Matrix], second: tuple[Matrix, Matrix], *, within: Ends = ANYWHERE
) -> Estimate:
    """Return the difference of two mean ratings, scene by scene.

    Within a scene it is mean minus mean. A scene with a and b ratings weighs a b / (a + b), for both sides alike: were
    each side weighed by its own ratings, a difference would also tell who was rated more often on the easy scenes.
    Where both have as many ratings on every scene, it is the difference of the means of all ratings.

    Args:
        draws: of raters and scenes.
        first: points and counts, each (raters, scenes); a scene that one side alone has counts for nothing. At least
            one scene has both.
        second: likewise.
        within: lowest and highest difference that the scale allows.
    """
    (sums_a, counts_a), (sums_b, counts_b) = first, second
    sum_a, count_a, sum_b, count_b = (part.sum(axis=0) for part in (sums_a, counts_a, sums_b, counts_b))
    gaps, weights = _paired(sum_a, count_a, sum_b, count_b)
    value = float(gaps.sum() / weights.sum())
    there = weights > 0
    total = np.where(there, count_a + count_b, 1.0)
    share_a, share_b, mean = count_a / total, count_b / total, (sum_a + sum_b) / total
    # derivatives of the sum of gaps, and of that of weights, by each rating's points and by its being there
    influence = sums_a * share_b - sums_b * share_a - mean * (counts_a * share_b - counts_b * share_a)
    influence = (influence - value * (counts_a * share_b**2 + counts_b * share_a**2)) * there / weights.sum()
    gaps, weights = _paired(*(draws.of_raters @ part for part in (sums_a, counts_a, sums_b, counts_b)))
    with np.errstate(invalid="ignore", divide="ignore"):
        replicates = (gaps * draws.of_scenes).sum(axis=1) / (weights * draws.of_scenes).sum(axis=1)
    rated = (counts_a + counts_b) * there
    return with_error(draws, value, replicates, influence, rated, contrast=True, within=within)


def _paired(sum_a: Matrix, count_a: Matrix, sum_b: Matrix, count_b: Matrix) -> tuple[Matrix, Matrix]:
    """Return by scene the weighted difference of two means, and its weight; 0 where one side has no rating."""
    there = (count_a > 0) & (count_b > 0)
    total = np.where(there, count_a + count_b, 1.0)
    return there * (sum_a * count_b - sum_b * count_a) / total, there * count_a * count_b / total


def with_error(
    draws: Draws,
    value: float,
    replicates: Matrix,
    influence: Matrix,
    rated: Matrix,
    *,
    contrast: bool,
    within: Ends = ANYWHERE,
) -> Estimate:
    """Return a value with its standard error over other raters and other scenes.

    Args:
        draws: of raters and scenes.
        value: as observed.
        replicates: on the resamples, shape (b,).
        influence: how far the ratings in each cell (raters, scenes) moved the value.
        rated: how many ratings each cell has.
        contrast: whether models are compared, so that what their raters and scenes share cancels out.
        within: lowest and highest value that there can be.
    """
    scenes, raters = int((rated.sum(axis=0) > 0).sum()), int((rated.sum(axis=1) > 0).sum())
    few = [f"{count} of at least {FEWEST} {name}" for count, name in ((scenes, "scenes"), (raters, "raters"))
           if count < FEWEST and (name == "scenes" or draws.named)]  # fmt: skip
    if few:
        return Estimate(value, replicates, float("nan"), 0, f"too few to resample: {joined(few, 'and')}", within)
    error, freedom = _error(influence, scenes, raters, named=draws.named, contrast=contrast)
    return Estimate(value, replicates, error, freedom, "", within)


def _error(influence: Matrix, scenes: int, raters: int, *, named: bool, contrast: bool) -> tuple[float, int]:
    """Standard error of a sum of influences (raters, scenes), clustered by raters and by scenes, and its freedom.

    The variance is a difference of sums, which may come out too small by chance. That of a mean is never below either
    of the first two. That of a contrast is, where raters are strict with both models alike: the smaller one bounds it.
    Degrees of freedom by Satterthwaite's rule: those of whichever of raters and scenes matters more.
    """
    by_scene = float((influence.sum(axis=0) ** 2).sum()) * scenes / (scenes - 1)
    if not named:
        return float(np.sqrt(by_scene)), scenes - 1
    by_rater = float((influence.sum(axis=1) ** 2).sum()) * raters / (raters - 1)
    bound = min(by_scene, by_rater) if contrast else max(by_scene, by_rater)
    variance = max(by_scene + by_rater - float((influence**2).sum()), bound)
    unsure = by_scene**2 / (scenes - 1) + by_rater**2 / (raters - 1)
    freedom = variance**2 / unsure if unsure > 0 else 0.0
    return float(np.sqrt(variance)), int(max(freedom, min(scenes, raters) - 1))
