import numpy as np
import pytest

from metrics.desync import OFFSETS_SECONDS, desync


def votes(*seconds):
    """Logits (1, 2, 21) of one sample with a window voting for each of these offsets."""
    return -np.abs(OFFSETS_SECONDS - np.array(seconds)[:, np.newaxis])[np.newaxis]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(0.0, 0.0, 0.0, id="in step"),
        pytest.param(0.2, 0.2, 0.2, id="one class out"),
        pytest.param(-0.6, 0.6, 0.6, id="opposite offsets do not cancel"),
        pytest.param(2.0, 0.0, 1.0, id="one window out"),
        pytest.param(-2.0, 2.0, 2.0, id="the ends of the grid"),
    ],
)
def test_score_is_the_mean_of_the_absolute_votes(first, last, expected):
    assert desync(votes(first, last)) == pytest.approx([expected], abs=1e-12)


def test_only_the_largest_class_counts():
    logits = np.random.default_rng(0).normal(size=(6, 2, 21))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_array_equal(desync(logits), desync(probabilities))


def test_first_of_equal_classes_wins():
    assert desync(np.zeros((1, 2, 21))) == pytest.approx([2.0])


def test_sample_does_not_depend_on_its_batch():
    logits = np.random.default_rng(7).normal(size=(9, 2, 21)).astype(np.float32)
    np.testing.assert_array_equal(desync(logits)[4:5], desync(logits[4:5]))


def test_every_sample_equals_av_benchmark(golden):
    inputs, expected = golden("DESYNC", "aggregate")
    scores = desync(inputs["logits"])
    assert scores == pytest.approx(expected["per_clip"], abs=1e-7)  # its grid is float32
    assert scores.mean() == pytest.approx(expected["desync"], abs=1e-7)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (np.zeros((3, 21)), r"expected shape \(n, 2, 21\), got \(3, 21\)"),
        (np.zeros((3, 2, 20)), r"expected shape \(n, 2, 21\), got \(3, 2, 20\)"),
        (np.zeros((0, 2, 21)), "needs at least 1 sample, got 0"),
        (np.concatenate([votes(0.0, 0.0), votes(0.0, np.nan), votes(np.inf, 0.0)]), "sample 1 of 3 is not finite"),
    ],
)
def test_bad_logits_are_refused(logits, message):
    with pytest.raises(ValueError, match=f"offset_logits: {message}"):
        desync(logits)
