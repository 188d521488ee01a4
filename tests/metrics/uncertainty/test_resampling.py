import numpy as np
import pandas as pd
import pytest

from metrics.uncertainty.resampling import Needs, units


def test_samples_are_drawn_with_replacement_as_often_as_there_are():
    counts = units(6).resamples(4000, seed=1)
    assert counts.shape == (4000, 6)
    assert (counts.sum(axis=1) == 6).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(6), abs=0.06)  # standard error 0.014
    assert np.mean(counts == 0) == pytest.approx((5 / 6) ** 6, abs=0.02)


def test_samples_of_a_group_are_drawn_together():
    groups = ["b", "a", "b", "c", "a", "b"]
    counts = units(6, groups).resamples(200, seed=1)
    assert (counts[:, [0, 2, 5]] == counts[:, [0]]).all()
    assert (counts[:, [1, 4]] == counts[:, [1]]).all()
    assert (counts[:, 0] + counts[:, 1] + counts[:, 3] == 3).all()


def test_sample_of_two_clips_occurs_once_for_every_pair_of_their_copies():
    pairs = [("a", "b"), ("b", "a"), ("a", "c"), ("d", "d")]
    drawn = units(4, pairs)
    assert drawn.size == 4
    np.testing.assert_array_equal(drawn.counts(np.array([[2, 1, 3, 0], [1, 1, 1, 4]])), [[2, 2, 6, 0], [1, 1, 1, 4]])


def test_draws_depend_on_names_not_on_the_order_of_the_rows():
    groups = np.array(["x", "y", "x", "z", "y"])
    order = np.array([3, 0, 4, 1, 2])
    np.testing.assert_array_equal(
        units(5, groups).resamples(50, seed=3)[:, order], units(5, groups[order]).resamples(50, seed=3)
    )


@pytest.mark.parametrize("groups", [["7", "8", "7"], [7, 8, 7], pd.Series(["u", "v", "u"]), np.array([1, 2, 1])])
def test_names_may_be_text_or_numbers(groups):
    np.testing.assert_array_equal(units(3, groups).codes[:, 0], [0, 1, 0])


def test_draws_without_enough_rows_are_repeated():
    pairs = [("a", "b"), ("c", "d"), ("e", "f")]
    drawn = units(3, pairs)
    assert (drawn.resamples(300, seed=0).sum(axis=1) == 1).any()
    kept = drawn.resamples(300, seed=0, needs=Needs(rows=2, different=2))
    assert kept.shape == (300, 3)
    assert ((kept > 0).sum(axis=1) >= 2).all()
    np.testing.assert_array_equal(Needs(rows=3).met(np.array([[0, 2, 0], [2, 1, 0]])), [False, True])


def test_jackknife_leaves_out_one_unit_at_a_time():
    left = np.concatenate(list(units(3, [("a", "b"), ("b", "c"), ("c", "c")]).leave_one_out(batch=2)))
    np.testing.assert_array_equal(left, [[0, 1, 1], [0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize(
    ("count", "level", "enough"), [(4, 0.95, False), (5, 0.95, True), (5, 0.99, False), (2, 0.3, True)]
)
def test_units_must_have_a_resample_for_each_tail(count, level, enough):
    assert (units(count).too_few(level) is None) == enough


def test_reason_counts_the_groups():
    assert units(9, ["a"] * 9).too_few(0.95) == "1 group cannot support a 95 % interval"
    assert units(3).too_few(0.95) == "3 samples cannot support a 95 % interval"


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", "b"], r"groups: expected shape \(3,\) or \(3, k\), one row per sample, got \(2,\)"),
        (np.zeros((3, 2, 2), dtype=int), r"got \(3, 2, 2\)"),
        (["a", None, "b"], r"groups: sample 1 of 3 has no name or number of its group, got \[None\]"),
        ([("a", "b"), ("a", "c"), ("", "b")], "groups: sample 2 of 3 has no name"),
        ([0.5, 1.0, 2.0], "groups: sample 0 of 3 has no name"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        units(3, groups)


def test_no_sample_is_refused():
    with pytest.raises(ValueError, match="bootstrap: needs at least 1 sample, got 0"):
        units(0)
