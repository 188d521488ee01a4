import numpy as np
import pytest

from metrics.moments import Moments, moments, row_parts, streamed_moments


def rows_far_from_zero(n=500, d=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 1e6


@pytest.mark.parametrize("cuts", [[250], [1, 2, 499], [100, 200, 300, 400], []])
def test_parts_have_the_moments_of_the_whole(cuts):
    rows = rows_far_from_zero()
    found = streamed_moments(np.split(rows, cuts))
    assert found.count == 500
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.covariance, np.cov(rows, rowvar=False), rtol=1e-7, atol=1e-7)
    # The squares of values near 1e6 would have lost all but three digits of a variance near 7.


def test_merging_is_symmetric_and_exact_for_shares_of_two():
    one, other = moments([[0.0, 0.0], [2.0, 4.0]]), moments([[4.0, 0.0], [6.0, 4.0]])
    for merged in (one.merged(other), other.merged(one)):
        np.testing.assert_array_equal(merged.mean, [3.0, 2.0])
        np.testing.assert_array_equal(merged.scatter, [[20.0, 8.0], [8.0, 16.0]])


def test_row_parts_make_up_the_set():
    assert [(part.start, part.stop) for part in row_parts(5000)] == [(0, 2048), (2048, 4096), (4096, 5000)]
    assert list(row_parts(0)) == []


def test_moments_that_cannot_be_had_are_refused():
    with pytest.raises(ValueError, match="parts: needs at least 1 part, got none"):
        streamed_moments([])
    with pytest.raises(ValueError, match="covariance: needs at least 2 samples, got 1"):
        _ = moments([[1.0]]).covariance
    with pytest.raises(ValueError, match="expected as many columns, got 1 and 2"):
        moments([[1.0]]).merged(Moments(1, np.zeros(2), np.zeros((2, 2))))
    with pytest.raises(ValueError, match="rows: sample 1 of 2 is not finite"):
        moments([[1.0], [np.nan]])
