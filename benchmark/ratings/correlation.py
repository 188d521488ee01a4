"""Rank correlations of a metric with ratings: Spearman's and Kendall's, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["spearman", "kendall"]
METHODS: tuple[Method, ...] = ("spearman", "kendall")
FEWEST = 3  # below, a rank correlation is meaningless

Floats = NDArray[np.float64]


def rank_correlation(a: Floats, b: Floats) -> float:
    """Return Spearman's rank correlation, equal values sharing their mean rank; NaN where one side is constant."""
    from scipy.stats import rankdata

    first, second = (rankdata(values) - (len(values) + 1) / 2 for values in (a, b))
    size = float(np.sqrt(first @ first * (second @ second)))
    return float(first @ second) / size if size > 0 else float("nan")


def kendall_correlation(a: Floats, b: Floats) -> float:
    """Return Kendall's tau-b, which allows for ties on both sides; NaN where one side is constant."""
    from scipy.stats import kendalltau

    if len(a) < 2 or (a == a[0]).all() or (b == b[0]).all():
        return float("nan")
    return float(kendalltau(a, b).statistic)


def correlation_by(method: Method) -> Callable[[Floats, Floats], float]:
    """Return the function of a method."""
    return rank_correlation if method == "spearman" else kendall_correlation


def interval_of_models(scores: Floats, resampled: Floats, method: Method, level: float) -> tuple[float, float] | None:
    """Return the interval of the correlation over models: of these models, by other raters and on other scenes.

    Args:
        scores: of the metric, shape (k,).
        resampled: mean ratings of the models on resamples of raters and scenes, shape (b, k).
        method: of correlation.
        level: nominal coverage.

    Returns:
        Lower and upper end; None where more than one in a hundred resamples has no correlation.
    """
    correlate = correlation_by(method)
    found = np.array([correlate(scores, row) if np.isfinite(row).all() else np.nan for row in resampled])
    there = found[np.isfinite(found)]
    if len(there) < 0.99 * len(found) or not len(there):
        return None
    low, high = np.quantile(there, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)
