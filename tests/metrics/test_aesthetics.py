"""Aesthetics: which rating is which, and what is refused."""

import numpy as np
import pytest

from metrics.aesthetics import AXES, aesthetics
from metrics.registry import get_metric


def test_ratings_are_named_in_the_order_of_the_published_predictor():
    found = aesthetics([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    np.testing.assert_array_equal(found.enjoyment, [1, 5])
    np.testing.assert_array_equal(found.usefulness, [2, 6])
    np.testing.assert_array_equal(found.complexity, [3, 7])
    np.testing.assert_array_equal(found.quality, [4, 8])


@pytest.mark.parametrize("axis", AXES)
def test_each_row_shows_the_axis_whose_name_it_bears(axis):
    row = get_metric(axis.lower())
    assert row.label == axis
    assert getattr(aesthetics(np.arange(4.0)[None]), row.field) == [AXES.index(axis)]


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (np.zeros((2, 3)), r"ratings: expected shape \(n, 4\), for CE, CU, PC, PQ, got \(2, 3\)"),
        ([[0.0, 0, 0, 0], [0, np.nan, 0, 0]], "ratings: sample 1 of 2 is not finite"),
        (np.zeros((0, 4)), "ratings: needs at least 1 sample"),
    ],
)
def test_what_is_no_set_of_ratings_is_refused(ratings, message):
    with pytest.raises(ValueError, match=message):
        aesthetics(ratings)
