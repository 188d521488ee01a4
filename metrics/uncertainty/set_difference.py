"""Is the difference of two runs in FAD, KAD or inception score more than chance? The set-wise paired tests.

A set has one score, so there are no differences of samples to test. But both runs were made for the same samples:
leaving out or redrawing the same ones on both sides shows how much the difference varies, and what both share, such
as the bias of FAD and hard scenes, cancels.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.kad import BandwidthSource, median_bandwidth
from metrics.uncertainty.intervals import (
    Interval,
    check_settings,
    interval_from_jackknife,
    interval_from_replicates,
    jackknife_error,
    student_p_value,
)
from metrics.uncertainty.resampling import Counts, Groups, Needs, Units, units
from metrics.uncertainty.significance import Difference, share_as_far
from metrics.uncertainty.weighted import (
    Evaluate,
    ResampledFrechet,
    ResampledInception,
    ResampledKernel,
    defined_scores,
    paired_sets,
)
from metrics.validation import same_length


def frechet_difference(
    reference: ArrayLike, a: ArrayLike, b: ArrayLike, *, groups: Groups = None, level: float = 0.95
) -> Difference:
    """Return FAD of run a minus FAD of run b, with interval and two-sided p-value; negative: a is better.

    By the jackknife: the difference with one sample, or group, left out at a time, and Student's t. No draw.

    Args:
        reference: finite, shape (n, d), n >= 2: sample, dimension; embeddings of the reference audio.
        a: finite, shape (n, d); embeddings of the first run, paired with `reference` by row.
        b: finite, shape (n, d); those of the second run.
        groups: None; (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        level: nominal coverage of the interval.

    Raises:
        ValueError: other shapes, fewer than two samples, a value that is not finite (names the first such sample),
            groups that do not fit, or a level outside (0, 1).
    """
    scores = [ResampledFrechet(*paired_sets(reference, run)) for run in (a, b)]
    return _by_jackknife(_minus(*scores), units(len(np.asarray(reference)), groups), Needs(different=2), level)


def kernel_difference(
    reference: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    bandwidth: float | None = None,
    bandwidth_from: BandwidthSource = "generated",
    *,
    groups: Groups = None,
    level: float = 0.95,
) -> Difference:
    """Return KAD of run a minus KAD of run b, with interval and two-sided p-value; negative: a is better.

    By the jackknife, as `frechet_difference`. Each run is measured at its own bandwidth, as its KAD is, unless the
    bandwidth is given or comes from the reference.

    Args:
        reference: finite, shape (n, d), n >= 2: sample, dimension; embeddings of the reference audio.
        a: finite, shape (n, d); embeddings of the first run, paired with `reference` by row.
        b: finite, shape (n, d); those of the second run.
        bandwidth: as for `kernel_audio_distance`.
        bandwidth_from: as for `kernel_audio_distance`.
        groups: None; (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        level: nominal coverage of the interval.

    Raises:
        ValueError: other shapes, fewer than two samples, a value that is not finite (names the first such sample),
            a bad bandwidth, groups that do not fit, or a level outside (0, 1).
    """
    scores = []
    for run in (a, b):
        r, g = paired_sets(reference, run)
        scores.append(ResampledKernel(r, g, median_bandwidth(r, g, bandwidth_from) if bandwidth is None else bandwidth))
    return _by_jackknife(_minus(*scores), units(len(np.asarray(reference)), groups), Needs(different=2), level)


def inception_difference(
    a: ArrayLike,
    b: ArrayLike,
    splits: int = 10,
    shuffle_seed: int = 2020,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
) -> Difference:
    """Return the inception score of run a minus that of run b, with interval and p-value; positive: a is better.

    By the bootstrap, around the difference of the whole sets: the score is not smooth enough for the jackknife.

    Args:
        a: finite, shape (n, c): sample, class; logits of the first run.
        b: finite, shape (n, c); those of the second run, the same samples in the same order.
        splits: as for `inception_score`.
        shuffle_seed: `seed` of `inception_score`.
        groups: None; (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        resamples: how many.
        seed: decides the draws.
        level: nominal coverage of the interval.

    Raises:
        ValueError: other shapes, a value that is not finite (names the first such sample), fewer samples than splits,
            groups that do not fit, or settings that make no sense.
    """
    check_settings(resamples, level, "centred")
    first, second = ResampledInception(a, splits, shuffle_seed), ResampledInception(b, splits, shuffle_seed)
    same_length(first.row_sums, "a", second.row_sums, "b")
    drawn, evaluate = units(first.samples, groups), _minus(first, second)
    value = _whole(evaluate, drawn)
    reason = drawn.too_few(level)
    if reason is not None:
        return Difference(value, Interval(None, None, level, "centred", reason), None, "bootstrap")
    replicates = evaluate(drawn.resamples(resamples, seed, Needs(rows=splits)))
    interval = interval_from_replicates(value, replicates, level, "centred", lambda: replicates)
    return Difference(value, interval, share_as_far(replicates - replicates.mean(), value), "bootstrap")


def _minus(first: Evaluate, second: Evaluate) -> Evaluate:
    def difference(counts: Counts) -> NDArray[np.float64]:
        return first(counts) - second(counts)

    return difference


def _whole(evaluate: Evaluate, drawn: Units) -> float:
    return float(evaluate(np.ones((1, len(drawn.codes)), dtype=np.int64))[0])


def _by_jackknife(
    evaluate: Callable[[Counts], NDArray[np.float64]], drawn: Units, needs: Needs, level: float
) -> Difference:
    check_settings(10**9, level, "jackknife")
    value = _whole(evaluate, drawn)
    reason = drawn.too_few(level)
    if reason is not None:
        return Difference(value, Interval(None, None, level, "jackknife", reason), None, "jackknife")
    left_out = np.concatenate([defined_scores(evaluate, batch, needs) for batch in drawn.leave_one_out()])
    interval = interval_from_jackknife(value, left_out, level)
    if interval.ends is None:
        return Difference(value, interval, None, "jackknife")
    return Difference(value, interval, student_p_value(value, *jackknife_error(left_out)), "jackknife")
