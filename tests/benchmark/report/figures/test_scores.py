from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from benchmark.report import collect
from benchmark.report.figures.drawing import COLOURS, HATCHES, SOFT
from benchmark.report.figures.scores import DESYNC_BIN_SECONDS, category_bars, desync_histogram, metric_scatter
from benchmark.report.samples import read_samples
from metrics.registry import get_metric
from metrics.uncertainty.bootstrap import bootstrap_mean


@pytest.fixture(scope="module")
def inter(made):
    results = collect(made.runs)
    part = next(part for part in read_samples(results) if part.subset == "inter")
    return results, part, results.of("inter")


def with_values(row, **values):
    changed = {name: row.values[name].model_copy(update=value) for name, value in values.items()}
    return replace(row, values={**row.values, **changed})


def test_a_row_without_one_of_the_values_is_left_out_of_a_scatter(inter):
    _, _, rows = inter
    bare = with_values(rows[0], kl={"value": None, "ci95": None})
    axes = metric_scatter([bare, *rows[1:]], "kl", "desync").axes[0]
    assert len(axes.containers) == len(rows) - 1


def test_error_bars_are_the_intervals_of_metrics_json(inter):
    _, _, rows = inter
    (container,) = metric_scatter(rows[:1], "kl", "desync").axes[0].containers
    across, up = (bars.get_segments()[0] for bars in container.lines[2])
    kl, desync = rows[0].values["kl"], rows[0].values["desync"]
    assert tuple(across[:, 0]) == pytest.approx(kl.ci95)
    assert tuple(up[:, 1]) == pytest.approx(desync.ci95)


def test_an_interval_that_excludes_its_score_ends_at_the_score(inter):
    _, _, rows = inter
    value = rows[0].values["kl"].value
    odd = with_values(rows[0], kl={"ci95": (value + 0.1, value + 0.3)})
    (container,) = metric_scatter([odd], "kl", "desync").axes[0].containers
    assert tuple(container.lines[2][0].get_segments()[0][:, 0]) == pytest.approx((value, value + 0.3))


@pytest.mark.parametrize(
    ("x", "y", "titles"),
    [
        ("clap", "kl", ("CLAP   (right is better)", "KL [nat]   (down is better)")),
        ("desync", "inception_score", ("DeSync [s]   (left is better)", "IS   (up is better)")),
    ],
)
def test_axes_name_metric_unit_and_the_better_direction(inter, x, y, titles):
    _, _, rows = inter
    axes = metric_scatter(rows, x, y).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == titles
    assert axes.get_title() == "Inter-class"


def test_the_legend_explains_hollow_points_only_where_there_are_controls(inter):
    _, _, rows = inter
    models = [row for row in rows if row.kind != "control"]
    assert metric_scatter(rows, "kl", "desync").legends[0].get_title().get_text() == "hollow: controls"
    assert metric_scatter(models, "kl", "desync").legends[0].get_title().get_text() == ""


def test_bars_of_a_model_share_colour_and_hatching_across_categories(inter):
    results, part, rows = inter
    axes = category_bars(rows[:2], part, get_metric("clap"), results.scoring).axes[0]
    looks = {(to_hex(patch.get_facecolor()), patch.get_hatch()) for patch in axes.patches}
    assert looks == set(zip(COLOURS[:2], HATCHES[:2], strict=True))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Animal", "Music", "Vehicle"]
    assert axes.get_title() == "Inter-class: CLAP by category of the target"


def test_bars_have_the_bootstrap_interval_of_their_samples(inter):
    results, part, rows = inter
    scoring = results.scoring.model_copy(update={"resample_by": "sample"})
    row = next(row for row in rows if row.key == "tiny-foley")
    table = pd.concat([part.scored[row.key]] * 8, ignore_index=True)
    table["kl"] = 2 + np.sin(np.arange(len(table)))
    many = replace(part, listing=table[part.listing.columns], scored={row.key: table})
    axes = category_bars([row], many, get_metric("kl"), scoring).axes[0]
    drawn = {tuple(bars.get_segments()[0][:, 1]) for bars in axes.collections}
    assert len(drawn) == 3
    for _, of_category in table.groupby("target_category"):
        values = of_category["kl"].to_numpy()
        ends = bootstrap_mean(values, groups=None, resamples=1000, seed=0, level=0.95).ends
        assert any(shown == pytest.approx(ends) for shown in drawn)


def test_a_control_s_strip_of_the_histogram_is_grey(inter):
    _, part, rows = inter
    figure = desync_histogram(rows, part)
    colours = {axes.get_ylabel().rstrip("†"): to_hex(axes.patches[0].get_facecolor()) for axes in figure.axes}
    assert {name for name, colour in colours.items() if colour == to_hex(SOFT)} == {"oracle", "noise"}


def test_the_histogram_covers_every_possible_desync_and_dashes_the_mean(inter):
    _, part, rows = inter
    (axes,) = desync_histogram(rows[:1], part).axes
    low, high = axes.get_xlim()
    assert low < 0
    assert high > 2
    assert len(axes.patches) == 21
    assert axes.patches[0].get_width() < DESYNC_BIN_SECONDS
    mean = part.scored[rows[0].key]["desync"].mean()
    assert [line.get_xdata()[0] for line in axes.lines] == pytest.approx([mean, mean])


def test_a_run_without_any_desync_has_no_strip(inter):
    _, part, rows = inter
    silent = {**part.scored, "noise": part.scored["noise"].assign(desync=float("nan"))}
    figure = desync_histogram(rows, replace(part, scored=silent))
    assert "noise" not in {axes.get_ylabel() for axes in figure.axes}
    assert len(figure.axes) == len(rows) - 1


def test_only_the_last_strip_has_its_axis_named(inter):
    _, part, rows = inter
    figure = desync_histogram(rows, part)
    named = [axes.get_xlabel() for axes in figure.axes]
    assert named == [""] * (len(rows) - 1) + ["DeSync [s]; dashed: mean; each strip to its own height"]
    assert "Inter-class" in [text.get_text() for text in figure.axes[0].findobj(Text)]
