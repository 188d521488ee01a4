"""Is the difference of two runs in a set-wise score, such as FAD, more than chance? The paired test.

A set has one score, so there are no differences of samples to test. But both runs were made for the same samples:
leaving out or redrawing the same ones on both sides shows how much the difference varies, and what both share, such
as the bias of FAD and hard scenes, cancels.
"""

from metrics.uncertainty.intervals import (
    Interval,
    check_settings,
    interval_from_jackknife,
    interval_from_replicates,
    jackknife_error,
    student_p_value,
)
from metrics.uncertainty.resampling import Groups, Needs, Resampled, Units, scores_of, units
from metrics.uncertainty.shortcuts import left_out, score_of_set
from metrics.uncertainty.significance import Difference, share_as_far
from metrics.uncertainty.stability import reversed_share

Runs = tuple[Resampled, Resampled]


def set_difference(
    first: Resampled,
    second: Resampled,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    seed: int,
    level: float = 0.95,
) -> Difference:
    """Return the score of the first run minus that of the second, with interval and two-sided p-value.

    Smooth scores are tested by the jackknife: the difference with one sample, or group, left out at a time, and
    Student's t, without a draw. The others are tested by the bootstrap, around the difference of the whole sets.

    Args:
        first: score of the first run's n samples, e.g. `metrics.fad.ResampledFrechet(reference, generated)`.
        second: the same score of the second run's, the same samples in the same order.
        groups: None; (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        resamples: how many; a smooth score needs none.
        seed: decides the draws.
        level: nominal coverage of the interval.

    Raises:
        ValueError: runs of different length or different scores, too few samples for the score, groups that do not
            fit, or settings that make no sense.

    Examples:
        The second run is further from the reference.

        >>> from metrics.fad import ResampledFrechet
        >>> import numpy as np
        >>> reference, noise = np.random.default_rng(0).normal(size=(2, 50, 4))
        >>> runs = reference + 0.1 * noise, reference + 0.3 * noise + 1.0
        >>> found = set_difference(*(ResampledFrechet(reference, run) for run in runs), seed=0)
        >>> found.value < 0, found.p_value < 0.05
        (True, True)
    """
    if type(first) is not type(second):
        raise ValueError(f"second: expected {type(first).__name__} as the first, got {type(second).__name__}")
    if first.samples != second.samples:
        raise ValueError(
            f"first and second: rows are paired, so expected as many, got {first.samples} and {second.samples}"
        )
    needs = Needs(max(first.needs.rows, second.needs.rows), max(first.needs.different, second.needs.different))
    drawn = units(first.samples, groups)

    if first.smooth:
        check_settings(resamples, level, "jackknife")
        return _by_jackknife((first, second), drawn, needs, level)
    check_settings(resamples, level, "centred")
    return _by_bootstrap((first, second), drawn, needs, resamples, seed, level)


def _by_jackknife(runs: Runs, drawn: Units, needs: Needs, level: float) -> Difference:
    value = _value(runs, drawn)
    reason = drawn.too_few(level)
    if reason is not None:
        return Difference(value, Interval(None, None, level, "jackknife", reason), None, "jackknife")
    without = left_out(runs[0], drawn, needs) - left_out(runs[1], drawn, needs)
    interval = interval_from_jackknife(value, without, level)
    if interval.ends is None:
        return Difference(value, interval, None, "jackknife")
    error, freedom = jackknife_error(without)
    p_value = student_p_value(value, error, freedom)
    reversals = p_value / 2.0 if value != 0.0 else None  # one of the two tails lies beyond zero
    return Difference(value, interval, p_value, "jackknife", error, reversals)


def _by_bootstrap(runs: Runs, drawn: Units, needs: Needs, resamples: int, seed: int, level: float) -> Difference:
    value = _value(runs, drawn)
    reason = drawn.too_few(level)
    if reason is not None:
        return Difference(value, Interval(None, None, level, "centred", reason), None, "bootstrap")
    counts = drawn.resamples(resamples, seed, needs)
    replicates = scores_of(runs[0], counts) - scores_of(runs[1], counts)
    interval = interval_from_replicates(value, replicates, level, "centred", lambda: replicates)
    around_zero = replicates - replicates.mean()
    if interval.ends is None:
        return Difference(value, interval, None, "bootstrap")
    return Difference(
        value, interval, share_as_far(around_zero, value), "bootstrap", float(replicates.std()),
        reversed_share(value, around_zero + value),
    )  # fmt: skip


def _value(runs: Runs, drawn: Units) -> float:
    """Difference of the whole sets."""
    return score_of_set(runs[0], drawn) - score_of_set(runs[1], drawn)
