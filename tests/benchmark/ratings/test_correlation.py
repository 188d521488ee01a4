import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from benchmark.ratings.correlation import interval_of_models, kendall_correlation, rank_correlation


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
