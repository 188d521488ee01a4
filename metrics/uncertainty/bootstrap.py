"""Uncertainty of every score alike: bootstrap intervals, by sample or by the source clips that samples share.

The samples of a benchmark are not independent: 67 clips make a thousand scenes. `groups` says what to draw instead of
samples; see `metrics.uncertainty.resampling.units` for its two forms. Intervals by sample alone are then too narrow.

Every function is deterministic: the seed decides the draws, and two runs scored with one seed, one number of samples
and the same groups are resampled alike. Where an interval cannot be estimated, the result says why and has no ends.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.kad import BandwidthSource, median_bandwidth
from metrics.uncertainty.intervals import (
    Interval,
    IntervalMethod,
    check_settings,
    interval_from_jackknife,
    interval_from_replicates,
)
from metrics.uncertainty.resampling import Counts, Groups, Needs, units
from metrics.uncertainty.set_difference import frechet_difference, inception_difference, kernel_difference
from metrics.uncertainty.significance import Difference, holm, paired_difference
from metrics.uncertainty.weighted import (
    Evaluate,
    ResampledFrechet,
    ResampledInception,
    ResampledKernel,
    defined_scores,
    paired_sets,
)
from metrics.validation import numbers, require_finite, require_samples

__all__ = [
    "Difference",
    "Interval",
    "bootstrap_frechet",
    "bootstrap_inception",
    "bootstrap_kernel",
    "bootstrap_mean",
    "bootstrap_set_statistic",
    "frechet_difference",
    "holm",
    "inception_difference",
    "kernel_difference",
    "paired_difference",
]


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
        values: finite, shape (n,): one score a sample.
        groups: None to draw samples; else (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        resamples: how many; 1,000 give ends within about 2 % of the interval's width.
        seed: decides the draws.
        level: nominal coverage.
        method: "percentile", "bca" or "centred", see `intervals.interval_from_replicates`, or "jackknife", see
            `intervals.interval_from_jackknife`.

    Raises:
        ValueError: another shape, no sample, a value that is not finite (names the first such sample), groups that do
            not fit, or settings that make no sense.
    """
    scores = numbers(values, "values")
    if scores.ndim != 1:
        raise ValueError(f"values: expected shape (n,), one score a sample, got {scores.shape}")
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

    The slow, general form; FAD, KAD and IS have fast ones below.

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
    """
    rows = np.arange(n)

    def scores(counts: Counts) -> NDArray[np.float64]:
        return np.array([statistic(np.repeat(rows, row)) for row in counts], dtype=np.float64)

    return _bootstrap(scores, n, Needs(rows=2), groups, resamples, seed, level, method)


def bootstrap_frechet(
    reference: ArrayLike,
    generated: ArrayLike,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
    method: IntervalMethod = "centred",
) -> Interval:
    """Return the interval of the Fréchet audio distance; its ends are at least 0.

    A resample draws the pairs of reference and generated row that belong to one sample.

    Args:
        reference: finite, shape (n, d), n >= 2: sample, dimension.
        generated: finite, shape (n, d), paired with `reference` by row.
        groups: as for `bootstrap_mean`.
        resamples: as for `bootstrap_mean`; 1,000 take some 20 s of CPU at n = 560, d = 2048. With many more samples
            than dimensions each costs as much as a score of the whole set.
        seed: as for `bootstrap_mean`.
        level: as for `bootstrap_mean`.
        method: as for `bootstrap_mean`. The interval is for the expected distance at this n. A resample has fewer
            different rows and so a larger bias. "centred" takes out its mean; what remains makes the interval too
            wide, in simulations (n < d) 1.1 to 2 times, by both clips of a pair 2.7 times. "jackknife" was right to
            1.3 times, 1.6 by both clips, and scores each unit once instead of each resample.

    Raises:
        ValueError: other shapes, fewer than two samples, a value that is not finite (names the first such sample),
            groups that do not fit, or settings that make no sense.
    """
    r, g = paired_sets(reference, generated)
    found = _bootstrap(ResampledFrechet(r, g), len(r), Needs(different=2), groups, resamples, seed, level, method)
    if found.low is None or found.high is None:
        return found
    return Interval(max(found.low, 0.0), max(found.high, 0.0), level, method)


def bootstrap_kernel(
    reference: ArrayLike,
    generated: ArrayLike,
    bandwidth: float | None = None,
    bandwidth_from: BandwidthSource = "generated",
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
    method: IntervalMethod = "centred",
) -> Interval:
    """Return the interval of the kernel audio distance, times 100.

    A resample draws the pairs of reference and generated row that belong to one sample. The bandwidth is that of the
    whole set in every resample: it says how distance is measured and is not part of what varies.

    Args:
        reference: finite, shape (n, d), n >= 2: sample, dimension.
        generated: finite, shape (n, d), paired with `reference` by row.
        bandwidth: as for `kernel_audio_distance`.
        bandwidth_from: as for `kernel_audio_distance`.
        groups: as for `bootstrap_mean`.
        resamples: as for `bootstrap_mean`.
        seed: as for `bootstrap_mean`.
        level: as for `bootstrap_mean`.
        method: as for `bootstrap_mean`.

    Raises:
        ValueError: other shapes, fewer than two samples, a value that is not finite (names the first such sample), a
            bad bandwidth, groups that do not fit, or settings that make no sense.
    """
    r, g = paired_sets(reference, generated)
    sigma = median_bandwidth(r, g, bandwidth_from) if bandwidth is None else bandwidth
    scorer = ResampledKernel(r, g, sigma)
    return _bootstrap(scorer, len(r), Needs(different=2), groups, resamples, seed, level, method)


def bootstrap_inception(
    logits: ArrayLike,
    splits: int = 10,
    shuffle_seed: int = 2020,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
    method: IntervalMethod = "centred",
) -> Interval:
    """Return the interval of the mean inception score.

    Args:
        logits: finite, shape (n, c): sample, class.
        splits: as for `inception_score`.
        shuffle_seed: `seed` of `inception_score`.
        groups: as for `bootstrap_mean`.
        resamples: as for `bootstrap_mean`.
        seed: as for `bootstrap_mean`.
        level: as for `bootstrap_mean`.
        method: as for `bootstrap_mean`.

    Raises:
        ValueError: another shape, a value that is not finite (names the first such sample), fewer samples than
            splits, groups that do not fit, settings that make no sense, or "jackknife".
    """
    if method == "jackknife":
        raise ValueError('method: "jackknife" needs a smooth score, and one row less reshuffles all; use "centred"')
    scorer = ResampledInception(logits, splits, shuffle_seed)
    return _bootstrap(scorer, scorer.samples, Needs(rows=splits), groups, resamples, seed, level, method)


def _bootstrap(
    evaluate: Evaluate,
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
    drawn = units(n, groups)
    reason = drawn.too_few(level)
    if reason is not None:
        return Interval(None, None, level, method, reason)
    estimate = float(evaluate(np.ones((1, n), dtype=np.int64))[0])

    def jackknife() -> NDArray[np.float64]:
        return np.concatenate([defined_scores(evaluate, batch, needs) for batch in drawn.leave_one_out()])

    if method == "jackknife":
        return interval_from_jackknife(estimate, jackknife(), level)
    replicates = evaluate(drawn.resamples(resamples, seed, needs))
    return interval_from_replicates(estimate, replicates, level, method, jackknife)
