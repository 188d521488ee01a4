"""A table of scores as a figure: a panel per metric, a row per model, best and second marked as in the table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmark.report.figures.drawing import COLOURS, INK, PAGE_INCHES, SOFT, figure_title, new_figure
from benchmark.report.figures.rows import point_of
from benchmark.report.tables.marks import marks_explained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

    from benchmark.report.tables.cells import Block, Cell, Column, Line, Table

ACROSS = 4  # panels side by side
ROW_INCHES, HEAD_INCHES = 0.17, 0.42


def score_figure(table: Table, block: Block) -> Figure:
    """Return the scores of one subset as dots with intervals, each with its number as the table writes it.

    Args:
        table: its columns, and the notes on its marks.
        block: the subset, with at least one value.
    """
    shown = [at for at, _ in enumerate(table.columns) if any(line.cells[at].value is not None for line in block.lines)]
    down = -(-len(shown) // ACROSS)
    across = -(-len(shown) // down)
    figure = new_figure(PAGE_INCHES, 0.55 + down * (HEAD_INCHES + ROW_INCHES * len(block.lines)))
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes, at in zip(grid.flat, shown, strict=False):
        _panel(axes, table.columns[at], [(line, line.cells[at]) for line in block.lines])
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    grid[0, 0].set_ylim(len(block.lines) - 0.4, -0.6)  # the first on top
    figure_title(figure, block.title)
    figure.supxlabel("\n".join(_notes(block)), fontsize=6, color=SOFT, x=0.01, ha="left")
    return figure


def _panel(axes: Axes, column: Column, cells: Sequence[tuple[Line, Cell]]) -> None:
    for place, (line, cell) in enumerate(cells):
        kind, point = line.row.kind, point_of(line.row, column.metric.name)
        if point is not None and cell.value is not None:
            colour = SOFT if kind == "control" else COLOURS[1]
            axes.errorbar(
                point.value, place, xerr=point.arms, fmt="o", markersize=4.2, color=colour, ecolor=colour,
                elinewidth=0.9, markerfacecolor="white" if kind == "control" else colour, markerfacecoloralt="white",
                fillstyle="left" if kind == "published" else "full",
            )  # fmt: skip
        axes.text(
            1.03, place, cell.text, transform=axes.get_yaxis_transform(), va="center", fontsize=6.5,
            color=SOFT if kind == "control" else INK, fontweight="bold" if cell.rank == 1 else "normal",
            bbox={"boxstyle": _line_below, "edgecolor": INK, "linewidth": 0.6} if cell.rank == 2 else None,
        )  # fmt: skip
    for place, ((line, _), (after, _)) in enumerate(pairwise(cells)):
        if line.row.kind != after.row.kind:
            axes.axhline(place + 0.5, color=SOFT, linewidth=0.5)
    axes.set_title(column.heading)
    axes.grid(visible=True, axis="x")
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=3)
    axes.set_yticks(range(len(cells)), [line.title + line.marks for line, _ in cells])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _line_below(left: float, bottom: float, width: float, _height: float, _size: float) -> Path:
    """Return the box of an underlined text: its lower side alone, for matplotlib has no underlined letters."""
    from matplotlib.path import Path

    return Path([(left, bottom - 1), (left + width, bottom - 1)])


def _notes(block: Block) -> list[str]:
    rows = [line.row for line in block.lines]
    kinds = {row.kind for row in rows}
    looks = [("control", "hollow: controls"), ("published", "half filled: printed, ranked among themselves")]
    ranks = {cell.rank for line in block.lines for cell in line.cells}
    told = [text for rank, text in ((1, "bold: best"), (2, "underlined: second")) if rank in ranks]
    told += [text for kind, text in looks if kind in kinds]
    sources = dict.fromkeys(row.source for row in rows if row.source)
    return [
        *(["; ".join(told)] if told else []),
        *marks_explained(rows),
        *[f"Printed: {source}." for source in sources],
    ]
