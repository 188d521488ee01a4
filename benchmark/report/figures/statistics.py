"""Figures B3 and B4 of the paper: how many clips and pairs each category has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.report.figures.drawing import COLOURS, GRID, INK, PAGE_INCHES, SOFT, horizontal_bars, new_figure
from benchmark.report.subsets import subset_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vgg_monoaudio.publishing.statistics import Statistics, SubsetStatistics


def clips_figure(statistics: Statistics) -> Figure:
    """Return single-source clips by category (left) and by label (right), as in Fig. B3."""
    labels = statistics.clips_by_label
    figure = new_figure(PAGE_INCHES, max(2.2, 0.165 * len(labels)))
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.15])
    table = statistics.clips_by_category
    names = [f"{row.category}  ({row.labels} labels)" for row in table.itertuples()]
    horizontal_bars(left, names, [int(count) for count in table["clips"]])
    left.set_title(f"{statistics.clips} clips by category")
    horizontal_bars(right, list(labels["label"]), [int(count) for count in labels["clips"]], COLOURS[3])
    right.set_title(f"{statistics.labels} labels")
    return figure


def pairs_figure(statistics: Statistics) -> Figure:
    """Return pairs by target category (rows) and paired category (columns) of every subset, as in Fig. B4."""
    subsets = statistics.subsets
    widths = [max(2, len(part.by_category.columns)) for part in subsets]
    figure = new_figure(PAGE_INCHES, 3.1)
    panels = figure.subplots(1, len(subsets), width_ratios=widths, squeeze=False)[0]
    for axes, part in zip(panels, subsets, strict=True):
        axes.set_title(f"{subset_title(part.subset)}: {part.samples} samples")
        if _within_categories(part):
            totals = part.by_category["total"].drop("total")
            horizontal_bars(axes, list(totals.index), [int(count) for count in totals])
        else:
            _grid_of_counts(axes, part)
    return figure


def _within_categories(part: SubsetStatistics) -> bool:
    """Whether a sample's paired clip, if it has one, is always of the target's category."""
    counts = part.by_category.drop(index="total", columns="total")
    matrix = counts.reindex(columns=counts.index, fill_value=0).to_numpy(dtype=np.int64)
    return int(matrix.trace()) == int(counts.to_numpy(dtype=np.int64).sum())


def _grid_of_counts(axes: Axes, part: SubsetStatistics) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    counts = part.by_category.drop(index="total", columns="total")
    matrix = counts.to_numpy(dtype=np.int64)
    shades = LinearSegmentedColormap.from_list("counts", ["#ffffff", COLOURS[4], COLOURS[2], COLOURS[0]])
    axes.imshow(matrix, cmap=shades, aspect="auto", vmin=0)
    totals = part.by_category["total"].drop("total")
    rows = [f"{name}  ({int(totals.loc[name])})" for name in counts.index]
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(counts.columns)), list(counts.columns), rotation=40, ha="right", rotation_mode="anchor")
    axes.set_xlabel("category of the paired clip", color=SOFT)
    axes.set_ylabel("category of the target", color=SOFT)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for place, row in enumerate(matrix):
        for at, count in enumerate(row):
            if count:
                dark = count > 0.45 * matrix.max()
                axes.text(at, place, str(count), ha="center", va="center", fontsize=6.5, color="white" if dark else INK)
    axes.set_xticks(np.arange(len(counts.columns) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=GRID, linewidth=0.8)
    axes.tick_params(which="minor", length=0)
