"""The verdict on one number: whether the printed value is what was measured, as far as this many samples can tell."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.reproducing.records import CellRecord
from benchmark.runs import MetricValue
from metrics.registry import Metric


def half_width(printed: str) -> float:
    """Return how far a printed number may be from the one that was rounded: half of its last place.

    Raises:
        ValueError: it is no number.

    Examples:
        >>> half_width("51.7"), half_width("0.2927"), half_width("12")
        (0.05, 5e-05, 0.5)
    """
    try:
        float(printed)
    except ValueError as error:
        raise ValueError(f"printed: expected a number in digits, got {printed!r}") from error
    mantissa, _, exponent = printed.strip().lower().partition("e")
    places = len(mantissa.partition(".")[2])
    return float(f"0.5e{int(exponent or 0) - places}")


def verdict(
    metric: Metric,
    printed: str,
    measured: MetricValue | None,
    *,
    column: Sequence[str] = (),
    published_n: int | None = None,
    untrained: bool = False,
) -> CellRecord:
    """Return a measured value beside the printed one.

    - *inside*: the measured interval reaches into what the printed number may have been before it was rounded.
    - *outside*: it does not.
    - *cannot be told*: no value or no interval; random weights; a score of a whole set at another n, or at one that
      is not in print, on which it depends (FAD is biased upward by small sets); or an interval that holds every number
      printed in the column, so that it would agree with any row.

    Args:
        metric: the column.
        printed: the digits as printed.
        measured: the value; None where it was not measured.
        column: every number printed for this metric on the same subset, this one among them.
        published_n: samples that the printed number is over; None where that is not known.
        untrained: whether the model has random weights.

    Raises:
        ValueError: a printed text that is no number.
    """
    half = half_width(printed)
    value = measured.value if measured else None
    ends = measured.ci95 if measured else None
    reason = _reason(metric, measured, column, published_n, untrained)
    inside = ends is not None and _reaches(ends, printed)
    return CellRecord(
        metric=metric.name, printed=printed, half_width=half, value=value, ci95=ends,
        n=measured.n if measured else None, published_n=published_n,
        verdict="cannot be told" if reason else "inside" if inside else "outside", reason=reason,
    )  # fmt: skip


def _reason(
    metric: Metric, measured: MetricValue | None, column: Sequence[str], published_n: int | None, untrained: bool
) -> str:
    """Return why it cannot be told; "" where it can."""
    if measured is None:
        return "not measured"
    if measured.value is None:
        return f"no value: {measured.reason or 'not scored'}"
    if untrained:
        return "random weights: its numbers are for timing only"
    if measured.ci95 is None:
        return measured.reason or "no interval"
    if metric.per == "set" and published_n is None:
        return f"a score of a whole set depends on n: {measured.n} here, not stated in print"
    if metric.per == "set" and published_n != measured.n:
        return f"a score of a whole set depends on n: {measured.n} here, {published_n} published"
    numbers = {float(text) for text in column}
    if len(numbers) > 1 and all(_reaches(measured.ci95, text) for text in column):
        return f"at n = {measured.n} the interval holds every number of the column"
    return ""


def _reaches(ends: tuple[float, float], printed: str) -> bool:
    """Tell whether an interval reaches a printed number, give or take its rounding."""
    low, high = ends
    number, half = float(printed), half_width(printed)
    slack = 1e-9 * max(1.0, abs(number))  # 51.75 is not exactly 51.7 + 0.05 in binary
    return low <= number + half + slack and high >= number - half - slack
