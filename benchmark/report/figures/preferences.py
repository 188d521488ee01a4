"""Figures of a study of preferences: strengths with intervals, and who won how often against whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.ratings.criteria import criterion_title
from benchmark.report.display_names import display_name
from benchmark.report.figures.dots import Dot, dot_figure
from benchmark.report.figures.drawing import PAGE_INCHES, SOFT, figure_title, new_figure, shaded_grid
from benchmark.report.subsets import subset_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.ratings.preference import Comparison, Strength

CELL_INCHES, NAMES_INCHES = 0.42, 1.1  # of a grid of wins: a cell, and the names beside it
TITLE_INCHES = 1.8  # of a grid, at least, so that its title does not run into the next


def strength_figure(found: Sequence[Strength]) -> Figure:
    """Return the Bradley-Terry strengths of one subset, the strongest model on top.

    Args:
        found: of one subset, at least one with a strength.
    """
    panels: dict[str, dict[str, Dot]] = {}
    for one in found:
        panels.setdefault(one.criterion, {})[one.model] = Dot(one.strength, one.interval)
    title = f"{subset_title(found[0].subset)}: strengths of models, {100 * found[0].interval.level:g}% intervals"
    return dot_figure(panels, _strongest_first(found), title=title, label="strength (log odds)", middle=0.0)


def _strongest_first(found: Sequence[Strength]) -> list[str]:
    """Return the models by their mean strength, or by their win rates where a strength is open."""
    whole = all(one.strength is not None for one in found)
    values: dict[str, list[float]] = {}
    for one in found:
        value = one.strength if whole and one.strength is not None else one.win_rate
        values.setdefault(one.model, []).append(value)
    return sorted(values, key=lambda model: -sum(values[model]) / len(values[model]))


def win_figure(strengths: Sequence[Strength], comparisons: Sequence[Comparison]) -> Figure:
    """Return how often each model (rows) won against each other (columns): a grid per criterion.

    Args:
        strengths: of one subset; the models, in the order of `strength_figure`.
        comparisons: of the same; at least one.
    """
    names = _strongest_first(strengths)
    criteria = list(dict.fromkeys(one.criterion for one in comparisons))
    side = CELL_INCHES * len(names)
    wide = max(side, TITLE_INCHES)
    across = max(1, min(len(criteria), int((PAGE_INCHES - NAMES_INCHES) / wide)))
    down = -(-len(criteria) // across)
    figure = new_figure(max(0.6 * PAGE_INCHES, NAMES_INCHES + wide * across), 0.7 + down * (0.9 + 0.8 * side))
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes, criterion in zip(grid.flat, criteria, strict=False):
        _wins(axes, names, [one for one in comparisons if one.criterion == criterion])
        axes.set_title(criterion_title(criterion))
    for axes in grid.flat[len(criteria) :]:
        axes.set_visible(False)
    figure_title(figure, f"{subset_title(comparisons[0].subset)}: share of choices won, row against column")
    told = "a tie counts one half; small: choices; –: never compared"
    figure.supxlabel(told, fontsize=7, color=SOFT)
    return figure


def _wins(axes: Axes, names: Sequence[str], comparisons: Sequence[Comparison]) -> None:
    values = np.full((len(names), len(names)), np.nan)
    texts = [["" if row == column else "–" for column in names] for row in names]
    below = [[""] * len(names) for _ in names]
    for one in comparisons:
        i, j = names.index(one.first), names.index(one.second)
        choices = one.wins + one.ties + one.losses
        values[i, j] = (one.wins + one.ties / 2) / choices
        values[j, i] = 1.0 - values[i, j]
        for at in ((i, j), (j, i)):
            texts[at[0]][at[1]], below[at[0]][at[1]] = f"{100 * values[at]:.0f}%", str(choices)
    cells = [list(zip(*rows, strict=True)) for rows in zip(texts, below, strict=True)]
    shaded_grid(axes, values, (0.0, 1.0), cells)
    called = [display_name(name) for name in names]
    axes.set_xticks(range(len(names)), called, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), called)
