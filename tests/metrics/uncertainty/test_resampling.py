import numpy as np
import pandas as pd
import pytest

from metrics.uncertainty import resampling
from metrics.uncertainty.resampling import Needs, scores_of, units


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


def test_draws_are_small_shared_and_read_only():
    pairs = np.stack([np.arange(30), np.arange(30)[::-1]], axis=1)
    first, again = units(30, pairs).resamples(50, seed=4), units(30, pairs).resamples(50, seed=4, needs=Needs(rows=2))
    assert first is again
    assert first.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1
    assert (units(30, pairs).resamples(50, seed=5) != first).any()
    assert (units(30).resamples(50, seed=4) != first).any()


@pytest.mark.parametrize("size", [7, 64])
def test_draws_do_not_depend_on_how_many_are_made_at_once(monkeypatch, size):
    monkeypatch.setattr(resampling, "REMEMBERED", 0)
    whole = units(size).resamples(31, seed=6)
    monkeypatch.setattr(resampling, "AT_ONCE", 4 * size * 3)
    np.testing.assert_array_equal(units(size).resamples(31, seed=6), whole)
    expected = np.random.default_rng(6).integers(size, size=(31, size))
    np.testing.assert_array_equal(whole, [np.bincount(row, minlength=size) for row in expected])


def test_counts_beyond_a_byte_are_kept():
    drawn = units(2, [("a", "b"), ("b", "a")]).counts(np.array([[300, 2]]))
    np.testing.assert_array_equal(drawn, [[600, 600]])


def test_scores_get_whole_numbers_a_stretch_at_a_time(monkeypatch):
    monkeypatch.setattr(resampling, "AT_ONCE", 12)
    seen = []

    def total(counts):
        seen.append((counts.dtype, len(counts)))
        return counts.sum(axis=1) * 1000.0

    counts = np.arange(20, dtype=np.uint8).reshape(5, 4)
    np.testing.assert_array_equal(scores_of(total, counts), counts.sum(axis=1) * 1000.0)
    assert seen == [(np.int64, 3), (np.int64, 2)]


def test_members_and_pairs_of_units_that_share_samples():
    drawn = units(4, [("a", "b"), ("b", "a"), ("c", "c"), ("a", "c")])
    found, rows = drawn.members()
    assert list(zip(found.tolist(), rows.tolist(), strict=True)) == [
        (0, 0), (0, 3), (0, 1), (1, 1), (1, 0), (2, 2), (2, 3)
    ]  # fmt: skip
    assert drawn.pairs_within(5).tolist() == [[0, 0, 1], [0, 0, 3], [0, 1, 3], [1, 0, 1], [2, 2, 3]]
    assert drawn.pairs_within(4) is None
    assert units(3).pairs_within(0).shape == (0, 3)
