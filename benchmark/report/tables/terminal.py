"""The table in a terminal: as much of it as the width allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from benchmark.report.results import collect
from benchmark.report.tables.cells import Cell, Line, Table
from benchmark.report.tables.marks import FEWER
from benchmark.report.tables.table import build_table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from benchmark.runs import RunDirectory

_STYLES = {0: "", 1: "bold", 2: "underline"}


def render_terminal(
    runs: Sequence[RunDirectory], *, intervals: bool = True, standard_errors: bool = False
) -> TerminalTable:
    """Return the table of these runs, to be printed with Rich.

    Raises:
        benchmark.report.results.MixedRuns: the runs cannot share a table.
    """
    return TerminalTable(build_table(collect(runs), intervals=intervals, standard_errors=standard_errors))


@dataclass(frozen=True)
class TerminalTable:
    """Draws a table, leaving out first the intervals and then the win rates where the terminal is too narrow."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Choose the widest form that fits."""
        unbounded = options.update(max_width=10_000)  # else the measure is cut at the width that is in question
        for form in _narrower(self.table):
            table, left_out = form
            grids = [_grid(table, place) for place in range(len(table.blocks))]
            widest = max((Measurement.get(console, unbounded, grid).maximum for grid in grids), default=0)
            if widest <= options.max_width:
                break
        notes = [*table.remarks, *([f"{left_out} left out here: the window is too narrow."] if left_out else [])]
        yield Group(*grids, Text(table.caption, style="dim"), *[Text(note, style="dim") for note in notes])


def _narrower(table: Table) -> list[tuple[Table, str]]:
    keep = [place for place, column in enumerate(table.columns) if column.foremost]
    blocks = tuple(
        replace(block, sections=tuple(
            replace(section, lines=tuple(
                replace(line, cells=tuple(line.cells[place] for place in keep)) for line in section.lines
            ))
            for section in block.sections
        ))
        for block in table.blocks
    )  # fmt: skip
    without = replace(table, intervals=False)
    headline = replace(without, columns=tuple(table.columns[place] for place in keep), blocks=blocks)
    if not table.intervals:
        return [(without, ""), (headline, "Win rates are")]
    beside = "Standard errors" if table.standard_errors else "Intervals"
    return [(table, ""), (without, f"{beside} are"), (headline, f"{beside} and win rates are")]


def _grid(table: Table, place: int) -> Grid:
    block = table.blocks[place]
    title = Text(block.title, style="italic")
    grid = Grid(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column(table.heading, no_wrap=True)
    for column in table.columns:
        grid.add_column(column.heading, justify="right", no_wrap=True)
    grid.add_column("n/N", justify="right", no_wrap=True)
    for section in block.sections:
        if section.name != "models":
            grid.add_section()
            grid.add_row(Text(section.title, style="italic dim"))
        for line in section.lines:
            grid.add_row(*_texts(line, table))
    return grid


def _texts(line: Line, table: Table) -> list[Text]:
    cells = [_text(cell, table.beside(cell)) for cell in line.cells]
    return [Text(line.title + line.marks), *cells, Text(line.coverage)]


def _text(cell: Cell, beside: str) -> Text:
    text = Text(cell.text, style=_STYLES[cell.rank]) + Text(FEWER if cell.fewer else "")
    if beside:
        text += Text(f"\n{beside}", style="dim")
    return text
