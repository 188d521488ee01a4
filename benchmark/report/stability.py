"""How stable the order of a table's rows is in each metric, and the smallest difference that it can tell from none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, isfinite
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.report.results import Results, Row
from benchmark.report.samples import Samples, clips_of
from benchmark.report.tables.cells import Column, reach_in_standard_errors
from benchmark.report.tables.marks import DASH
from benchmark.runs import ScoringRecord
from metrics.uncertainty.resampling import units
from metrics.uncertainty.stability import (
    POWER,
    mean_replicates,
    reversed_share,
    reversed_share_of,
    smallest_detectable,
)

Basis = Literal["paired", "apart", "single"]
BASES: Mapping[Basis, str] = {
    "paired": "pairs of rows, on the same resamples",
    "apart": "the rows' own intervals, as if they were independent: rather too large",
    "single": "the row's own interval, against a fixed number",
}
STABILITY_NOTE = (
    "Changes places: share of the resamples in which the other one is ahead. Smallest detectable: the true difference "
    f"that a two-sided test at the level of the intervals finds with a power of {POWER:.0%}, from the standard error "
    "of the difference."
)


@dataclass(frozen=True)
class Neighbours:
    """Two rows that follow one another in the order of a metric.

    Attributes:
        reversals: share of the resamples in which the second is ahead; None where that is not known.
        error: standard error of their difference.
        basis: what both are from.
    """

    first: Row
    second: Row
    reversals: float | None
    error: float | None
    basis: Basis

    @property
    def share(self) -> str:
        """The reversals as text."""
        return share_text(self.reversals)


@dataclass(frozen=True)
class Stability:
    """A metric on one subset.

    Attributes:
        column: the metric, as the table shows it.
        rows: those that have a value, the best first.
        neighbours: each row with the next.
        detectable: smallest detectable difference, the median over neighbours; of one row alone from its own interval.
        basis: what it is from; None where there is none.
        samples: the fewest that entered the value of a row.
    """

    column: Column
    rows: tuple[Row, ...]
    neighbours: tuple[Neighbours, ...]
    detectable: float | None
    basis: Basis | None
    samples: int

    @property
    def detectable_text(self) -> str:
        """The smallest detectable difference as text, one place more than the table's."""
        column = Column(self.column.metric, self.column.decimals + 1)
        return DASH if self.detectable is None else column.text(self.detectable)

    @property
    def basis_text(self) -> str:
        """What the smallest detectable difference is from."""
        return BASES[self.basis] if self.basis else "no row has an interval"


def share_text(share: float | None) -> str:
    """Return a share as a percentage; few resamples are no proof of none."""
    if share is None:
        return DASH
    return "<0.1%" if share < 0.001 else f"{share:.1%}"


def stability_of(results: Results, samples: Sequence[Samples], columns: Sequence[Column]) -> dict[str, list[Stability]]:
    """Return how stable the order of the runs is, by subset, a metric each.

    Per-sample metrics are resampled once for all metrics and rows of a subset, so neighbours meet on the same draws.
    Set-wise scores, and means over several seeds, are taken from the intervals on record: nothing is scored again.

    Args:
        results: the rows; published ones have no place in an order of runs.
        samples: of the runs.
        columns: the metrics; what people judged is passed over, and what only describes a sound.
    """
    by_subset = {part.subset: part for part in samples}
    found = {}
    for subset in results.subsets:
        rows = [row for row in results.of(subset) if row.run is not None]
        if subset in by_subset and rows:
            found[subset] = _of_subset(rows, by_subset[subset], columns)
    return {subset: stable for subset, stable in found.items() if stable}


def _of_subset(rows: Sequence[Row], part: Samples, columns: Sequence[Column]) -> list[Stability]:
    orders = {
        column: order
        for column in columns
        if column.metric.group != "Human Study" and column.metric.sign and (order := _ordered(rows, column))
    }
    pairs = [(column, *pair) for column, order in orders.items() for pair in pairwise(order)]
    met = _paired(pairs, part)
    stable = []
    for column, order in orders.items():
        neighbours = [met.get((column.metric.name, a.key, b.key)) or _apart(column, a, b) for a, b in pairwise(order)]
        stable.append(_stability(column, order, neighbours))
    return stable


