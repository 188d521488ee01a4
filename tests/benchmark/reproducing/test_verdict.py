"""The verdict on one number: inside, outside, or why it cannot be told."""

import numpy as np
import pytest

from benchmark.reproducing.verdict import half_width, verdict
from benchmark.runs import MetricValue
from metrics.registry import get_metric
from metrics.uncertainty.bootstrap import bootstrap_mean

KL, FAD = get_metric("kl"), get_metric("fad")  # of each sample, and of the whole set


def value(value=1.5, ci95=(1.4, 1.6), n=560, reason=None):
    return MetricValue(value=value, ci95=ci95, n=n, unit="", better="lower", version=1, reason=reason)


@pytest.mark.parametrize(
    ("printed", "half"), [("51.7", 0.05), ("0.2927", 5e-5), ("12", 0.5), ("-0.30", 0.005), ("1.5e2", 5.0)]
)
def test_rounding_may_hide_half_of_the_last_printed_place(printed, half):
    assert half_width(printed) == half


def test_what_is_no_number_has_no_last_place():
    with pytest.raises(ValueError, match="printed: expected a number in digits, got '–'"):
        half_width("–")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        pytest.param("1.50", "inside", id="in the middle"),
        pytest.param("1.60", "inside", id="at the end"),
        pytest.param("1.61", "outside", id="beyond the end"),
        pytest.param("1.6", "inside", id="rounded to the end"),
        pytest.param("1.7", "outside", id="0.05 beyond is all that one place hides"),
        pytest.param("1.3", "outside", id="below"),
        pytest.param("1.35", "outside", id="0.05 below, in two places"),
        pytest.param("2", "inside", id="a whole number hides a half"),
    ],
)
def test_a_printed_number_is_inside_where_the_interval_reaches_what_it_may_have_been(printed, expected):
    cell = verdict(KL, printed, value(), column=["1.30", "9.00"])
    assert (cell.verdict, cell.reason) == (expected, "")


def test_the_end_of_an_interval_that_binary_numbers_cannot_hold_counts():
    assert verdict(KL, "51.7", value(value=52.0, ci95=(51.75, 52.3))).verdict == "inside"


@pytest.mark.parametrize(
    ("measured", "more", "reason"),
    [
        (None, {}, "not measured"),
        (value(value=None, ci95=None, reason="needs 2 samples, there are 1"), {}, "no value: needs 2 samples"),
        (value(ci95=None, reason="no interval: 4 groups"), {}, "no interval: 4 groups"),
        (value(ci95=None), {}, "no interval"),
        (value(), {"untrained": True}, "random weights"),
        (value(), {"column": ["1.45", "1.55"]}, "at n = 560 the interval holds every number of the column"),
    ],
)
def test_what_cannot_be_told_says_why(measured, more, reason):
    cell = verdict(KL, "1.50", measured, **more)
    assert cell.verdict == "cannot be told"
    assert cell.reason.startswith(reason)


def test_a_score_of_a_set_is_not_held_against_one_of_another_size_and_a_mean_is():
    few = value(n=40)
    assert verdict(FAD, "1.50", few, published_n=560).reason == (
        "a score of a whole set depends on n: 40 here, 560 published"
    )
    assert verdict(FAD, "1.50", few, published_n=40).verdict == "inside"
    assert verdict(FAD, "1.50", few).reason == "a score of a whole set depends on n: 40 here, not stated in print"
    assert verdict(KL, "1.50", few, published_n=560).verdict == "inside"


def test_a_column_of_one_number_tells_nothing_about_the_width():
    assert verdict(KL, "1.50", value(), column=["1.50", "1.50"]).verdict == "inside"


def test_the_cell_keeps_what_the_verdict_rests_on():
    cell = verdict(KL, "1.9", value())
    assert (cell.metric, cell.printed, cell.half_width, cell.value, cell.ci95, cell.n) == (
        "kl", "1.9", 0.05, 1.5, (1.4, 1.6), 560,
    )  # fmt: skip


def test_a_true_number_is_outside_as_rarely_as_the_interval_says():
    random, outside = np.random.default_rng(5), 0
    for _ in range(400):
        column = random.normal(1.5, 1.0, size=150)
        interval = bootstrap_mean(column, resamples=400, seed=0)
        measured = value(float(column.mean()), interval.ends, 150)
        outside += verdict(KL, "1.50000", measured, column=["1.50000", "9"]).verdict == "outside"
    assert 0.02 < outside / 400 < 0.09  # 5 %, give or take three standard errors of 400 draws
