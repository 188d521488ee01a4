import numpy as np
import pandas as pd
import pytest
from support.rated_studies import preferences

from benchmark.ratings.opinion import Opinion
from benchmark.ratings.preference import rank
from benchmark.ratings.reading import answers_of_table
from benchmark.report.figures.opinions import opinion_figure, rating_scatter
from benchmark.report.figures.preferences import strength_figure, win_figure
from metrics.registry import get_metric
from metrics.uncertainty.intervals import Interval


def opinion(model, criterion, mean, reach=0.2, reason=None):
    ends = (None, None) if reason else (mean - reach, mean + reach)
    return Opinion("inter", model, criterion, "", mean, Interval(*ends, 0.95, "percentile", reason), 20, 5, 4)


def dots(axes):
    """Values by row, and ends of the lines by row; the rows are named at the first of the panels."""
    names = [text.get_text() for text in axes.figure.axes[0].get_yticklabels()]
    found, ends = {}, {}
    for line in axes.lines:
        x, y = line.get_xdata(), line.get_ydata()
        if len(x) == 1:
            found[names[int(y[0])]] = float(x[0])
        elif y[0] == y[1]:
            ends[names[int(y[0])]] = tuple(map(float, x))
    return found, ends


def test_opinions_are_dots_with_their_intervals_on_the_whole_scale_best_on_top():
    found = [opinion("poor", "AQ", 1.0, 0.0), opinion("good", "AQ", 4.2), opinion("poor", "TA", 2.0),
             opinion("good", "TA", 3.0)]  # fmt: skip
    figure = opinion_figure(found, (1, 5))
    first, second = figure.axes
    assert [text.get_text() for text in first.get_yticklabels()] == ["good", "poor"]
    assert first.get_ylim()[0] > first.get_ylim()[1]  # the first row is the highest
    assert dots(first) == ({"poor": 1.0, "good": 4.2}, {"poor": (1.0, 1.0), "good": (4.0, pytest.approx(4.4))})
    assert dots(second)[0] == {"poor": 2.0, "good": 3.0}
    low, high = first.get_xlim()
    assert low < 1 < 5 < high  # a mean of 1 is seen
    assert [axes.get_title() for axes in figure.axes] == ["AQ: audio quality", "TA: text-audio alignment"]


def test_an_opinion_without_an_interval_is_hollow_with_the_reason_below():
    reason = "too few to resample: 1 of at least 3 raters"
    figure = opinion_figure([opinion("a", "AQ", 3.0, reason=reason), opinion("b", "AQ", 4.0)], (1, 5))
    (axes,) = figure.axes
    filled = {line.get_ydata()[0]: line.get_markerfacecolor() for line in axes.lines if len(line.get_xdata()) == 1}
    assert filled[1] == "white" != filled[0]  # b is on top
    assert figure._supxlabel.get_text() == f"hollow: {reason}"


def test_more_criteria_than_fit_go_on_in_a_second_row():
    found = [opinion(model, name, 3.0) for model in "ab" for name in ("AQ", "TA", "VA", "mood")]
    shown = [axes for axes in opinion_figure(found, (1, 5)).axes if axes.get_visible()]
    assert [axes.get_title().partition(":")[0] for axes in shown] == ["AQ", "TA", "VA", "mood"]


def ranked(table):
    return rank(answers_of_table(table, "made"), seed=0, resamples=60)


def test_strengths_are_dots_around_a_line_at_zero_the_strongest_on_top():
    found = ranked(preferences({"x": -0.5, "y": 0.0, "z": 0.5}, -1.0, seed=1))
    (axes,) = strength_figure(found.strengths).axes
    values, ends = dots(axes)
    assert list(values) == ["z", "y", "x"]
    for one in found.strengths:
        assert values[one.model] == one.strength
        assert ends[one.model] == one.interval.ends
    assert any(list(line.get_xdata()) == [0.0, 0.0] for line in axes.lines)


def test_a_share_of_wins_counts_a_tie_one_half_and_the_rows_won_it():
    table = preferences({"x": -0.5, "y": 0.0, "z": 0.5}, 0.5, seed=1)
    found = ranked(table)
    (axes,) = win_figure(found.strengths, found.comparisons).axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == [text.get_text() for text in axes.get_xticklabels()] == ["z", "y", "x"]
    pair = table[(table["model_a"] == "x") & (table["model_b"] == "z")]["AQ"]
    share = (pair == "a").mean() + (pair == "tie").mean() / 2
    values = np.asarray(axes.images[0].get_array())
    assert values[names.index("x"), names.index("z")] == pytest.approx(share)
    assert values[names.index("z"), names.index("x")] == pytest.approx(1 - share)
    texts = [text.get_text() for text in axes.texts]
    assert f"{100 * share:.0f}%" in texts
    assert texts.count(str(len(pair))) >= 2


def test_models_that_never_met_have_a_dash_and_open_strengths_no_dot():
    table = preferences({"x": -0.5, "y": 0.0, "z": 0.5}, -1.0, seed=1)
    table = table[~((table["model_a"] == "x") & (table["model_b"] == "z"))]
    table.loc[table["model_b"] == "z", "AQ"] = "b"
    found = ranked(pd.concat([table]))
    (axes,) = win_figure(found.strengths, found.comparisons).axes
    assert [text.get_text() for text in axes.texts].count("–") == 2
    figure = strength_figure(found.strengths)
    assert dots(figure.axes[0]) == ({}, {})
    assert figure._supxlabel.get_text().startswith("no dot: z won every choice against the other models")


def test_the_scatter_has_a_dot_per_answer_and_the_correlation_oriented_as_people_prefer():
    answers = pd.DataFrame({"kl": [0.1, 0.5, 0.9, np.nan], "AQ": [5.0, 4.0, 1.0, 3.0]})
    figure = rating_scatter(answers, [get_metric("kl")], ["AQ"], "inter")
    (axes,) = figure.axes
    assert len(axes.collections[0].get_offsets()) == 3
    assert axes.get_title() == "Spearman 1.00"  # lower is better
