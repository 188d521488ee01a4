import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.clap_score import clap_score
from metrics.imagebind_score import imagebind_score

PROPERTY = settings(max_examples=40)
BOTH = pytest.mark.parametrize("score", [clap_score, imagebind_score])


@BOTH
def test_score_is_the_cosine_of_each_pair(score):
    a = [[1.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 4.0]]
    b = [[5.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [-4.0, 3.0]]
    assert score(a, b) == pytest.approx([1.0, np.sqrt(0.5), -1.0, 0.0], abs=1e-15)


@BOTH
@PROPERTY
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-200, 1e200))
def test_length_of_an_embedding_does_not_matter(score, seed, scale):
    a, b = np.random.default_rng(seed).normal(size=(2, 4, 6))
    np.testing.assert_allclose(score(scale * a, b / scale), score(a, b), atol=1e-12)
    assert (np.abs(score(a, a)) <= 1.0).all()


@BOTH
def test_score_is_symmetric_and_keeps_to_its_row(score):
    a, b = np.random.default_rng(3).normal(size=(2, 5, 8))
    np.testing.assert_array_equal(score(a, b), score(b, a))
    np.testing.assert_array_equal(score(a, b)[1:3], score(a[1:3], b[1:3]))


@BOTH
def test_mean_equals_the_reference_tool(score, golden):
    inputs, expected = golden("COSINE", "cos")
    # Float32 sums of 512 products there.
    assert score(inputs["a"], inputs["b"]).mean() == pytest.approx(expected["mean_cosine"], abs=1e-8)


@pytest.mark.parametrize(
    ("score", "first", "second"), [(clap_score, "text", "audio"), (imagebind_score, "video", "audio")]
)
def test_bad_embeddings_are_named(score, first, second):
    good = np.ones((3, 4))
    silent = np.array([[1.0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]])
    for arguments, message in [
        ((silent, good), f"{first}: sample 1 of 3 has length zero, so no direction"),
        ((good, silent * np.nan), f"{second}: sample 0 of 3 is not finite"),
        ((good[:0], good[:0]), f"{first}: needs at least 1 sample, got 0"),
        ((good, good[:2]), f"{first} and {second}: rows are paired, so expected as many, got 3 and 2"),
        ((good, np.ones((3, 5))), f"{first} and {second}: expected as many columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            score(*arguments)
