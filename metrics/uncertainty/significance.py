"""Is the difference between two runs more than chance? Paired tests, and Holm's correction for many of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.uncertainty.intervals import Interval, check_settings, interval_from_replicates
from metrics.uncertainty.resampling import Groups, Units, scores_of, units
from metrics.uncertainty.stability import reversed_share
from metrics.validation import numbers, require_finite, require_samples, same_length

EXACT_UNITS = 13  # 2^13 = 8192 ways to flip the signs: all of them are tried


@dataclass(frozen=True, slots=True)
class Difference:
    """How two runs differ on the samples that both scored.

    Attributes:
        value: mean of a minus mean of b, in the unit of the score.
        interval: its bootstrap interval.
        p_value: two-sided, in (0, 1]; None where it cannot be estimated, `interval.reason` says why.
        test: "sign-flip" (exact for so few units that all flips are tried), "bootstrap" or "jackknife".
        error: standard error of `value`; None where it cannot be estimated.
        reversals: how often the runs would change places under resampling, see `stability.reversed_share`; None where
            that cannot be estimated, or no run is ahead.
    """

    value: float
    interval: Interval
    p_value: float | None
    test: Literal["sign-flip", "bootstrap", "jackknife"]
    error: float | None = None
    reversals: float | None = None


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    groups: Groups = None,
    resamples: int = 1000,
    flips: int = 9999,
    seed: int,
    level: float = 0.95,
) -> Difference:
    """Return the mean difference of two runs on the same samples, with interval and two-sided p-value.

    Without groups, or with one group per sample, the test flips signs: if the runs were equal, a sample's (a group's)
    difference could as well have had the other sign. All flips are tried for up to 13 units, else `flips` random
    ones; the observed one counts among them, so p is never 0. With several groups per sample (target and paired clip)
    differences of samples that share a clip cannot be flipped one by one; then p is the share of the resampled mean
    differences, moved to mean zero, that are as far from zero as the observed one.

    Args:
        a: finite, shape (n,): scores of the first run, one per sample.
        b: finite, shape (n,): scores of the second run, the same samples in the same order.
        groups: None; (n,) or (n, k) names, see `metrics.uncertainty.resampling.units`.
        resamples: for the interval.
        flips: random sign flips for the p-value.
        seed: decides all draws.
        level: nominal coverage of the interval (percentile method).

    Raises:
        ValueError: shapes that differ or are not (n,), no sample, a value that is not finite (names the first such
            sample), groups that do not fit, or settings that make no sense.

    Examples:
        The first run is better on every one of ten samples; two of the 1,024 sign flips are as extreme.

        >>> a, b = np.linspace(0.5, 0.9, 10), np.linspace(0.1, 0.6, 10)
        >>> found = paired_difference(a, b, seed=0)
        >>> round(found.value, 3), found.p_value
        (0.35, 0.001953125)
    """
    check_settings(resamples, level, "percentile")
    if flips < 99:
        raise ValueError(f"flips: expected at least 99, got {flips}")
    first, second = _scores(a, "a"), _scores(b, "b")
    same_length(first, "a", second, "b")
    difference = first - second
    drawn = units(len(difference), groups)
    value = float(difference.mean())
    one_unit = drawn.codes.shape[1] == 1
    test: Literal["sign-flip", "bootstrap"] = "sign-flip" if one_unit else "bootstrap"
    reason = drawn.too_few(level)
    if reason is not None:
        return Difference(value, Interval(None, None, level, "percentile", reason), None, test)
    replicates = scores_of(lambda counts: counts @ difference / counts.sum(axis=1), drawn.resamples(resamples, seed))
    interval = interval_from_replicates(value, replicates, level, "percentile", lambda: replicates)
    p_value = _flip_test(difference, drawn, flips, seed) if one_unit else share_as_far(replicates - value, value)
    return Difference(value, interval, p_value, test, float(replicates.std()), reversed_share(value, replicates))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for having been tested together, by Holm's step-down rule, in the order given.

    Rejecting where the adjusted value is at most 0.05 keeps the chance of any false rejection at 5 %, whatever the
    dependence between the tests.

    Args:
        p_values: shape (k,), each in [0, 1]; k may be 0.

    Raises:
        ValueError: another shape, or a value that is not a probability; names the first.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])
    """
    p = numbers(p_values, "p_values")
    if p.ndim != 1:
        raise ValueError(f"p_values: expected shape (k,), got {p.shape}")
    bad = ~((p >= 0.0) & (p <= 1.0))
    if bad.any():
        raise ValueError(f"p_values: value {int(bad.argmax())} of {len(p)} is not a probability: {p[bad.argmax()]}")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def holm_of_known(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted by `holm` over those that there are; None, where there was no test, stays None.

    Raises:
        ValueError: a value that is not a probability.
    """
    known = iter(holm([value for value in p_values if value is not None]))
    return [None if value is None else float(next(known)) for value in p_values]


def _scores(values: ArrayLike, name: str) -> NDArray[np.float64]:
    scores = numbers(values, name)
    if scores.ndim != 1:
        raise ValueError(f"{name}: expected shape (n,), one score per sample, got {scores.shape}")
    require_samples(len(scores), name, 1)
    require_finite(scores, name)
    return scores


def _flip_test(difference: NDArray[np.float64], drawn: Units, flips: int, seed: int) -> float:
    """Share of the sign flips of whole units whose mean difference is as far from zero as the observed one."""
    sums = np.asarray(np.bincount(drawn.codes[:, 0], weights=difference, minlength=drawn.size), dtype=np.float64)
    observed = float(sums.sum())
    if drawn.size <= EXACT_UNITS:
        patterns = np.arange(2**drawn.size)[:, np.newaxis] >> np.arange(drawn.size) & 1
        flipped = (1.0 - 2.0 * patterns) @ sums
        return float(np.mean(_as_far(flipped, observed, sums)))
    rng = np.random.default_rng([seed, 1])  # not the stream that the interval draws from
    hits = 0
    for start in range(0, flips, 1000):  # a batch at a time: 15,000 samples times all flips would fill the memory
        signs = 1.0 - 2.0 * rng.integers(2, size=(min(1000, flips - start), drawn.size))
        hits += int(_as_far(signs @ sums, observed, sums).sum())
    return (hits + 1) / (flips + 1)


def _as_far(flipped: NDArray[np.float64], observed: float, sums: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which sums are as far from zero as the observed one; sums that differ only by rounding count as equal."""
    rounding = 8 * np.finfo(np.float64).eps * float(np.abs(sums).sum())
    as_far: NDArray[np.bool_] = np.abs(flipped) >= abs(observed) - rounding
    return as_far


def share_as_far(centred: NDArray[np.float64], value: float) -> float:
    """Return the two-sided p-value of `value` among replicates around zero, shape (b,), itself one of them."""
    return float((np.abs(centred) >= abs(value)).sum() + 1) / (len(centred) + 1)
