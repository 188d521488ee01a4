"""The table in a terminal: as many of its numbers as the width allows, each of them whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from benchmark.report.results import collect
from benchmark.report.tables.cells import Block, Cell, Column, Line, Table
from benchmark.report.tables.marks import FEWER
from benchmark.report.tables.notes import NO_INTERVAL
from benchmark.report.tables.table import build_table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from benchmark.runs import RunDirectory

_STYLES = {0: "", 1: "bold", 2: "underline"}
_WIN, _BESIDE = "text_win_rate", "clap"  # selectivity is what the benchmark is about, so it stands among the first
_NARROWEST_NAME = 11  # characters: names of models are folded where numbers would go for them


def render_terminal(
    runs: Sequence[RunDirectory], *, intervals: bool = True, standard_errors: bool = False
) -> TerminalTable:
    """Return the table of these runs, to be printed with Rich.

    Raises:
        benchmark.report.results.MixedRuns: the runs cannot share a table.
    """
    results = collect(runs)
    compact, full = (
        build_table(results, breadth=breadth, intervals=intervals, standard_errors=standard_errors)
        for breadth in ("compact", "full")
    )
    return TerminalTable(compact, full)


@dataclass(frozen=True)
class TerminalTable:
    """Draws a table in the width that there is.

    All metrics before any interval, so that a wider window never shows fewer numbers: every metric with its interval
    where that fits, else every metric. Else the most important columns first and as many as fit; where not even one
    does, each row as a list. A line below says what is not shown, and where it is.

    Attributes:
        table: with the columns of the paper.
        full: with every metric; None: there is no more than in `table`.
        elsewhere: names files that hold every metric; "" where none was written.
    """

    table: Table
    full: Table | None = None
    elsewhere: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Choose the form that fits, and draw it."""
        unbounded = options.update(max_width=10_000)  # else a measure is cut at the width that is in question

        def fits(drawn: Iterable[RenderableType]) -> bool:
            widest = max((Measurement.get(console, unbounded, one).maximum for one in drawn), default=0)
            return widest <= options.max_width

        bodies, table = self._form(fits, options.max_width)
        hidden = self._has_intervals and not table.intervals
        said = [note for note in table.remarks if not (hidden and note.startswith(NO_INTERVAL))]
        notes = [*said, *self._not_shown(table, options.max_width)]
        yield Group(*bodies, Text(table.caption, style="dim"), *[Text(note, style="dim") for note in notes])

    def _form(self, fits: Callable[[Iterable[RenderableType]], bool], width: int) -> tuple[list[RenderableType], Table]:
        """Return what is drawn of each block, and the table as far as it is shown."""
        every = _arranged(self.full or self.table)
        names = [column.metric.name for column in every.columns]
        bare = replace(every, intervals=False)
        if self._has_intervals:
            for drawn in (_wide(every), _narrow(every, names)):
                if fits(drawn[0]):
                    return drawn
        if fits(_wide(bare)[0]):
            return _wide(bare)
        chosen: list[str] = []
        for name in _by_importance(bare):
            if fits(_narrow(bare, [*chosen, name])[0]):
                chosen.append(name)
        if chosen:  # names take what room the numbers leave
            name_width = next(w for w in range(width, _NARROWEST_NAME - 1, -1) if fits(_narrow(bare, chosen, w)[0]))
            return _narrow(bare, chosen, name_width)
        stacked = replace(_arranged(self.table), intervals=False)
        return [_stack(stacked, block) for block in stacked.blocks], stacked

    @property
    def _has_intervals(self) -> bool:
        """Whether there is any interval, or standard error, to show."""
        table = self.full or self.table
        return any(table.beside(cell) for block in table.blocks for line in block.lines for cell in line.cells)

    def _not_shown(self, shown: Table, width: int) -> Iterator[str]:
        """Say which metrics are not in sight, and where they are."""
        beside = "standard errors" if self.table.standard_errors else "intervals"
        there = {column.metric.name for column in shown.columns}
        missing = [beside] if self._has_intervals and not shown.intervals else []
        missing += [c.metric.label for c in (self.full or self.table).columns if c.metric.name not in there]
        if missing:
            where = f" See {self.elsewhere}." if self.elsewhere else ""
            yield f"Not shown in {width} columns: {', '.join(missing)}.{where}"


def _arranged(table: Table) -> Table:
    """Return the table with the text win rate beside CLAP."""
    names = [column.metric.name for column in table.columns]
    if _WIN in names and _BESIDE in names:
        names.remove(_WIN)
        names.insert(names.index(_BESIDE) + 1, _WIN)
    return _with_columns(table, names)