def _ordered(rows: Sequence[Row], column: Column) -> list[Row]:
    """Return the rows that have a value, the best first."""
    name = column.metric.name
    there = [row for row in rows if _value(row, name) is not None]
    return sorted(there, key=lambda row: _value(row, name) or 0.0, reverse=column.metric.better == "higher")


def _stability(column: Column, order: Sequence[Row], neighbours: Sequence[Neighbours]) -> Stability:
    name, level = column.metric.name, _scoring(order[0]).confidence
    count = min(row.values[name].n for row in order)
    known = [one for one in neighbours if one.error is not None]
    basis: Basis | None = known[0].basis if known else None
    errors = [one.error for one in known if one.error is not None and one.basis == basis]
    if not neighbours and (error := _own_error(order[0], name)) is not None:
        basis, errors = "single", [error]
    detectable = smallest_detectable(median(errors), level=level) if errors else None
    return Stability(column, tuple(order), tuple(neighbours), detectable, basis, count)


def _paired(pairs: Sequence[tuple[Column, Row, Row]], part: Samples) -> dict[tuple[str, str, str], Neighbours]:
    """Return the neighbours in per-sample metrics, from the samples that both scored, all on the same resamples."""
    columns: dict[tuple[str, str, str], NDArray[np.float64]] = {}
    by_key: dict[tuple[str, str, str], tuple[Row, Row]] = {}
    for column, first, second in pairs:
        name = column.metric.name
        tables = [part.scored[row.key] for row in (first, second) if not row.of_seeds and row.key in part.scored]
        if column.metric.per == "sample" and len(tables) == 2 and all(name in table for table in tables):
            key = name, first.key, second.key
            ahead = 1.0 if column.metric.better == "higher" else -1.0
            columns[key] = ahead * (tables[0][name].to_numpy(np.float64) - tables[1][name].to_numpy(np.float64))
            by_key[key] = first, second
    if not columns:
        return {}
    scoring = _scoring(pairs[0][1])
    groups = clips_of(part.listing) if scoring.resample_by == "source" else None
    if units(len(part.listing), groups).too_few(scoring.confidence) is not None:
        return {key: Neighbours(*both, None, None, "paired") for key, both in by_key.items()}
    replicates = mean_replicates(
        np.stack(list(columns.values()), axis=1),
        groups=groups,
        resamples=scoring.resamples,
        seed=scoring.bootstrap_seed,
    )
    return {key: _met(*by_key[key], columns[key], drawn) for (key, drawn) in zip(columns, replicates.T, strict=True)}


def _met(first: Row, second: Row, difference: NDArray[np.float64], replicates: NDArray[np.float64]) -> Neighbours:
    drawn = replicates[np.isfinite(replicates)]
    if not drawn.size:
        return Neighbours(first, second, None, None, "paired")
    tied = float(np.nansum(difference)) == 0.0
    reversals = None if tied else reversed_share(1.0, drawn)  # 1: the first is ahead in the order of the table
    return Neighbours(first, second, reversals, float(drawn.std()), "paired")


def _apart(column: Column, first: Row, second: Row) -> Neighbours:
    """Return neighbours by the interval of each: the error of the difference as if they were independent."""
    name = column.metric.name
    errors = [_own_error(row, name) for row in (first, second)]
    values = [_value(row, name) or 0.0 for row in (first, second)]
    if errors[0] is None or errors[1] is None:
        return Neighbours(first, second, None, None, "apart")
    error = hypot(errors[0], errors[1])
    return Neighbours(first, second, reversed_share_of(values[0] - values[1], error), error, "apart")


def _own_error(row: Row, name: str) -> float | None:
    """Return the standard error of a value, from its interval."""
    ends = row.values[name].ci95
    return None if ends is None else (ends[1] - ends[0]) / 2 / reach_in_standard_errors(_scoring(row).confidence)


def _value(row: Row, name: str) -> float | None:
    found = row.values.get(name)
    return None if found is None or found.value is None or not isfinite(found.value) else found.value


def _scoring(row: Row) -> ScoringRecord:
    if row.record is None:
        raise ValueError(f"{row.key}: expected the row of a run, got one without a record")
    return row.record.scoring
