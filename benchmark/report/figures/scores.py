"""Figures of scores: metric against metric, by category, and the distribution of DeSync."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmark.report.figures.drawing import (
    COLOURS,
    HATCHES,
    INK,
    MARKERS,
    PAGE_INCHES,
    SOFT,
    new_figure,
)
from benchmark.report.figures.rows import Point, point_of
from benchmark.report.subsets import subset_title
from benchmark.report.tables.marks import marks_explained, marks_of
from metrics.registry import Metric, get_metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.report.results import Row
    from benchmark.report.samples import Samples
    from benchmark.runs import ScoringRecord

NO_INTERVAL = "No error bar: no interval could be estimated."
DESYNC_BIN_SECONDS = 0.1  # the mean of two votes on a grid of 0.2 s


def metric_scatter(rows: Sequence[Row], x: str, y: str) -> Figure:
    """Return one metric against another: models filled, controls hollow to show the range of each metric.

    Args:
        rows: of one subset; a row without one of the values is left out.
        x: metric on the horizontal axis, by name.
        y: metric on the vertical axis.
    """
    from matplotlib.container import ErrorbarContainer

    metrics = get_metric(x), get_metric(y)
    figure = new_figure(4.6, 3.0)
    axes = figure.subplots()
    for place, row in enumerate(rows):
        present = _both(row, metrics)
        if present:
            across, up = present
            control, colour, marker = _look(row, place)
            axes.errorbar(
                across.value, up.value, xerr=across.arms, yerr=up.arms, fmt=marker, markersize=5.5, color=colour,
                ecolor=colour, markerfacecolor="white" if control else colour, elinewidth=0.7,
                zorder=2 if control else 3, label=_marked(row), fillstyle=_fill(row), markerfacecoloralt="white",
            )  # fmt: skip
    axes.grid(visible=True)
    axes.margins(0.08)
    ways = {"higher": ("right", "up"), "lower": ("left", "down"), "neither": ("", "")}
    axes.set_xlabel(_axis_title(metrics[0], ways[metrics[0].better][0]))
    axes.set_ylabel(_axis_title(metrics[1], ways[metrics[1].better][1]))
    axes.set_title(subset_title(rows[0].subset))
    scored = [_both(row, metrics) for row in rows if row.kind != "published"]
    bare = any(point.ends is None for present in scored for point in present)
    sources = dict.fromkeys(row.source for row in rows if row.source and _both(row, metrics))
    printed = [f"Printed numbers, without intervals: {'; '.join(sources)}."] if sources else []
    _explain(figure, rows, "\n".join([*([NO_INTERVAL] if bare else []), *printed]))
    looks = {"control": "hollow: controls", "published": "half filled: printed"}
    title = "\n".join(text for kind, text in looks.items() if any(row.kind == kind for row in rows)) or None
    # Names in a legend: next to their points they overlap, because models lie close together.
    points = [container for container in axes.containers if isinstance(container, ErrorbarContainer)]
    figure.legend(
        handles=[point.lines[0] for point in points], labels=[str(point.get_label()) for point in points],
        loc="outside right upper", handlelength=1.0, title=title, title_fontsize=7,
    )  # fmt: skip
    return figure


def _marked(row: Row) -> str:
    return row.model + marks_of(row)


def _both(row: Row, metrics: Sequence[Metric]) -> list[Point]:
    """Return the scores of a row; none where it lacks one of them."""
    present = [point for metric in metrics if (point := point_of(row, metric.name)) is not None]
    return present if len(present) == len(metrics) else []


def _fill(row: Row) -> Literal["full", "left"]:
    return "left" if row.kind == "published" else "full"


def _explain(figure: Figure, rows: Sequence[Row], more: str = "") -> None:
    """Explain the marks of the names below a figure, and what else is missing."""
    notes = _notes(rows, more)
    if notes:
        figure.supxlabel(notes, fontsize=6, color=SOFT, x=0.01, ha="left")


def _notes(rows: Sequence[Row], more: str) -> str:
    return "\n".join([*marks_explained(rows), *([more] if more else [])])


def _look(row: Row, place: int) -> tuple[bool, str, str]:
    """Whether a row is a control, its colour and its marker."""
    marker = MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]  # a repeated colour gets another marker
    return (True, SOFT, marker) if row.kind == "control" else (False, COLOURS[place % len(COLOURS)], marker)


def _axis_title(metric: Metric, way: str) -> str:
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{metric.label}{unit}" + (f"   ({way} is better)" if way else "")


def category_bars(rows: Sequence[Row], part: Samples, metric: Metric, scoring: ScoringRecord) -> Figure:
    """Return the mean score of every model by target category, with intervals resampled as in the tables."""
    categories = sorted(set(part.listing["target_category"]))
    figure = new_figure(PAGE_INCHES, 2.5)
    axes = figure.subplots()
    width, bare = 0.84 / len(rows), False
    for place, row in enumerate(rows):
        table = part.scored[row.key]
        label: str | None = _marked(row)
        centres = np.arange(len(categories)) - 0.42 + width * (place + 0.5)
        for centre, category in zip(centres, categories, strict=True):
            chosen = (table["target_category"] == category) & table[metric.name].notna()
            if chosen.any():
                bare |= not _bar(axes, centre, width, table[chosen], metric, scoring, place, label)
                label = None
    axes.set_xlim(-0.6, len(categories) - 0.4)
    axes.set_xticks(range(len(categories)), categories)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=True, axis="y")
    axes.set_ylabel(f"{metric.heading}{f' [{metric.unit}]' if metric.unit else ''}")
    axes.set_title(f"{subset_title(part.subset)}: {metric.label} by category of the target")
    notes = _notes(rows, NO_INTERVAL if bare else "")
    if notes:  # between the axes and the legend, which is where other figures have their notes
        axes.set_xlabel(notes, fontsize=6, color=SOFT, loc="left")
    figure.legend(loc="outside lower center", ncols=min(len(rows), 6), handlelength=1.4, columnspacing=1.4)
    return figure


def _bar(
    axes: Axes, centre: float, width: float, table: pd.DataFrame, metric: Metric, scoring: ScoringRecord, place: int,
    label: str | None,
) -> bool:  # fmt: skip
    """Draw one mean; return whether it has an interval."""
    from benchmark.report.samples import clips_of
    from metrics.uncertainty.bootstrap import bootstrap_mean

    values = table[metric.name].to_numpy(dtype=np.float64)
    groups = clips_of(table) if scoring.resample_by == "source" else None
    interval = bootstrap_mean(
        values, groups=groups, resamples=scoring.resamples, seed=scoring.bootstrap_seed, level=scoring.confidence
    )
    mean = float(values.mean())
    axes.bar(
        centre, mean, width * 0.94, label=label, color=COLOURS[place % len(COLOURS)], edgecolor="white", linewidth=0.3,
        hatch=HATCHES[place % len(HATCHES)],
    )  # fmt: skip
    if interval.ends is not None:
        low, high = interval.ends
        lengths = [[max(0.0, mean - low)], [max(0.0, high - mean)]]
        for colour, width in (("white", 1.8), (INK, 0.7)):  # a light edge, visible on dark bars
            axes.errorbar(centre, mean, yerr=lengths, color=colour, elinewidth=width, capsize=0)
    return interval.ends is not None


def desync_histogram(rows: Sequence[Row], part: Samples) -> Figure:
    """Return the distribution of DeSync: one strip per model, each scaled to its own height, the mean dashed."""
    scored = [row for row in rows if part.scored[row.key]["desync"].notna().any()]
    figure = new_figure(4.2, 0.6 + 0.36 * len(scored))
    panels = figure.subplots(len(scored), 1, sharex=True, squeeze=False)[:, 0]
    edges = np.arange(-0.5, 21.0) * DESYNC_BIN_SECONDS
    for place, (axes, row) in enumerate(zip(panels, scored, strict=True)):
        values = part.scored[row.key]["desync"].dropna().to_numpy(dtype=np.float64)
        colour = SOFT if row.kind == "control" else COLOURS[place % len(COLOURS)]
        counts = np.histogram(values, edges)[0]
        axes.bar(edges[:-1] + DESYNC_BIN_SECONDS / 2, counts / counts.max(), DESYNC_BIN_SECONDS * 0.92, color=colour)
        axes.axvline(float(values.mean()), color="white", linewidth=2.2)
        axes.axvline(float(values.mean()), color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
        axes.set_yticks([])
        axes.set_ylim(0, 1.05)
        axes.set_xlim(-DESYNC_BIN_SECONDS, 2 + DESYNC_BIN_SECONDS)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="x", length=2 if axes is panels[-1] else 0)
        axes.set_ylabel(_marked(row), rotation=0, ha="right", va="center", fontsize=7)
    panels[-1].set_xlabel("DeSync [s]; dashed: mean; each strip to its own height")
    _explain(figure, scored)
    panels[0].set_title(subset_title(part.subset))
    return figure
