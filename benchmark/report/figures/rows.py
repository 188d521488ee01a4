"""Rows as figures draw them: those of a table, in its order, by the titles of their models, with printed digits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmark.report.display_names import display_name
from benchmark.report.results import Results, Row
from benchmark.report.tables.cells import Table
from benchmark.report.tables.presets import PRESETS, PresetName, preset_label, preset_rows
from benchmark.report.tables.table import build_table


@dataclass(frozen=True)
class Point:
    """One score of a row.

    Attributes:
        value: the score, or what was printed.
        ends: of its interval; None where there is none.
    """

    value: float
    ends: tuple[float, float] | None = None

    @property
    def arms(self) -> list[list[float]] | None:
        """Lengths of its error bar, for matplotlib; a bootstrap interval may exclude the score itself."""
        if self.ends is None:
            return None
        return [[max(0.0, self.value - self.ends[0])], [max(0.0, self.ends[1] - self.value)]]


def point_of(row: Row, metric: str) -> Point | None:
    """Return a row's score with its interval, or the number that was printed; None where there is neither."""
    if metric in row.texts:
        return Point(float(row.texts[metric]))
    found = row.values.get(metric)
    return None if found is None or found.value is None else Point(found.value, found.ci95)


def as_drawn(results: Results, table: PresetName) -> Results:
    """Return the rows that belong in a table of the paper, in its order, called as figures call them.

    Raises:
        ValueError: none of the rows belongs in that table.
    """
    rows = [replace(row, model=_called(row, table)) for row in preset_rows(results, table)]
    return replace(results, rows=tuple(rows))


def _called(row: Row, table: PresetName) -> str:
    label, counted = preset_label(row, table), PRESETS[table].counted
    return f"{label} {counted}" if counted and label.isdigit() else display_name(label)


def drawn_table(results: Results, table: PresetName) -> Table:
    """Return a table of the paper of rows that `as_drawn` returned."""
    preset = PRESETS[table]
    return build_table(results, heading=preset.heading, decimals=preset.decimals)
