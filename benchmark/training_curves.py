"""The curves of a training run as one figure: loss, gradient, learning rate, and every score over the steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from baselines.selva.training.curve import (
    GRADIENT_NORM,
    LEARNING_RATE,
    LOSS,
    SCORE,
    VALIDATION_FAILED,
    VALIDATION_LOSS,
    Row,
)
from baselines.selva.training.run_folder import STAGES, RunFolder, StageName
from benchmark.report.figures.drawing import COLOURS, INK, MARKERS, PAGE_INCHES, SOFT, new_figure, style
from foundation.files import replacing
from metrics.registry import list_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from metrics.metric import Metric

FORMATS = (".png", ".svg", ".pdf")
FAILED = SCORE + VALIDATION_FAILED  # in place of scores
SCORES_A_ROW = 4
LEGEND_LINE = 0.16  # inches, of what says how scores were measured
SMOOTHED = 50  # parts of a curve that the running mean averages over, at least one step
MANIFOLD, MANY_DECADES = 10, 2.5  # what spans that much is drawn on a logarithmic scale; and with fewer labels
MOST_POINTS = 4000  # of the faint line; more would only make the file large
_TITLES: Mapping[StageName, str] = {"encoder": "Video encoder", "generator": "Generator"}
_COLOURS: Mapping[StageName, str] = {"encoder": COLOURS[1], "generator": COLOURS[3]}
_FAILED_LOOK: Mapping[str, Any] = {"ls": "", "marker": "x", "ms": 3.5, "color": INK, "clip_on": False}
_LINES = ("-", "--", ":", "-.")  # of scores measured in one way, in another, ...
_METADATA: Mapping[str, Mapping[str, None]] = {  # without the date and the program
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@dataclass(frozen=True)
class Series:
    """Values of one name over the steps of a stage.

    Attributes:
        steps: int64 (n,), rising.
        values: float64 (n,).
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[Row], name: str) -> Series:
        """Return the values of the rows that have this name."""
        found = [(row.step, row.values[name]) for row in rows if name in row.values]
        steps, values = zip(*found, strict=True) if found else ((), ())
        return cls(np.array(steps, np.int64), np.array(values, np.float64))


def draw(run: Path, out: Path) -> Path:
    """Write the curves of a run, also of one that is at work, as a figure; return its file.

    Args:
        run: the run's directory.
        out: the file; its ending says which format: .png, .svg or .pdf.

    Raises:
        ValueError: another ending, no run, or a run that has not taken a step.
    """
    check_format(out)
    folder = RunFolder.opened(run)
    curves = {name: folder.stage(name).curve.read() for name in STAGES}
    if not any(curves.values()):
        raise ValueError(
            f"{run}: no step has been taken yet; `python -m benchmark train status {run}` says where it is"
        )
    record = folder.read_record()
    told = {id: scoring.line() for id, scoring in record.scorings.items()}
    with style():
        figure = curves_figure(curves, title=record.recipe.name, scorings=told)
        with replacing(out) as temporary:
            suffix = out.suffix.lower()
            figure.savefig(temporary, format=suffix[1:], dpi=200, metadata=dict(_METADATA[suffix]))
    return out


def check_format(out: Path) -> None:
    """Refuse a file of a format that is not drawn.

    Raises:
        ValueError: names those that are.
    """
    if out.suffix.lower() not in FORMATS:
        raise ValueError(f"--out: expected a file that ends in {', '.join(FORMATS)}, got {str(out)!r}")


def curves_figure(
    curves: Mapping[StageName, Sequence[Row]], title: str = "", scorings: Mapping[str, str] | None = None
) -> Figure:
    """Return the figure of curves, a column for each stage that has some, and below them a panel for each score.

    Args:
        curves: rows of each stage.
        title: above all; "" for none.
        scorings: how scores were measured, by the id that rows give.
    """
    shown = {name: curves[name] for name in STAGES if curves.get(name)}
    scores = [metric for metric in list_metrics(extended=True) if _has(shown.values(), SCORE + metric.name)]
    ways = _ways(shown.values(), {SCORE + metric.name for metric in scores})
    lines = -(-len(scores) // SCORES_A_ROW)
    failed = _has(shown.values(), FAILED)
    below = 1.35 * lines + LEGEND_LINE * (len(ways) + failed)
    figure = new_figure(PAGE_INCHES, 3.6 + below)
    if failed and not scores:
        title = f"{title}: every validation failed".removeprefix(": ")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=9, fontweight="bold", color=INK)
    heights = [3.4, *([below] if lines else [])]
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _stages(parts[0], shown)
    if scores:
        _scores(parts[1], shown, scores, ways)
        _tell_ways(parts[1], ways, scorings or {}, failed=failed)
    return figure


def running_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the mean of each value and those before it, at most `width` of them; float64, shape as given."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - width, 0)
    means: NDArray[np.float64] = (sums[ends] - sums[begins]) / (ends - begins)
    return means


def _ways(curves: Iterable[Sequence[Row]], names: Set[str]) -> list[str | None]:
    """Return the ids of how these scores were measured, in the order of the run; None for rows that do not say."""
    scored = (row for rows in curves for row in rows if names & row.values.keys())
    return list(dict.fromkeys(row.scoring for row in scored))


def _has(curves: Iterable[Sequence[Row]], name: str) -> bool:
    return any(name in row.values for rows in curves for row in rows)


