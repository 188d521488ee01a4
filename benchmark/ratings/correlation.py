"""Rank correlations of a metric with ratings: Spearman's and Kendall's, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from metrics.uncertainty.bootstrap import bootstrap_score, bootstrap_set_statistic
from metrics.uncertainty.intervals import Interval
from metrics.uncertainty.resampling import Counts, Needs

Method = Literal["spearman", "kendall"]
METHODS: tuple[Method, ...] = ("spearman", "kendall")
FEWEST = 3  # values; below, a rank correlation is meaningless
MOST_MISSING = 0.01  # share of resamples without a correlation, up to which there is an interval
MOST_CELLS = 1_000_000  # answers times resamples whose ranks are held at once; 8 MB for each of some eight arrays
MOST_PAIRWISE = 3000  # answers, whose pairs are compared once for all resamples; 36 MB for each of three matrices

Floats = NDArray[np.float64]


def rank_correlation(a: Floats, b: Floats) -> float:
    """Return Spearman's rank correlation, equal values sharing their mean rank; NaN where one side is constant."""
    return float(rank_correlations(a, b[np.newaxis])[0])


def rank_correlations(a: Floats, rows: Floats) -> Floats:
    """Return Spearman's rank correlation of values (n,) with each of b rows (b, n), shape (b,)."""
    from scipy.stats import rankdata

    middle = (len(a) + 1) / 2
    first, second = rankdata(a) - middle, rankdata(rows, axis=1) - middle
    size = np.sqrt(float(first @ first) * (second**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(size > 0, second @ first / size, np.nan)
    return found


def kendall_correlation(a: Floats, b: Floats) -> float:
    """Return Kendall's tau-b, which allows for ties on both sides; NaN where one side is constant."""
    from scipy.stats import kendalltau

    if len(a) < 2 or (a == a[0]).all() or (b == b[0]).all():
        return float("nan")
    return float(kendalltau(a, b).statistic)


def kendall_correlations(a: Floats, rows: Floats) -> Floats:
    """Return Kendall's tau-b of values (n,) with each of b rows (b, n), shape (b,); for few values."""
    first, second = np.triu_indices(len(a), 1)
    of_a, of_rows = np.sign(a[first] - a[second]), np.sign(rows[:, first] - rows[:, second])
    return _tau(of_rows @ of_a, np.full(len(rows), (of_a**2).sum()), (of_rows**2).sum(axis=1))


def _tau(agreeing: Floats, apart_a: Floats, apart_b: Floats) -> Floats:
    """Tau-b: pairs in the same order minus pairs in the opposite one, over those that differ at all on either side."""
    size = np.sqrt(apart_a * apart_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(size > 0, agreeing / size, np.nan)
    return found


def why_none(scores: Floats, points: Floats, what: str) -> str:
    """Return why scores (n,) and points (n,) have no rank correlation, or "" where they have one.

    Args:
        scores: of the metric.
        points: mean ratings.
        what: they are of, in the plural, for the reason.
    """
    if len(scores) < FEWEST:
        return f"too few to correlate: {len(scores)} of at least {FEWEST} {what}"
    if (scores == scores[0]).all():
        return f"all {what} have the same score"
    return f"all {what} have the same mean rating" if (points == points[0]).all() else ""


def correlation_by(method: Method) -> Callable[[Floats, Floats], float]:
    """Return the function of a method."""
    return rank_correlation if method == "spearman" else kendall_correlation


class ResampledSpearman:
    """Spearman's correlation of resamples, for `bootstrap_score`, without making any of them."""

    needs = Needs(rows=2, different=2)
    lower_bound = None
    smooth = True

    def __init__(self, a: Floats, b: Floats) -> None:
        self.samples = len(a)
        self._places = [np.unique(values, return_inverse=True)[1] for values in (a, b)]

    def __call__(self, counts: Counts) -> Floats:
        """Return the correlation, shape (b,), of resamples in which each answer occurs so often, shape (b, n)."""
        rows = max(1, MOST_CELLS // self.samples)
        parts = [self._correlations(counts[begin : begin + rows]) for begin in range(0, len(counts), rows)]
        return np.concatenate(parts)

    def _correlations(self, counts: Counts) -> Floats:
        often = counts.astype(np.float64)
        middle = (often.sum(axis=1, keepdims=True) + 1.0) / 2.0
        of_a, of_b = (_ranks(often, places) - middle for places in self._places)
        size = np.sqrt((often * of_a**2).sum(axis=1) * (often * of_b**2).sum(axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.where(size > 0, (often * of_a * of_b).sum(axis=1) / size, np.nan)
        return found


def _ranks(often: Floats, places: NDArray[np.intp]) -> Floats:
    """Return the rank of each value in each resample, equal values sharing their mean rank, shape (b, n).

    Args:
        often: how often each value occurs, shape (b, n).
        places: of the values among all different ones in order, shape (n,).
    """
    equal = np.zeros((int(places.max()) + 1, len(often)))
    np.add.at(equal, places, often.T)
    last = np.cumsum(equal, axis=0)
    ranks: Floats = (last - (equal - 1.0) / 2.0)[places].T
    return ranks


class ResampledKendall:
    """Kendall's tau-b of resamples, for `bootstrap_score`: every pair is compared once."""

    needs = Needs(rows=2, different=2)
    lower_bound = None
    smooth = True

    def __init__(self, a: Floats, b: Floats) -> None:
        self.samples = len(a)
        of_a, of_b = (np.sign(values[:, np.newaxis] - values).astype(np.float32) for values in (a, b))
        self._matrices = of_a * of_b, np.abs(of_a), np.abs(of_b)  # sums of whole numbers below 2^24: exact

    def __call__(self, counts: Counts) -> Floats:
        """Return tau-b, shape (b,), of resamples in which each answer occurs so often, shape (b, n)."""
        often = counts.astype(np.float32)
        return _tau(*[((often @ matrix) * often).sum(axis=1, dtype=np.float64) for matrix in self._matrices])


def interval_of_answers(
    scores: Floats, points: Floats, method: Method, groups: NDArray[Any], *, resamples: int, seed: int, level: float
) -> Interval:
    """Return the interval of the correlation over answers, resampled by groups as metrics are.

    Args:
        scores: of the metric, shape (n,).
        points: mean ratings, shape (n,).
        method: of correlation.
        groups: see `metrics.uncertainty.resampling.units`.
        resamples: how many.
        seed: decides the draws.
        level: nominal coverage.
    """
    if method == "kendall" and len(scores) > MOST_PAIRWISE:
        return bootstrap_set_statistic(
            lambda rows: kendall_correlation(scores[rows], points[rows]), len(scores), groups=groups,
            resamples=resamples, seed=seed, level=level, method="percentile",
        )  # fmt: skip
    resampled = ResampledSpearman if method == "spearman" else ResampledKendall
    return bootstrap_score(
        resampled(scores, points), groups=groups, resamples=resamples, seed=seed, level=level, method="percentile"
    )


def interval_of_models(scores: Floats, resampled: Floats, method: Method, level: float) -> Interval:
    """Return the interval of the correlation over models: of these models, by other raters and on other scenes.

    Args:
        scores: of the metric, shape (k,).
        resampled: mean ratings of the models on resamples of raters and scenes, shape (b, k), in points; NaN where a
            resample holds no rating of a model.
        method: of correlation.
        level: nominal coverage.

    Returns:
        Quantiles of the resamples that have a correlation; no ends, and the reason, where more than one in a hundred
        has none.
    """
    whole = resampled[np.isfinite(resampled).all(axis=1)]
    found = (rank_correlations if method == "spearman" else kendall_correlations)(scores, whole)
    there = found[np.isfinite(found)]
    missing = len(resampled) - len(there)
    if not len(there) or missing > MOST_MISSING * len(resampled):
        reason = f"{missing} of {len(resampled)} resamples have no correlation"
        return Interval(None, None, level, "percentile", reason)
    low, high = np.quantile(there, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(low), float(high), level, "percentile")
