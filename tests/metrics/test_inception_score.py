import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.inception_score import ResampledInception, inception_score, run_bounds
from metrics.uncertainty.resampling import units

PROPERTY = settings(max_examples=30)


def test_certain_and_evenly_spread_classes_score_the_number_of_classes():
    logits = 1000.0 * np.eye(5)[np.arange(60) % 5]
    assert inception_score(logits, splits=1) == pytest.approx((5.0, 0.0))


def test_equal_rows_score_one():
    assert inception_score(np.tile([0.3, -2.0, 1.0], (20, 1))) == pytest.approx((1.0, 0.0))


def test_one_sample_a_run_scores_one():
    assert inception_score(np.random.default_rng(0).normal(size=(10, 7))) == pytest.approx((1.0, 0.0))


@PROPERTY
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(10, 30), classes=st.integers(1, 12), scale=st.floats(0, 100))
def test_score_lies_between_one_and_the_number_of_classes(seed, n, classes, scale):
    mean, deviation = inception_score(scale * np.random.default_rng(seed).normal(size=(n, classes)))
    assert 1.0 <= mean <= classes * (1 + 1e-12)
    assert deviation >= 0.0


def test_a_constant_added_to_a_row_changes_nothing():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(30, 6))
    assert inception_score(logits + rng.normal(size=(30, 1)) * 100) == pytest.approx(inception_score(logits), rel=1e-10)


def test_order_of_the_rows_counts_only_when_there_are_several_runs():
    logits = 3 * np.random.default_rng(2).normal(size=(40, 6))
    assert inception_score(logits[::-1], splits=1) == pytest.approx(inception_score(logits, splits=1), rel=1e-12)
    assert inception_score(logits[::-1]) != pytest.approx(inception_score(logits), rel=1e-6)


def test_seed_decides_the_runs_and_global_state_does_not():
    logits = 3 * np.random.default_rng(2).normal(size=(40, 6))
    first = inception_score(logits)
    np.random.seed(5)  # noqa: NPY002 - the point of the test
    assert inception_score(logits) == first
    assert inception_score(logits, seed=1) != first


@pytest.mark.parametrize("count", [10, 11, 25, 511, 560])
def test_runs_cover_every_row_once(count):
    bounds = run_bounds(count, 10)
    assert [row for a, b in bounds for row in range(a, b)] == list(range(count))
    assert max(b - a for a, b in bounds) - min(b - a for a, b in bounds) <= 1


@pytest.mark.parametrize("case", ["is_560", "is_511", "is_25", "is_10"])
def test_score_equals_av_benchmark(golden, case):
    inputs, expected = golden("IS", case)
    assert inception_score(inputs["logits"]) == pytest.approx((expected["mean"], expected["std"]), rel=1e-9, abs=1e-9)
    assert inception_score(inputs["logits"], splits=1)[0] == pytest.approx(expected["mean_one_split"], rel=1e-9)


def test_fewer_samples_than_runs_are_refused_where_the_reference_gives_nan(golden):
    inputs, expected = golden("IS", "is_7")
    assert expected["mean"] is None
    with pytest.raises(
        ValueError, match="7 samples cannot fill 10 splits; score at least 10 samples or pass a smaller"
    ):
        inception_score(inputs["logits"])
    assert inception_score(inputs["logits"], splits=1)[0] == pytest.approx(expected["mean_one_split"], rel=1e-9)


@pytest.mark.parametrize(
    ("logits", "splits", "message"),
    [
        (np.zeros((0, 4)), 10, "logits: needs at least 1 sample, got 0"),
        (np.zeros((4, 0)), 1, r"logits: expected shape \(n, classes\), one row per sample, got \(4, 0\)"),
        (np.zeros((4, 4)), 0, "splits: expected a whole number from 1 on, got 0"),
        (np.zeros((4, 4)), 2.5, r"splits: expected a whole number from 1 on, got 2\.5"),
        ([[0.0], [np.nan]], 1, "logits: sample 1 of 2 is not finite"),
    ],
)
def test_bad_arguments_are_refused(logits, splits, message):
    with pytest.raises(ValueError, match=message):
        inception_score(logits, splits=splits)


def test_scores_of_many_samples_at_once_are_those_one_by_one(monkeypatch):
    logits = 3 * np.random.default_rng(4).normal(size=(61, 9))
    logits[:, 0] = -800.0  # underflows in every row
    pairs = np.stack([np.arange(61), np.arange(61)[::-1]], axis=1)
    scorer = ResampledInception(logits)
    counts = units(61, pairs).resamples(20, seed=1, needs=scorer.needs)
    one_by_one = scorer(counts)
    module = sys.modules["metrics.inception_score"]  # the package has the function under this name
    monkeypatch.setattr(module, "ROW_BY_ROW", 0)
    monkeypatch.setattr(module, "BATCH", 6)
    np.testing.assert_allclose(scorer(counts), one_by_one, rtol=1e-12)
    assert one_by_one.std() > 0
