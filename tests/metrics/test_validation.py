import numpy as np
import pytest

from metrics.validation import numbers, same_dimension, same_length, samples


def test_float64_is_taken_as_it_is_and_other_numbers_are_converted():
    rows = np.ones((2, 3))
    assert numbers(rows, "x") is rows
    for other in ([[1, 2], [3, 4]], np.ones((2, 2), np.float16), np.array([[True, False]])):
        assert samples(other, "x").dtype == np.float64


def test_torch_tensors_are_taken():
    import torch

    np.testing.assert_array_equal(samples(torch.eye(2), "x"), np.eye(2))


@pytest.mark.parametrize("values", [[["a", "b"]], [[1, None]], np.array([[1 + 0j]])])
def test_what_is_no_real_number_is_refused(values):
    with pytest.raises(ValueError, match=r"x: expected real numbers, got dtype"):
        numbers(values, "x")


def test_first_bad_sample_is_named_even_where_several_are():
    rows = np.ones((5, 3))
    rows[3, 1], rows[1, 2] = np.inf, np.nan
    with pytest.raises(ValueError, match=r"^x: sample 1 of 5 is not finite$"):
        samples(rows, "x")


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (2, 0), ()])
def test_what_is_no_matrix_is_refused(shape):
    with pytest.raises(ValueError, match=r"x: expected shape \(n, d\), one row per sample, got"):
        samples(np.ones(shape), "x")


def test_messages_give_both_sizes():
    with pytest.raises(ValueError, match=r"a and b: expected as many columns, got \(2, 3\) and \(2, 4\)"):
        same_dimension(np.ones((2, 3)), "a", np.ones((2, 4)), "b")
    with pytest.raises(ValueError, match="a and b: rows are paired, so expected as many, got 2 and 5"):
        same_length(np.ones((2, 3)), "a", np.ones((5, 3)), "b")
