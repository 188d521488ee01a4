import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.kl import kl_divergence

PROPERTY = settings(max_examples=40)


def test_two_classes_give_the_closed_form_in_nats():
    reference, generated = np.log([[0.75, 0.25]]), np.log([[0.5, 0.5]])
    expected = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    assert kl_divergence(reference, generated) == pytest.approx([expected], rel=1e-12)


def test_reference_comes_first():
    certain, open_minded = [[50.0, 0.0]], [[0.0, 0.0]]
    assert kl_divergence(certain, open_minded) == pytest.approx([np.log(2)])
    assert kl_divergence(open_minded, certain) == pytest.approx([25 - np.log(2)])


@PROPERTY
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(1, 20), scale=st.floats(0, 300))
def test_divergence_is_not_negative_and_zero_on_equal_rows(seed, classes, scale):
    a, b = scale * np.random.default_rng(seed).normal(size=(2, 5, classes))
    assert (kl_divergence(a, b) >= 0.0).all()
    assert kl_divergence(a, a) == pytest.approx(np.zeros(5), abs=1e-12)


def test_a_constant_added_to_a_row_changes_nothing():
    a, b = np.random.default_rng(1).normal(size=(2, 6, 9))
    assert kl_divergence(a + 700, b - 700) == pytest.approx(kl_divergence(a, b), rel=1e-10)


def test_sample_does_not_depend_on_its_batch():
    a, b = np.random.default_rng(1).normal(size=(2, 6, 9))
    np.testing.assert_array_equal(kl_divergence(a, b)[2:4], kl_divergence(a[2:4], b[2:4]))


@pytest.mark.parametrize("case", ["kl_560", "kl_3", "kl_sharp"])
def test_mean_equals_av_benchmark(golden, case):
    inputs, expected = golden("KL", case)
    # The tool sums in float32: 1e-7 of the value.
    assert kl_divergence(inputs["ref"], inputs["gen"]).mean() == pytest.approx(expected["kl_softmax"], rel=5e-7)
    backwards = kl_divergence(inputs["gen"], inputs["ref"]).mean()
    assert backwards == pytest.approx(expected["kl_softmax_reversed_direction"], rel=5e-7)


@pytest.mark.parametrize(
    ("reference", "generated", "message"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3)), "reference_logits: needs at least 1 sample, got 0"),
        (np.zeros((2, 3)), np.zeros((3, 3)), "rows are paired, so expected as many, got 2 and 3"),
        (np.zeros((2, 3)), np.zeros((2, 4)), "expected as many columns"),
        (np.zeros((2, 3)), [[0, 0, 0], [0, -np.inf, 0]], "generated_logits: sample 1 of 2 is not finite"),
    ],
)
def test_bad_arguments_are_refused(reference, generated, message):
    with pytest.raises(ValueError, match=message):
        kl_divergence(reference, generated)
