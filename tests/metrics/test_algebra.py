import numpy as np
import pytest

from metrics.algebra import gram, lower_factor, product, singular, solve_transposed


@pytest.mark.parametrize("turn", [(False, False), (True, False), (False, True), (True, True)])
def test_product_is_that_of_numpy_in_every_layout(turn):
    rng = np.random.default_rng(0)
    left = rng.normal(size=(4, 3)).T if turn[0] else rng.normal(size=(3, 4))
    right = rng.normal(size=(5, 4)).T if turn[1] else rng.normal(size=(4, 5))
    np.testing.assert_allclose(product(left, right), left @ right, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(product(left[:, ::2], right[::2]), left[:, ::2] @ right[::2], rtol=1e-13, atol=1e-13)


def test_factors_make_up_the_matrix():
    rows = np.random.default_rng(1).normal(size=(9, 4))
    covariance = gram(rows)
    np.testing.assert_allclose(covariance, rows.T @ rows, rtol=1e-13)
    lower = lower_factor(covariance)
    np.testing.assert_allclose(lower @ lower.T, covariance, rtol=1e-12)
    np.testing.assert_allclose(lower.T @ solve_transposed(lower, np.eye(4)), np.eye(4), atol=1e-12)
    vectors, values = singular(rows[:4])
    assert (np.diff(values) <= 0.0).all()
    np.testing.assert_allclose((vectors * values**2) @ vectors.T, rows[:4] @ rows[:4].T, atol=1e-12)
    assert lower_factor(np.diag([1.0, -1.0])) is None
