"""The marks of rows and values, in every format, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.report.results import Row

DASH = "–"
PARTIAL, UNVERIFIED, UNTRAINED, FEWER = "†", "‡", "§", "*"
MARKS = {
    PARTIAL: "Not every sample of the subset was scored; values are over n of N samples and are not ranked.",
    UNVERIFIED: "A checkpoint's hash was not verified.",
    UNTRAINED: "Random weights: for timing only; not ranked.",
}


def marks_of(row: Row) -> str:
    """Return the marks that follow a row's name wherever it appears; `MARKS` explains them."""
    held = {PARTIAL: row.partial, UNVERIFIED: row.unverified, UNTRAINED: row.untrained}
    return "".join(mark for mark, holds in held.items() if holds)


def marks_explained(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the marks of these rows, each with its meaning."""
    carried = "".join(marks_of(row) for row in rows)
    return tuple(f"{mark} {meaning}" for mark, meaning in MARKS.items() if mark in carried)
