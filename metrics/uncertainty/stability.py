"""How stable the order of two runs is, and the smallest difference between them that a benchmark can tell from none.

Both follow from what the paired tests compute anyway: the scores of both runs on the same resamples, or the standard
error of their difference.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.uncertainty.resampling import Counts, Groups, scores_of, units
from metrics.validation import numbers

POWER = 0.8  # chance to find a difference of the smallest detectable size


def reversed_share(value: float, replicates: NDArray[np.float64]) -> float | None:
    """Return how often two runs change places under resampling, as a share of the resamples.

    Args:
        value: the difference on the whole set, first minus second.
        replicates: finite, shape (b,): the difference on each of b resamples, of both runs the same.

    Returns:
        A share in [0, 1], in which a resample without a difference counts one half; None where the whole set has no
        difference, so that there is no order to change.

    Examples:
        >>> reversed_share(0.2, np.array([0.3, 0.1, 0.0, -0.1]))
        0.375
    """
    if value == 0.0:
        return None
    kept = np.sign(value) * replicates
    return float(np.mean(kept < 0.0) + np.mean(kept == 0.0) / 2.0)


def reversed_share_of(value: float, error: float) -> float | None:
    """Return the same for a difference that is about normal, from its standard error, without a resample.

    Examples:
        A difference as large as its error changes sign in every sixth resample.

        >>> round(reversed_share_of(1.0, error=1.0), 3)
        0.159
    """
    if value == 0.0:
        return None
    return NormalDist().cdf(-abs(value) / error) if error > 0.0 else 0.0


def smallest_detectable(error: float, *, level: float = 0.95, power: float = POWER) -> float:
    """Return the smallest true difference that a two-sided test finds with this power, in the unit of the error.

    Args:
        error: standard error of the difference; of a single run's score, where it is held against a fixed number.
        level: of the interval that must not hold zero: 1 minus the level of the test.
        power: chance that a difference of this size is found.

    Raises:
        ValueError: a level or power that is no share between 0 and 1, or an error below 0.

    Source:
        Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences": the sum of both normal quantiles, times
        the error.

    Examples:
        >>> round(smallest_detectable(1.0), 2)
        2.8
    """
    for name, share in (("level", level), ("power", power)):
        if not 0.0 < share < 1.0:
            raise ValueError(f"{name}: expected a share between 0 and 1, got {share}")
    if not error >= 0.0:
        raise ValueError(f"error: expected a standard error from 0 on, got {error}")
    normal = NormalDist()
    return (normal.inv_cdf((1.0 + level) / 2.0) + normal.inv_cdf(power)) * error


def mean_replicates(
    scores: ArrayLike, *, groups: Groups = None, resamples: int = 1000, seed: int
) -> NDArray[np.float64]:
    """Return the means of many columns of per-sample scores on the same resamples, shape (resamples, k).

    Args:
        scores: shape (n, k): a score per sample and column; NaN where a column has none of a sample, and the mean is
            over the others.
        groups: None to draw samples; else (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        resamples: how many.
        seed: decides the draws; those of every metric that is resampled with the same seed, number and groups.

    Returns:
        float64; NaN where a resample holds no sample that the column has a score of.

    Raises:
        ValueError: another shape, no sample, or groups that do not fit.

    Examples:
        >>> means = mean_replicates([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]], resamples=50, seed=0)
        >>> bool(np.allclose(means[:, 0] + 1.0, means[:, 1]))
        True
    """
    table = numbers(scores, "scores")
    if table.ndim != 2:
        raise ValueError(f"scores: expected shape (n, k), a column for each score, got {table.shape}")
    there = np.isfinite(table)
    known, filled = there.astype(np.float64), np.where(there, table, 0.0)

    def means(counts: Counts) -> NDArray[np.float64]:
        drawn = counts.astype(np.float64)  # products of floats are those that BLAS computes
        with np.errstate(invalid="ignore"):
            result: NDArray[np.float64] = (drawn @ filled) / (drawn @ known)
        return result

    return scores_of(means, units(len(table), groups).resamples(resamples, seed))
