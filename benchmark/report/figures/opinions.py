"""Figures of a study: mean opinions with intervals, and answers by a metric and by raters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.ratings.correlation import FEWEST, rank_correlation
from benchmark.ratings.criteria import criterion_words
from benchmark.report.figures.drawing import COLOURS, HATCHES, INK, PAGE_INCHES, SOFT, new_figure
from benchmark.report.subsets import subset_title

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.ratings.opinion import Opinion
    from metrics.registry import Metric


def opinion_bars(found: Sequence[Opinion], points: tuple[int, int]) -> Figure:
    """Return the mean opinions of one subset: a group of bars per criterion, one bar per model, intervals as lines.

    Args:
        found: of one subset, without categories.
        points: lowest and highest of the scale, where the bars begin and the axis ends.
    """
    criteria = list(dict.fromkeys(one.criterion for one in found))
    models = list(dict.fromkeys(one.model for one in found))
    figure = new_figure(PAGE_INCHES, 2.6)
    axes = figure.subplots()
    width = 0.8 / len(models)
    for one in found:
        place = models.index(one.model)
        centre = criteria.index(one.criterion) + (place - (len(models) - 1) / 2) * width
        label = one.model if one.criterion == criteria[0] else None
        axes.bar(
            centre, one.mean - points[0], width * 0.94, bottom=points[0], label=label,
            color=COLOURS[place % len(COLOURS)], hatch=HATCHES[place % len(HATCHES)], edgecolor="white", linewidth=0.3,
        )  # fmt: skip
        if one.interval.ends is not None:
            lengths = [[abs(one.mean - end)] for end in one.interval.ends]
            for colour, line in (("white", 1.8), (INK, 0.7)):  # a light edge, visible on dark bars
                axes.errorbar(centre, one.mean, yerr=lengths, color=colour, elinewidth=line, capsize=0)
    axes.set_xticks(range(len(criteria)), [_titled(name) for name in criteria])
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(*points)
    axes.set_ylabel(f"mean opinion [{points[0]} to {points[1]}]")
    axes.grid(visible=True, axis="y")
    axes.set_title(f"{subset_title(found[0].subset)}: mean opinion scores")
    figure.legend(loc="outside lower center", ncols=min(len(models), 6), handlelength=1.4, columnspacing=1.4)
    return figure


def _titled(criterion: str) -> str:
    words = criterion_words(criterion)
    return criterion if words == criterion else f"{criterion}\n{words}"


def rating_scatter(answers: pd.DataFrame, metrics: Sequence[Metric], criteria: Sequence[str], subset: str) -> Figure:
    """Return every rated answer by metric (columns) and by mean rating (rows), with Spearman's correlation: positive
    where people prefer what the metric prefers.

    Args:
        answers: a row per answer, columns named as the metrics and criteria.
        metrics: per-sample metrics that the answers have.
        criteria: what was rated.
        subset: of the answers.
    """
    figure = new_figure(PAGE_INCHES, 0.6 + 1.35 * len(criteria))
    panels = figure.subplots(len(criteria), len(metrics), squeeze=False, sharex="col", sharey="row")
    for row, criterion in zip(panels, criteria, strict=True):
        for axes, metric in zip(row, metrics, strict=True):
            _cloud(axes, answers[[metric.name, criterion]].dropna(), metric, criterion)
    for axes, metric in zip(panels[-1], metrics, strict=True):
        axes.set_xlabel(f"{metric.label} {metric.arrow}{f' [{metric.unit}]' if metric.unit else ''}")
    for row, criterion in zip(panels, criteria, strict=True):
        row[0].set_ylabel(f"{criterion} [points]")
    figure.suptitle(
        f"{subset_title(subset)}: {len(answers)} rated answers by metric and by people",
        x=0.01, ha="left", fontsize=8.5, fontweight="bold",
    )  # fmt: skip
    return figure


def _cloud(axes: Axes, both: pd.DataFrame, metric: Metric, criterion: str) -> None:
    x, y = (both[name].to_numpy(dtype=np.float64) for name in (metric.name, criterion))
    axes.scatter(x, y, s=7, color=COLOURS[2], alpha=0.55, linewidths=0)
    sign = 1.0 if metric.better == "higher" else -1.0
    value = sign * rank_correlation(x, y) if len(x) >= FEWEST else float("nan")
    text = f"Spearman {value:.2f}" if np.isfinite(value) else "no correlation"
    axes.set_title(text, fontsize=6.5, fontweight="normal", color=SOFT)
    axes.grid(visible=True)
    axes.margins(0.08)
