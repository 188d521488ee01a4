import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from benchmark.ratings.correlation import (
    ResampledKendall,
    interval_of_answers,
    interval_of_models,
    kendall_correlation,
    kendall_correlations,
    rank_correlation,
    rank_correlations,
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
    assert interval_of_models(scores, resampled, "spearman", 0.95) == pytest.approx((0.5, 1.0))
    assert interval_of_models(scores, resampled, "kendall", 0.95) == pytest.approx((1 / 3, 1.0))


def test_resamples_without_a_correlation_leave_no_interval():
    resampled = np.array([[1.0, 2.0, 3.0]] * 90 + [[2.0, 2.0, 2.0]] * 10)
    assert interval_of_models(np.array([1.0, 2.0, 3.0]), resampled, "spearman", 0.95) is None


def test_many_correlations_at_once_are_those_one_by_one():
    rng = np.random.default_rng(3)
    a, rows = rng.integers(0, 4, 8).astype(float), rng.integers(0, 4, (30, 8)).astype(float)
    assert rank_correlations(a, rows) == pytest.approx([spearmanr(a, row).statistic for row in rows])
    assert kendall_correlations(a, rows) == pytest.approx([kendalltau(a, row).statistic for row in rows])


def test_kendalls_tau_of_a_resample_is_that_of_its_rows():
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 5, 40).astype(float), rng.integers(0, 5, 40).astype(float)
    counts = rng.multinomial(40, np.full(40, 1 / 40), size=10)
    expected = [kendalltau(np.repeat(a, row), np.repeat(b, row)).statistic for row in counts]
    assert ResampledKendall(a, b)(counts) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["spearman", "kendall"])
def test_the_interval_over_answers_holds_the_correlation(method):
    rng = np.random.default_rng(3)
    a = rng.normal(size=60)
    b = a + rng.normal(size=60)
    groups = np.repeat(np.arange(20), 3)
    found = interval_of_answers(a, b, method, groups, resamples=200, seed=0, level=0.95)
    value = {"spearman": rank_correlation, "kendall": kendall_correlation}[method](a, b)
    assert found.low < value < found.high
