"""Figures of a human study: where metrics agree with raters, and where they do not (Fig. D9 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.ratings.criteria import criterion_title
from benchmark.report.agreement import Agreement
from benchmark.report.figures.drawing import COLOURS, PAGE_INCHES, SOFT, figure_title, new_figure, shaded_grid
from benchmark.report.ratings import Case
from benchmark.report.subsets import subset_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def agreement_figure(found: Sequence[Agreement], criteria: Sequence[str]) -> Figure:
    """Return rank correlations of metrics (columns) with criteria (rows): over answers, and over models.

    Args:
        found: of one subset, by one method; at least one.
        criteria: in the order of the rows.
    """
    parts = [part for over in ("answers", "models") if (part := [one for one in found if one.over == over])]
    widths = [max(2, len({one.metric.name for one in part})) for part in parts]
    figure = new_figure(PAGE_INCHES, 1.15 + 0.42 * len(criteria))
    panels = figure.subplots(1, len(parts), width_ratios=widths, squeeze=False)[0]
    for axes, part in zip(panels, parts, strict=True):
        _grid(axes, criteria, part, named=axes is panels[0])
        axes.set_title(f"over {max(one.count for one in part)} {part[0].over}")
    figure_title(figure, f"{subset_title(found[0].subset)}: rank correlation with human ratings")
    level = f"{100 * found[0].interval.level:g}%"
    lines = [f"positive: people prefer what the metric prefers; in brackets: {level} interval"]
    lines += dict.fromkeys(
        f"no interval over {one.over}: {one.interval.reason}" for one in found if one.interval.reason
    )
    figure.supxlabel("\n".join(lines), fontsize=7, color=SOFT)
    return figure


def _grid(axes: Axes, criteria: Sequence[str], found: Sequence[Agreement], *, named: bool) -> None:
    labels = list(dict.fromkeys(one.metric.label for one in found))
    values = np.full((len(criteria), len(labels)), np.nan)
    texts = [[("–", "")] * len(labels) for _ in criteria]
    for one in found:
        if one.value is not None:
            down, across = criteria.index(one.criterion), labels.index(one.metric.label)
            ends = one.interval.ends
            values[down, across] = one.value
            texts[down][across] = f"{one.value:.2f}", f"[{ends[0]:.2f}, {ends[1]:.2f}]" if ends else ""
    shaded_grid(axes, values, (-1.0, 1.0), texts)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(criteria)), [criterion_title(name) if named else "" for name in criteria])


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
    axes.set_ylabel(f"difference in {criterion_title(case.criterion)} [points]")
    figure_title(figure, f"{subset_title(subset)}: pairs of answers to one sample")
    return figure
