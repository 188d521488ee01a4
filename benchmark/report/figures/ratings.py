"""Figures of a human study: where metrics agree with raters, and where they do not (Fig. D9 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.ratings.criteria import criterion_words
from benchmark.report.figures.drawing import COLOURS, GRID, INK, PAGE_INCHES, SOFT, new_figure
from benchmark.report.ratings import Agreement, Case, Ratings
from benchmark.report.subsets import subset_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def agreement_figure(ratings: Ratings, by_answer: Sequence[Agreement], by_model: Sequence[Agreement]) -> Figure:
    """Return rank correlations of metrics (columns) with criteria (rows): over answers, and over models."""
    parts = [(title, found) for title, found in (("answers", by_answer), ("models", by_model)) if found]
    widths = [max(2, len({one.metric.name for one in found})) for _, found in parts]
    figure = new_figure(PAGE_INCHES, 1.15 + 0.42 * len(ratings.criteria))
    panels = figure.subplots(1, len(parts), width_ratios=widths, squeeze=False)[0]
    for axes, (title, found) in zip(panels, parts, strict=True):
        _grid(axes, ratings.criteria, found, named=axes is panels[0])
        most = max(one.count for one in found)
        axes.set_title(f"over {most} {title}")
    figure.suptitle(
        f"{subset_title(ratings.subset)}: rank correlation with human ratings",
        x=0.01, ha="left", fontsize=8.5, fontweight="bold",
    )  # fmt: skip
    figure.supxlabel("positive: people prefer what the metric prefers; in brackets: interval", fontsize=7, color=SOFT)
    return figure


def _titled(criterion: str) -> str:
    """Return a criterion's name with what it judges, where that says more."""
    words = criterion_words(criterion)
    return criterion if words == criterion else f"{criterion}, {words}"


def _grid(axes: Axes, criteria: Sequence[str], found: Sequence[Agreement], *, named: bool) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    metrics = list(dict.fromkeys(one.metric.name for one in found))
    values = np.full((len(criteria), len(metrics)), np.nan)
    shades = LinearSegmentedColormap.from_list("agreement", ["#ffffff", COLOURS[4], COLOURS[2], COLOURS[0]])
    for one in found:
        place = criteria.index(one.criterion), metrics.index(one.metric.name)
        values[place] = np.nan if one.value is None else one.value
    axes.imshow(np.nan_to_num(values), cmap=shades, vmin=0, vmax=1, aspect="auto")
    for one in found:
        down, across = criteria.index(one.criterion), metrics.index(one.metric.name)
        colour = "white" if (one.value or 0) > 0.45 else INK
        text = "–" if one.value is None else f"{one.value:.2f}"
        bracketed = one.low is not None and one.high is not None
        axes.text(across, down - (0.14 if bracketed else 0), text, ha="center", va="center", fontsize=7, color=colour)
        if bracketed:
            ends = f"[{one.low:.2f}, {one.high:.2f}]"
            axes.text(across, down + 0.24, ends, ha="center", va="center", fontsize=5, color=colour)
    axes.set_xticks(range(len(metrics)), [next(o.metric.label for o in found if o.metric.name == m) for m in metrics])
    axes.set_yticks(range(len(criteria)), [_titled(name) if named else "" for name in criteria])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(metrics) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(criteria) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=GRID, linewidth=0.8)
    axes.tick_params(which="minor", length=0)


def case_figure(case: Case, subset: str, names: Mapping[str, str]) -> Figure:
    """Return how far apart pairs of answers to one sample are, by the metric and by raters; the case is circled.

    Args:
        case: the pair to circle.
        subset: of the samples.
        names: the models' names by key.
    """
    figure = new_figure(3.7, 3.0)
    axes = figure.subplots()
    axes.scatter(case.gaps[:, 0], case.gaps[:, 1], s=9, color=COLOURS[5], edgecolors="white", linewidths=0.3)
    at = abs(case.scores[0] - case.scores[1]), case.ratings[0] - case.ratings[1]
    axes.scatter(*at, s=70, facecolors="none", edgecolors=COLOURS[1], linewidths=1.3, zorder=3)
    text = (
        f"{names[case.better]} against {names[case.worse]}:\n{case.metric.label} {case.scores[0]:.3f} and "
        f"{case.scores[1]:.3f}, {case.criterion} {case.ratings[0]:.1f} and {case.ratings[1]:.1f}"
    )
    axes.annotate(text, at, xytext=(0.98, 1.03), textcoords="axes fraction", ha="right", va="bottom", fontsize=6.5)
    axes.grid(visible=True)
    axes.margins(0.08)
    axes.set_xlabel(f"difference in {case.metric.label}")
    axes.set_ylabel(f"difference in {_titled(case.criterion)} [points]")
    figure.suptitle(
        f"{subset_title(subset)}: pairs of answers to one sample",
        x=0.01, ha="left", fontsize=8.5, fontweight="bold",
    )  # fmt: skip
    return figure
