"""Figures of a study: mean opinions with intervals, and answers by a metric and by raters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.ratings.correlation import FEWEST, rank_correlation
from benchmark.ratings.criteria import criterion_words
from benchmark.report.figures.dots import Dot, dot_figure
from benchmark.report.figures.drawing import COLOURS, PAGE_INCHES, SOFT, figure_title, new_figure
from benchmark.report.subsets import subset_title

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.ratings.opinion import Opinion
    from metrics.registry import Metric


def opinion_figure(found: Sequence[Opinion], points: tuple[int, int]) -> Figure:
    """Return the mean opinions of one subset, the models in the order of their mean over all criteria.

    Args:
        found: of one subset, without categories; at least one.
        points: lowest and highest of the scale, the ends of the axes.
    """
    panels: dict[str, dict[str, Dot]] = {}
    means: dict[str, list[float]] = {}
    for one in found:
        panels.setdefault(one.criterion, {})[one.model] = Dot(one.mean, one.interval)
        means.setdefault(one.model, []).append(one.mean)
    names = sorted(means, key=lambda model: -sum(means[model]) / len(means[model]))
    title = f"{subset_title(found[0].subset)}: mean opinion scores, {100 * found[0].interval.level:g}% intervals"
    label = f"points, {points[0]} to {points[1]}"
    return dot_figure(panels, names, title=title, label=label, limits=(float(points[0]), float(points[1])))


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
        axes.set_xlabel(f"{metric.heading}{f' [{metric.unit}]' if metric.unit else ''}")
    for row, criterion in zip(panels, criteria, strict=True):
        row[0].set_ylabel(f"{criterion_words(criterion)}\n[points]")
    figure_title(figure, f"{subset_title(subset)}: {len(answers)} rated answers by metric and by people")
    return figure


def _cloud(axes: Axes, both: pd.DataFrame, metric: Metric, criterion: str) -> None:
    x, y = (both[name].to_numpy(dtype=np.float64) for name in (metric.name, criterion))
    axes.scatter(x, y, s=7, color=COLOURS[2], alpha=0.55, linewidths=0)
    value = metric.sign * rank_correlation(x, y) if len(x) >= FEWEST else float("nan")
    text = f"Spearman {value:.2f}" if np.isfinite(value) else "no correlation"
    axes.set_title(text, fontsize=6.5, fontweight="normal", color=SOFT)
    axes.grid(visible=True)
    axes.margins(0.08)
