"""Uncertainty of every score alike: bootstrap intervals, by sample or by the source clips that samples share.

The samples of a benchmark are not independent: 67 clips make a thousand scenes. `groups` says what to draw instead of
samples; see `metrics.uncertainty.resampling.units` for its two forms. Intervals by single samples are then too narrow.

Every function is deterministic: the seed decides the draws, and two runs scored with one seed, one number of samples
and the same groups are resampled alike. Where an interval cannot be estimated, the result says why and has no ends.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foundation.names import lazy_exports
from metrics.uncertainty.intervals import (
    Interval,
    IntervalMethod,
    check_settings,
    interval_from_jackknife,
    interval_from_replicates,
)
from metrics.uncertainty.resampling import Counts, Groups, Needs, Resampled, Units, units
from metrics.uncertainty.set_difference import set_difference
from metrics.uncertainty.shortcuts import left_out, replicates, score_of_set
from metrics.uncertainty.significance import Difference, holm, paired_difference
from metrics.validation import numbers, require_finite, require_samples

__all__ = [
    "Difference",
    "Interval",
    "bootstrap_mean",
    "bootstrap_score",
    "bootstrap_set_statistic",
    "holm",
    "paired_difference",
    "set_difference",
]
__getattr__, __dir__ = lazy_exports(
    __name__,
    dict.fromkeys(
        ("bootstrap_frechet", "bootstrap_kernel", "bootstrap_inception",
         "frechet_difference", "kernel_difference", "inception_difference"),
        "metrics.former",
    ),
)  # fmt: skip


def bootstrap_mean(
    values: ArrayLike,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
    method: IntervalMethod = "percentile",
) -> Interval:
    """Return the interval of the mean of per-sample scores, in their unit.

    Args:
        values: finite, shape (n,): one score per sample.
        groups: None to draw samples; else (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        resamples: how many; 1,000 give ends within about 2 % of the interval's width.
        seed: decides the draws.
        level: nominal coverage.
        method: "percentile", "bca" or "centred", see `intervals.interval_from_replicates`, or "jackknife", see
            `intervals.interval_from_jackknife`.

    Raises:
        ValueError: another shape, no sample, a value that is not finite (names the first such sample), groups that do
            not fit, or settings that make no sense.

    Examples:
        A hundred scores, five from each of twenty clips: resampled by clip, the interval is wider.

        >>> clips = np.repeat(np.arange(20), 5)
        >>> scores = clips / 20
        >>> low, high = bootstrap_mean(scores, seed=0).ends
        >>> round(low, 2), round(high, 2)
        (0.42, 0.53)
        >>> low, high = bootstrap_mean(scores, groups=clips, seed=0).ends
        >>> round(low, 2), round(high, 2)
        (0.35, 0.6)
    """
    scores = numbers(values, "values")
    if scores.ndim != 1:
        raise ValueError(f"values: expected shape (n,), one score per sample, got {scores.shape}")
    require_samples(len(scores), "values", 1)
    require_finite(scores, "values")

    def means(counts: Counts) -> NDArray[np.float64]:
        result: NDArray[np.float64] = counts @ scores / counts.sum(axis=1)
        return result

    return _bootstrap(means, len(scores), Needs(), groups, resamples, seed, level, method)


def bootstrap_set_statistic(
    statistic: Callable[[NDArray[np.int64]], float],
    n: int,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
    method: IntervalMethod = "centred",
) -> Interval:
    """Return the interval of any score of a set, given as a function of row numbers.

    The slow, general form; `bootstrap_score` is the fast one, for metrics that have a `Resampled`.

    Args:
        statistic: gets int64 row numbers, ascending, with repeats, and returns the score of these rows.
        n: number of samples.
        groups: as for `bootstrap_mean`.
        resamples: as for `bootstrap_mean`.
        seed: as for `bootstrap_mean`.
        level: as for `bootstrap_mean`.
        method: as for `bootstrap_mean`.

    Raises:
        ValueError: no sample, groups that do not fit, or settings that make no sense.

    Examples:
        >>> values = np.arange(30.0)
        >>> found = bootstrap_set_statistic(lambda rows: float(np.median(values[rows])), 30, seed=0)
        >>> found.low < 14.5 < found.high
        True
    """
    rows = np.arange(n)

    def scores(counts: Counts) -> NDArray[np.float64]:
        return np.array([statistic(np.repeat(rows, row)) for row in counts], dtype=np.float64)

    return _bootstrap(scores, n, Needs(rows=2), groups, resamples, seed, level, method)


def bootstrap_score(
    scorer: Resampled,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
    method: IntervalMethod = "centred",
) -> Interval:
    """Return the interval of a set-wise score, such as FAD, KAD or the inception score, in its unit.

    The interval is for the expected score at this number of samples. A resample has fewer different rows, so a score
    that depends on their number has a bias of its own there. "centred" takes out its mean; what remains makes the
    interval of FAD too wide, in simulations (n < d) 1.1 to 2 times, by both clips of a pair 2.7 times. "jackknife"
    was right to 1.3 times, 1.6 by both clips, and scores each unit once instead of each resample.

    A score of many samples may be expanded around the whole set instead of computed for every resample (FAD from 2,000
    units on, where there are 6 rows and 2 units for each dimension and both covariances have full rank): the same
    interval but for some per cent of its width, in the time of a few scores. See `metrics.uncertainty.expansion`.

    Args:
        scorer: the score of n samples, e.g. `metrics.fad.ResampledFrechet(reference, generated)`.
        groups: as for `bootstrap_mean`.
        resamples: as for `bootstrap_mean`; of FAD 1,000 take some 20 s of CPU at n = 560, d = 2048, and as long as one
            where the score is expanded.
        seed: as for `bootstrap_mean`.
        level: as for `bootstrap_mean`.
        method: as for `bootstrap_mean`; "jackknife" for smooth scores only.

    Raises:
        ValueError: "jackknife" for a score that is not smooth, too few samples for the score, groups that do not fit,
            or settings that make no sense.

    Examples:
        >>> from metrics.fad import ResampledFrechet, frechet_audio_distance
        >>> reference, generated = np.random.default_rng(0).normal(size=(2, 50, 4))
        >>> found = bootstrap_score(ResampledFrechet(reference, generated), resamples=100, seed=0)
        >>> found.low < frechet_audio_distance(reference, generated) < found.high
        True
    """
    if method == "jackknife" and not scorer.smooth:
        raise ValueError(f'method: "jackknife" needs a smooth score, {type(scorer).__name__} is not; use "centred"')
    check_settings(resamples, level, method)
    found = _interval(scorer, units(scorer.samples, groups), resamples, seed, level, method)
    if found.low is None or found.high is None or scorer.lower_bound is None:
        return found
    return Interval(max(found.low, scorer.lower_bound), max(found.high, scorer.lower_bound), level, method)


def _bootstrap(
    scorer: Callable[[Counts], NDArray[np.float64]],
    n: int,
    needs: Needs,
    groups: Groups,
    resamples: int,
    seed: int,
    level: float,
    method: IntervalMethod,
) -> Interval:
    """Draw, score, and take the interval."""
    check_settings(resamples, level, method)
    return _interval(_Plain(scorer, n, needs), units(n, groups), resamples, seed, level, method)


@dataclass(frozen=True)
class _Plain:
    """Any function of counts as a `Resampled`."""

    scorer: Callable[[Counts], NDArray[np.float64]]
    samples: int
    needs: Needs
    lower_bound: None = None
    smooth: bool = True

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        return self.scorer(counts)


def _interval(
    scorer: Resampled, drawn: Units, resamples: int, seed: int, level: float, method: IntervalMethod
) -> Interval:
    reason = drawn.too_few(level)
    if reason is not None:
        return Interval(None, None, level, method, reason)
    if method == "jackknife":
        return interval_from_jackknife(score_of_set(scorer, drawn), left_out(scorer, drawn), level)
    estimate, found = replicates(scorer, drawn, resamples, seed)
    return interval_from_replicates(estimate, found, level, method, lambda: left_out(scorer, drawn))