def _only(table: Table, names: Sequence[str]) -> Table:
    """Return the table with these columns alone, in its own order."""
    return _with_columns(table, [c.metric.name for c in table.columns if c.metric.name in names])


def _with_columns(table: Table, names: Sequence[str]) -> Table:
    """Return the table with these columns, in this order."""
    place_of = {column.metric.name: place for place, column in enumerate(table.columns)}
    places = [place_of[name] for name in names]
    blocks = tuple(
        replace(block, sections=tuple(
            replace(section, lines=tuple(
                replace(line, cells=tuple(line.cells[place] for place in places)) for line in section.lines
            ))
            for section in block.sections
        ))
        for block in table.blocks
    )  # fmt: skip
    return replace(table, columns=tuple(table.columns[place] for place in places), blocks=blocks)


def _by_importance(table: Table) -> list[str]:
    """Return the columns by name, that first which is to be seen first: columns without any value come last."""
    lines = [line for block in table.blocks for line in block.lines]

    def rank(place: int, column: Column) -> tuple[bool, int, int]:
        empty = all(line.cells[place].value is None for line in lines)
        metric = column.metric
        ranks = (column.named, metric.headline or metric.name == _WIN, metric.field == "win", True)
        return empty, ranks.index(True), place

    ranked = sorted((rank(place, column), column.metric.name) for place, column in enumerate(table.columns))
    return [name for _, name in ranked]


def _grid(table: Table, block: Block) -> Grid:
    grid = _headed(block)
    grid.add_column(table.heading, no_wrap=True)
    for column in table.columns:
        grid.add_column(column.heading, justify="right", no_wrap=True)
    grid.add_column("n/N", justify="right", no_wrap=True)
    return _filled(grid, table, block)


def _narrow_grid(table: Table, block: Block, name_width: int) -> Grid:
    """Draw numbers close together, heads of several words one below the other, and long names folded."""
    grid = _headed(block)
    grid.padding, grid.show_edge = (0, 1, 0, 0), False
    grid.add_column(table.heading, overflow="fold", max_width=name_width, vertical="bottom")
    for column in table.columns:
        label = column.metric.label.replace(" ", "\n")
        grid.add_column(f"{label} {column.metric.arrow}".rstrip(), justify="right", no_wrap=True, vertical="bottom")
    grid.add_column("n/N", justify="right", no_wrap=True, vertical="bottom")
    return _filled(grid, table, block)


def _wide(table: Table) -> tuple[list[RenderableType], Table]:
    return [_grid(table, block) for block in table.blocks], table


def _narrow(
    table: Table, columns: Sequence[str], name_width: int = _NARROWEST_NAME
) -> tuple[list[RenderableType], Table]:
    """Draw these columns close together; return that and the table of them alone."""
    only = _only(table, columns)
    return [part for block in only.blocks for part in (_narrow_grid(only, block, name_width), Text(""))], only


def _headed(block: Block) -> Grid:
    title = Text(block.title, style="italic")
    return Grid(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _filled(grid: Grid, table: Table, block: Block) -> Grid:
    for section in block.sections:
        if section.name != "models":
            grid.add_section()
            grid.add_row(Text(section.title, style="italic dim"))
        for line in section.lines:
            grid.add_row(*_texts(line, table))
    return grid


def _stack(table: Table, block: Block) -> Group:
    """Draw each row as a list of its numbers."""
    drawn: list[RenderableType] = [Text(block.title, style="italic")]
    for section in block.sections:
        for line in section.lines:
            name, *values, coverage = _texts(line, table)
            grid = Grid(box=None, show_header=False, pad_edge=False)
            grid.add_column(no_wrap=True)
            grid.add_column(justify="right", no_wrap=True)
            for column, value in zip(table.columns, values, strict=True):
                grid.add_row(column.heading, value)
            grid.add_row("n/N", coverage)
            drawn += [Text(""), Text(name.plain, style="bold", overflow="fold"), grid]
    return Group(*drawn, Text(""))


def _texts(line: Line, table: Table) -> list[Text]:
    cells = [_text(cell, table.beside(cell)) for cell in line.cells]
    return [Text(line.title + line.marks), *cells, Text(line.coverage)]


def _text(cell: Cell, beside: str) -> Text:
    text = Text(cell.text, style=_STYLES[cell.rank]) + Text(FEWER if cell.fewer else "")
    if beside:
        text += Text(f"\n{beside}", style="dim")
    return text
