import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from benchmark.ratings import correlation
from benchmark.ratings.correlation import (
    ResampledKendall,
    ResampledSpearman,
    interval_of_answers,
    interval_of_models,
    kendall_correlation,
    kendall_correlations,
    rank_correlation,
    rank_correlations,
    why_none,
)


def test_both_correlations_allow_for_equal_values():
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 5, 60).astype(float), rng.integers(0, 5, 60).astype(float)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    assert kendall_correlation(a, b) == pytest.approx(kendalltau(a, b).statistic, abs=1e-12)


def test_kendalls_tau_counts_pairs_in_order():
    assert kendall_correlation(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 4, 3])) == pytest.approx(4 / 6)


@pytest.mark.parametrize("correlate", [rank_correlation, kendall_correlation])
def test_a_constant_side_has_no_correlation(correlate):
    assert np.isnan(correlate(np.ones(4), np.arange(4.0)))
    assert np.isnan(correlate(np.arange(4.0), np.ones(4)))


def test_the_interval_over_models_is_that_of_the_resampled_orders():
    scores = np.array([1.0, 2.0, 3.0])
    resampled = np.array([[1.0, 2.0, 3.0]] * 90 + [[1.0, 3.0, 2.0]] * 10)
    assert interval_of_models(scores, resampled, "spearman", 0.95).ends == pytest.approx((0.5, 1.0))
    assert interval_of_models(scores, resampled, "kendall", 0.95).ends == pytest.approx((1 / 3, 1.0))
    assert interval_of_models(scores, resampled, "spearman", 0.6).ends == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("missing", [[2.0, 2.0, 2.0], [1.0, 2.0, np.nan]])
def test_more_than_one_resample_in_a_hundred_without_a_correlation_leaves_no_interval(missing):
    scores, whole = np.array([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]
    assert interval_of_models(scores, np.array([whole] * 198 + [missing] * 2), "spearman", 0.95).ends == (1.0, 1.0)
    found = interval_of_models(scores, np.array([whole] * 197 + [missing] * 3), "spearman", 0.95)
    assert (found.ends, found.reason) == (None, "3 of 200 resamples have no correlation")


@pytest.mark.parametrize(
    ("scores", "points", "reason"),
    [
        ([1, 2], [1, 2], "too few to correlate: 2 of at least 3 models"),
        ([], [], "too few to correlate: 0 of at least 3 models"),
        ([1, 1, 1], [1, 2, 3], "all models have the same score"),
        ([1, 2, 3], [2, 2, 2], "all models have the same mean rating"),
        ([1, 2, 2], [2, 2, 1], ""),
    ],
)
def test_why_there_is_no_correlation_is_told(scores, points, reason):
    scores, points = np.array(scores, dtype=float), np.array(points, dtype=float)
    assert why_none(scores, points, "models") == reason
    if len(scores) >= 3:
        assert np.isnan(rank_correlation(scores, points)) == bool(reason)


def test_many_correlations_at_once_are_those_one_by_one():
    rng = np.random.default_rng(3)
    a, rows = rng.integers(0, 4, 8).astype(float), rng.integers(0, 4, (30, 8)).astype(float)
    assert rank_correlations(a, rows) == pytest.approx([spearmanr(a, row).statistic for row in rows])
    assert kendall_correlations(a, rows) == pytest.approx([kendalltau(a, row).statistic for row in rows])


@pytest.mark.parametrize(("resampled", "theirs"), [(ResampledSpearman, spearmanr), (ResampledKendall, kendalltau)])
def test_a_correlation_of_a_resample_is_that_of_its_rows(resampled, theirs, monkeypatch):
    monkeypatch.setattr(correlation, "MOST_CELLS", 120)  # three resamples of 40 at a time
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 5, 40).astype(float), rng.integers(0, 5, 40).astype(float)
    counts = rng.multinomial(40, np.full(40, 1 / 40), size=10)
    expected = [theirs(np.repeat(a, row), np.repeat(b, row)).statistic for row in counts]
    assert resampled(a, b)(counts) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["spearman", "kendall"])
def test_the_interval_over_answers_holds_the_correlation(method):
    rng = np.random.default_rng(3)
    a = rng.normal(size=60)
    b = a + rng.normal(size=60)
    groups = np.repeat(np.arange(20), 3)
    found = interval_of_answers(a, b, method, groups, resamples=200, seed=0, level=0.95)
    value = {"spearman": rank_correlation, "kendall": kendall_correlation}[method](a, b)
    assert found.low < value < found.high


@pytest.mark.parametrize("a", [[1, 2, 3, 4], [1, 1, 2, 2]])
def test_few_answers_have_an_interval_by_both_methods_or_by_none(a):
    groups = np.arange(len(a))
    a, b = np.array(a, dtype=float), np.array([2.0, 1.0, 4.0, 3.0])
    found = [
        interval_of_answers(a, b, method, groups, resamples=200, seed=0, level=0.95)
        for method in ("spearman", "kendall")
    ]
    assert len({one.reason for one in found}) == 1
