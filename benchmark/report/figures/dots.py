"""Values with their intervals as dots and lines: a row per model, a panel per criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.ratings.criteria import criterion_title
from benchmark.report.display_names import display_name
from benchmark.report.figures.drawing import COLOURS, INK, PAGE_INCHES, SOFT, figure_title, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from metrics.uncertainty.intervals import Interval

ACROSS = 3  # panels side by side


@dataclass(frozen=True)
class Dot:
    """One value of a figure.

    Attributes:
        value: None for an empty row.
        interval: its line; its `reason` says why there is none, or no value.
    """

    value: float | None
    interval: Interval


def dot_figure(
    panels: Mapping[str, Mapping[str, Dot]],
    names: Sequence[str],
    *,
    title: str,
    label: str,
    limits: tuple[float, float] | None = None,
    middle: float | None = None,
) -> Figure:
    """Return a panel per criterion with a dot per name; hollow dots have no interval, and the reason is below.

    Dots do not say how far a value is from the lower end of its scale, as bars would: a scale of points begins at 1.

    Args:
        panels: criterion to name to dot; a name may be missing.
        names: of the rows, from top to bottom.
        title: of the figure.
        label: of the horizontal axes.
        limits: ends of the axes; None: as wide as the values.
        middle: where a line marks what is neither good nor bad; None: nowhere.
    """
    across = min(len(panels), ACROSS)
    down = -(-len(panels) // across)
    figure = new_figure(PAGE_INCHES, 0.75 + down * (0.45 + 0.19 * len(names)))
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes, (criterion, dots) in zip(grid.flat, panels.items(), strict=False):
        _panel(axes, dots, names, middle)
        axes.set_title(criterion_title(criterion))
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid.flat[max(0, len(panels) - across) : len(panels)]:
        axes.tick_params(axis="x", labelbottom=True)
        axes.set_xlabel(label)
    if limits is not None:
        margin = 0.03 * (limits[1] - limits[0])  # for a dot at the very end
        grid[0, 0].set_xlim(limits[0] - margin, limits[1] + margin)
    grid[0, 0].set_ylim(len(names) - 0.4, -0.6)  # the first on top
    figure_title(figure, title)
    bare = [dot for dots in panels.values() for dot in dots.values() if dot.interval.reason]
    reasons = dict.fromkeys(f"{'hollow' if dot.value is not None else 'no dot'}: {dot.interval.reason}" for dot in bare)
    if reasons:
        figure.supxlabel("\n".join(reasons), fontsize=6, color=SOFT, x=0.01, ha="left")
    return figure


def _panel(axes: Axes, dots: Mapping[str, Dot], names: Sequence[str], middle: float | None) -> None:
    axes.grid(visible=True, axis="both")
    if middle is not None:
        axes.axvline(middle, color=SOFT, linewidth=0.8, linestyle=(0, (3, 2)))
    for place, name in enumerate(names):
        dot = dots.get(name)
        if dot is None or dot.value is None:
            continue
        ends = dot.interval.ends
        if ends is not None:
            axes.plot(ends, (place, place), color=INK, linewidth=1.1, solid_capstyle="butt")
        filled = "white" if ends is None else COLOURS[1]
        axes.plot(dot.value, place, "o", markersize=4.5, color=COLOURS[1], markerfacecolor=filled, clip_on=False)
    axes.set_yticks(range(len(names)), [display_name(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
