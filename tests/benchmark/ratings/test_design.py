import numpy as np
import pandas as pd
import pytest

from benchmark.ratings.design import draw, estimate, with_error


def draws_of(raters, scenes):
    table = pd.DataFrame([(f"p{r}", f"s{s}") for r in range(raters) for s in range(scenes)])
    return draw(table.set_axis(["rater", "sample_id"], axis=1), resamples=20, seed=0)


def test_the_variance_of_a_mean_holds_raters_scenes_and_single_ratings_once_each():
    rng = np.random.default_rng(4)
    sums = rng.normal(0, 0.5, (4, 5)) + 2 * np.arange(4)[:, np.newaxis] + 2 * np.arange(5)
    far = (sums - sums.mean()) / 20
    by_rater = sum(row.sum() ** 2 for row in far) * 4 / 3
    by_scene = sum(column.sum() ** 2 for column in far.T) * 5 / 4
    found = estimate(draws_of(4, 5), sums, np.ones((4, 5)))
    assert found.value == pytest.approx(sums.mean())
    assert found.error == pytest.approx((by_rater + by_scene - (far**2).sum()) ** 0.5)


def test_a_variance_that_comes_out_too_small_is_bounded_for_a_mean_by_the_larger_part_for_a_contrast_by_the_smaller():
    influence = np.outer([1.0, -1.0, 0.0], [1.0, -0.8, 0.1])  # raters differ, scenes cancel out
    by_rater = 2 * 0.3**2 * 3 / 2
    errors = [
        with_error(draws_of(3, 3), 0.0, np.zeros(20), influence, np.ones((3, 3)), contrast=contrast).error
        for contrast in (False, True)
    ]
    assert errors == pytest.approx([by_rater**0.5, 0.0], abs=1e-12)
