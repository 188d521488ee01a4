"""Judged selectivity: the judge's own numbers, and what is refused in their place."""

import numpy as np
import pytest

from metrics.judge import judged


def test_the_numbers_are_the_judge_s_own_and_no_opinion_stays_none():
    found = judged([4.5, np.nan, -0.25])
    np.testing.assert_array_equal(found, [4.5, np.nan, -0.25])
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("opinions", "message"),
    [
        ([[1.0], [2.0]], r"opinions: expected shape \(n,\), one value per sample, got \(2, 1\)"),
        ([], "opinions: needs at least 1 sample, got 0"),
        ([1.0, np.inf, -np.inf], "opinions: sample 1 of 3 is inf, expected a finite number"),
        (["good"], "opinions: expected real numbers"),
    ],
)
def test_what_is_no_number_per_sample_is_refused(opinions, message):
    with pytest.raises(ValueError, match=message):
        judged(opinions)