def _stages(part: SubFigure, shown: Mapping[StageName, Sequence[Row]]) -> None:
    """Draw loss, gradient norm and learning rate of each stage, one below the other."""
    panels = part.subplots(3, len(shown), height_ratios=[2.2, 0.9, 0.6], sharex="col", squeeze=False)
    for place, (name, rows) in enumerate(shown.items()):
        loss, gradient, rate = panels[:, place]
        loss.set_title(_TITLES[name])
        _raw_and_mean(loss, Series.of(rows, LOSS), _COLOURS[name])
        held_out = Series.of(rows, VALIDATION_LOSS)
        if held_out.steps.size:
            loss.plot(held_out.steps, held_out.values, color=INK, lw=0.9, marker="o", ms=2.5, label="held-out clips")
        loss.legend(loc="best")
        _raw_and_mean(gradient, Series.of(rows, GRADIENT_NORM), _COLOURS[name])
        rates = Series.of(rows, LEARNING_RATE)
        rate.plot(rates.steps, rates.values, color=SOFT, lw=1.0)
        rate.set_ylim(bottom=0)
        rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        rate.yaxis.get_offset_text().set_fontsize(6)
        rate.set_xlabel("step")
        _thousands(rate)
        for axes, label in ((loss, "loss"), (gradient, "gradient\nnorm"), (rate, "learning\nrate")):
            axes.grid(axis="y")
            axes.set_ylabel(label)
    part.align_ylabels()


def _raw_and_mean(axes: Axes, series: Series, colour: str) -> None:
    """Draw what each step gave faintly, and its running mean over it; on a logarithmic scale where they span much."""
    if not series.steps.size:
        return
    width = max(1, round(len(series.steps) / SMOOTHED))
    every = -(-len(series.steps) // MOST_POINTS)
    axes.plot(series.steps[::every], series.values[::every], color=colour, alpha=0.25, lw=0.5)
    label = f"mean of {width:,} steps" if width > 1 else "each step"
    axes.plot(series.steps, running_mean(series.values, width), color=colour, lw=1.2, label=label)
    if series.values.min() > 0 and series.values.max() >= MANIFOLD * series.values.min():
        axes.set_yscale("log")
        _plain_numbers(axes, decades=float(np.log10(series.values.max() / series.values.min())))


def _plain_numbers(axes: Axes, decades: float) -> None:
    """Label a logarithmic axis in plain numbers, more of them to a power of ten where it spans few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < MANY_DECADES else (1.0,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))


def _scores(
    part: SubFigure, shown: Mapping[StageName, Sequence[Row]], scores: Sequence[Metric], ways: Sequence[str | None]
) -> None:
    """Draw each score over the steps of the whole run: the second stage begins where the first ends.

    Scores that were measured in two ways do not compare, so no line goes from one to the other.
    """
    lines = -(-len(scores) // SCORES_A_ROW)
    panels = part.subplots(lines, SCORES_A_ROW, sharex=True, squeeze=False).ravel()
    for axes, metric in zip(panels, scores, strict=False):
        begin = 0
        for name, rows in shown.items():
            for place, way in enumerate(ways):
                series = Series.of((row for row in rows if row.scoring == way), SCORE + metric.name)
                if series.steps.size:
                    axes.plot(begin + series.steps, series.values, color=_COLOURS[name], **_look(place))
            steps = begin + Series.of(rows, FAILED).steps
            if steps.size:
                axes.plot(steps, np.zeros(len(steps)), transform=axes.get_xaxis_transform(), **_FAILED_LOOK)
            if begin:
                axes.axvline(begin, color=SOFT, lw=0.6, linestyle=":")
            begin += max(row.step for row in rows)
        axes.set_title(metric.heading, fontweight="normal", fontsize=7.5)
        axes.grid(axis="y")
        axes.set_xlim(0, begin * 1.02)
        _at_least_a_hundredth(axes)
        _thousands(axes)
    for axes in panels[len(scores) :]:
        axes.set_visible(False)
    for axes in panels[max(0, len(scores) - SCORES_A_ROW) : len(scores)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("step of the run", fontsize=7)


def _look(place: int) -> dict[str, Any]:
    """Return how scores that were measured in one way are drawn, by its place among the ways."""
    return {"lw": 1.1, "ms": 2.5, "ls": _LINES[place % len(_LINES)], "marker": MARKERS[place % len(MARKERS)]}


def _tell_ways(part: SubFigure, ways: Sequence[str | None], scorings: Mapping[str, str], *, failed: bool) -> None:
    """Say above the scores how they were measured, and what stands where they could not be."""
    from matplotlib.lines import Line2D

    said = [scorings.get(way) if way is not None else None for way in ways]
    labels = ["scored in a way that is not recorded" if how is None else f"scored on {how}" for how in said]
    handles = [Line2D([], [], color=INK, **_look(place)) for place in range(len(ways))]
    if failed:
        labels.append("a validation that failed")
        handles.append(Line2D([], [], **_FAILED_LOOK))
    part.legend(handles, labels, loc="outside upper left", fontsize=6.5, labelcolor=INK)


def _at_least_a_hundredth(axes: Axes) -> None:
    """Show no difference larger than it is: an axis spans a hundredth of its values or more."""
    low, high = axes.get_ylim()
    reach = abs(low + high) / 2 / 200
    if high - low < 2 * reach:
        axes.set_ylim((low + high) / 2 - reach, (low + high) / 2 + reach)
    axes.ticklabel_format(axis="y", useOffset=False)


def _thousands(axes: Axes) -> None:
    """Write steps as 5k where they are that many; few of them."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda step, _place: f"{step / 1000:g}k" if abs(step) >= 1000 else f"{step:g}")
    )
