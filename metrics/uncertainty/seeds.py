"""Several seeds: how sure the mean over runs is that differ in nothing but their seed.

All seeds answer the same samples, so samples and seeds are crossed, and a mean over both is uncertain for two reasons.

- *Samples*: units are drawn once for all seeds, as for one run; the mean over the seeds is scored on each resample.
- *Seeds*: the scores of S seeds have the standard deviation s, so their mean has the standard error s / sqrt(S), with
  Student's t for S - 1 degrees of freedom. Seeds are not resampled: S of them drawn with replacement vary by
  (S - 1) / S of what they should, and three have ten different resamples, none of which reaches as far as t does.

The two reaches are joined as the root of the sum of their squares, each side by itself (the method of variance
estimates recovery). What is particular to one sample with one seed counts in both, so the interval is rather too wide.

Source:
    Zou & Donner 2008, "Construction of confidence limits about effect measures: a general approach" (the joining); Owen
    2007, "The pigeonhole bootstrap" (why crossed factors drawn together count the interaction more than once).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.uncertainty.bootstrap import bootstrap_score
from metrics.uncertainty.intervals import Interval, student_quantile
from metrics.uncertainty.resampling import Counts, Groups, Needs
from metrics.uncertainty.significance import Difference
from metrics.validation import numbers, require_samples

Ends = tuple[float, float]
LEAST_P_VALUE = 1e-300  # below it there is no normal quantile to compare with


def interval_of_means(
    scores: ArrayLike, *, groups: Groups = None, resamples: int = 1000, seed: int, level: float = 0.95
) -> Interval:
    """Return the interval of the mean over seeds of mean scores, in their unit, for samples and seeds together.

    Args:
        scores: shape (n, s): one score per sample and seed; NaN where a seed has none of a sample. Every sample has one
            of at least one seed, every seed one of at least one sample.
        groups: None to draw samples; else (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        resamples: how many.
        seed: decides the draws; the same ones as for each run alone.
        level: nominal coverage.

    Raises:
        ValueError: another shape, fewer than two seeds, a seed without a score, groups that do not fit, or settings
            that make no sense.

    Examples:
        Two seeds that differ by more than the samples do: the interval is mostly theirs.

        >>> scores = np.random.default_rng(0).normal(size=(50, 1)) + [0.0, 1.0, 2.0]
        >>> low, high = interval_of_means(scores, seed=0).ends
        >>> round(high - low, 1)
        5.0
    """
    table = numbers(scores, "scores")
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"scores: expected shape (n, s), a column for each of two seeds or more, got {table.shape}")
    require_samples(len(table), "scores", 1)
    scored = np.isfinite(table)
    if not scored.any(axis=0).all():
        raise ValueError(f"scores: seed {int(scored.any(axis=0).argmin())} of {table.shape[1]} has no score")
    of_samples = bootstrap_score(
        _SeedMeans(np.where(scored, table, 0.0), scored), groups=groups, resamples=resamples, seed=seed, level=level,
        method="percentile",
    )  # fmt: skip
    if of_samples.ends is None:
        return of_samples
    means = np.nanmean(np.where(scored, table, np.nan), axis=0)
    low, high = with_seeds(of_samples.ends, means, level)
    return Interval(low, high, level, "percentile")


@dataclass(frozen=True, eq=False)
class _SeedMeans:
    """The mean over seeds of their mean scores, as a `Resampled`: every seed is scored on the same resample."""

    scores: NDArray[np.float64]  # (n, s), 0 where there is none
    scored: NDArray[np.bool_]
    lower_bound: None = None
    smooth: bool = True

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.scores)

    @property
    def needs(self) -> Needs:
        """As many different samples as make sure that every seed has one."""
        return Needs(different=int((~self.scored).sum(axis=0).max()) + 1)

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        """Return the score of each resample."""
        means: NDArray[np.float64] = ((counts @ self.scores) / (counts @ self.scored)).mean(axis=1)
        return means


def interval_of_sets(values: ArrayLike, intervals: Sequence[Ends], *, level: float = 0.95) -> Ends:
    """Return the interval of the mean over seeds of a set-wise score, from the interval that each seed has by itself.

    How far the score of one seed moves with the samples is known, and not how much the seeds move together. The mean of
    several moves at most by the mean of what each moves, and just so where they move alike: that is assumed.

    Args:
        values: finite, shape (s,): the score of each seed.
        intervals: its interval for the samples, at this level, in the same order.
        level: nominal coverage.

    Raises:
        ValueError: fewer than two seeds, or not one interval for each.

    Examples:
        >>> low, high = interval_of_sets([2.0, 2.0], [(1.5, 3.0), (1.7, 2.4)])
        >>> round(low, 2), round(high, 2)
        (1.6, 2.7)
    """
    scores = _seeds(values)
    ends = np.asarray(intervals, dtype=np.float64)
    if ends.shape != (len(scores), 2):
        raise ValueError(f"intervals: expected one for each of {len(scores)} seeds, got {len(intervals)}")
    below, above = (scores - ends[:, 0]).mean(), (ends[:, 1] - scores).mean()
    value = float(scores.mean())
    return with_seeds((value - float(below), value + float(above)), scores, level)


def with_seeds(ends: Ends, values: ArrayLike, level: float = 0.95) -> Ends:
    """Return the interval of a mean over seeds: that of the samples, widened by how much the seeds differ.

    Args:
        ends: interval of the mean for the samples alone.
        values: finite, shape (s,): the score of each seed.
        level: nominal coverage.

    Raises:
        ValueError: fewer than two seeds.

    Examples:
        Seeds that agree add nothing; alone they have Student's t.

        >>> with_seeds((0.5, 2.0), [1.0, 1.0, 1.0])
        (0.5, 2.0)
        >>> low, high = with_seeds((1.0, 1.0), [0.0, 1.0, 2.0])
        >>> round(low, 2), round(high, 2)
        (-1.48, 3.48)
    """
    scores = _seeds(values)
    value, error = float(scores.mean()), _error(scores)
    if error == 0.0:
        return ends
    reach = student_quantile((1.0 + level) / 2.0, len(scores) - 1) * error
    return value - hypot(value - ends[0], reach), value + hypot(ends[1] - value, reach)


def sample_error(value: float, p_value: float) -> float:
    """Return the standard error at which a value has this two-sided p-value under the normal distribution.

    Infinite for a value of 0, or a p-value of 1.
    """
    from scipy.special import ndtri

    reach = -float(ndtri(p_value / 2.0))
    return abs(value) / reach if value != 0.0 and reach > 0.0 else float("inf")


def p_value_with_seeds(values: ArrayLike, error: float) -> float:
    """Return the two-sided p-value of a mean over seeds against 0: the level at which its interval would reach 0.

    Args:
        values: finite, shape (s,): the difference in each seed.
        error: standard error of their mean for the samples alone.

    Raises:
        ValueError: fewer than two seeds.

    Examples:
        Without seeds that differ it is the samples' own; three seeds that do have a t test of two degrees of freedom.

        >>> round(p_value_with_seeds([1.0, 1.0], error=1 / 1.96), 3)
        0.05
        >>> round(p_value_with_seeds([1.0, 2.0, 3.0], error=0.0), 3)
        0.074
    """
    from scipy.special import ndtri

    scores = _seeds(values)
    value, of_seeds, freedom = abs(float(scores.mean())), _error(scores), len(scores) - 1
    if value == 0.0 or not np.isfinite(error):
        return 1.0

    def covers_zero(p_value: float) -> bool:
        normal = -float(ndtri(p_value / 2.0)) * error
        return hypot(normal, student_quantile(p_value / 2.0, freedom) * of_seeds) >= value

    low, high = np.log(LEAST_P_VALUE), 0.0  # no level between them is known to cover, or not to
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if covers_zero(float(np.exp(middle))) else (low, middle)
    return float(np.exp(high))


def difference_with_seeds(found: Difference, values: ArrayLike) -> Difference:
    """Return the paired test of scores averaged over seeds, with how much the difference varies with the seed.

    Args:
        found: the test on each sample's mean over the seeds: it holds the samples.
        values: finite, shape (s,): the difference with each seed; their mean is that of `found`.

    Raises:
        ValueError: fewer than two seeds.

    Examples:
        >>> from metrics.uncertainty.significance import paired_difference
        >>> a, b = np.linspace(0.5, 0.9, 10), np.linspace(0.1, 0.6, 10)
        >>> found = paired_difference(a, b, seed=0)
        >>> found.p_value, round(difference_with_seeds(found, [0.1, 0.35, 0.6]).p_value, 2)
        (0.001953125, 0.16)
    """
    scores = _seeds(values)
    if found.interval.ends is None or found.p_value is None:
        return found
    level = found.interval.level
    low, high = with_seeds(found.interval.ends, scores, level)
    p_value = p_value_with_seeds(scores, sample_error(found.value, found.p_value))
    interval = Interval(low, high, level, found.interval.method)
    error = None if found.error is None else hypot(found.error, _error(scores))
    reversals = p_value / 2.0 if found.value != 0.0 else None  # one of the two tails lies beyond zero
    return replace(found, interval=interval, p_value=p_value, error=error, reversals=reversals)


def difference_of_sets(found: Sequence[Difference]) -> Difference:
    """Return the paired test of a set-wise score's mean over seeds, from the test of each seed by itself.

    As for `interval_of_sets`, the seeds are taken to move alike with the samples, which is the most that they can.

    Args:
        found: the test of each seed, all at one level.

    Raises:
        ValueError: fewer than two seeds.
    """
    values = _seeds([one.value for one in found])
    value, first = float(values.mean()), found[0]
    without = next((one for one in found if one.interval.ends is None), None)
    if without is not None:
        return replace(without, value=value)
    level = first.interval.level
    intervals = [one.interval.ends for one in found if one.interval.ends is not None]
    low, high = interval_of_sets(values, intervals, level=level)
    reach = NormalDist().inv_cdf((1.0 + level) / 2.0)  # at most that of the t distribution, so the error is not less
    error = float(np.mean([(end - start) / 2.0 for start, end in intervals])) / reach
    interval = Interval(low, high, level, first.interval.method)
    p_value = p_value_with_seeds(values, error)
    reversals = p_value / 2.0 if value != 0.0 else None
    return Difference(value, interval, p_value, first.test, hypot(error, _error(values)), reversals)


def _seeds(values: ArrayLike) -> NDArray[np.float64]:
    scores = numbers(values, "values")
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError(f"values: expected shape (s,), the scores of two seeds or more, got {scores.shape}")
    return scores


def _error(scores: NDArray[np.float64]) -> float:
    """Standard error of the mean over the seeds."""
    return 0.0 if np.ptp(scores) == 0.0 else float(scores.std(ddof=1)) / sqrt(len(scores))
