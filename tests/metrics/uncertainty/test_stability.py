"""Stability of an order and the smallest detectable difference: closed forms, and simulations whose truth is known."""

from statistics import NormalDist

import numpy as np
import pytest

from metrics.fad import ResampledFrechet
from metrics.uncertainty.bootstrap import paired_difference, set_difference
from metrics.uncertainty.seeds import difference_of_sets, difference_with_seeds
from metrics.uncertainty.stability import (
    mean_replicates,
    reversed_share,
    reversed_share_of,
    smallest_detectable,
)

NORMAL = NormalDist()


def test_a_resample_in_which_the_other_is_ahead_counts_one_and_a_tie_one_half():
    assert reversed_share(0.5, np.array([1.0, -1.0, 0.0, 2.0])) == (1 + 0.5) / 4
    assert reversed_share(-0.5, np.array([1.0, -1.0, 0.0, 2.0])) == (2 + 0.5) / 4


def test_runs_that_do_not_differ_have_no_order_to_change():
    assert reversed_share(0.0, np.array([1.0, -1.0])) is None
    assert reversed_share_of(0.0, error=1.0) is None


def test_an_error_alone_gives_the_tail_of_the_normal_distribution():
    assert reversed_share_of(-1.96, error=1.0) == pytest.approx(0.025, abs=1e-4)
    assert reversed_share_of(3.0, error=0.0) == 0.0


def test_the_smallest_detectable_difference_is_the_sum_of_both_quantiles_times_the_error():
    assert smallest_detectable(0.5) == pytest.approx(0.5 * (1.959964 + 0.841621), abs=1e-6)
    assert smallest_detectable(0.5, level=0.9, power=0.5) == pytest.approx(0.5 * 1.644854, abs=1e-6)
    assert smallest_detectable(0.0) == 0.0


@pytest.mark.parametrize(
    ("error", "settings", "message"),
    [
        (-0.1, {}, "error: expected a standard error from 0 on, got -0.1"),
        (float("nan"), {}, "error: expected"),
        (1.0, {"power": 1.0}, "power: expected a share between 0 and 1, got 1.0"),
        (1.0, {"level": 95}, "level: expected a share between 0 and 1, got 95"),
    ],
)
def test_settings_that_make_no_sense_are_named(error, settings, message):
    with pytest.raises(ValueError, match=message):
        smallest_detectable(error, **settings)


def test_a_difference_of_the_smallest_detectable_size_is_found_four_times_out_of_five():
    samples, trials, rng = 120, 400, np.random.default_rng(1)
    least = smallest_detectable(1.0 / np.sqrt(samples))  # the true error of a mean of standard normal differences
    found = 0
    for trial in range(trials):
        differences = rng.normal(least, 1.0, samples)
        interval = paired_difference(differences, np.zeros(samples), resamples=200, flips=99, seed=trial).interval
        found += interval.low > 0.0
    assert found / trials == pytest.approx(0.8, abs=0.06)  # three standard errors of 400 trials


def test_the_error_on_record_is_the_spread_of_the_difference_over_new_samples():
    rng = np.random.default_rng(2)
    draws = rng.normal(0.1, 1.0, (300, 80))
    errors = [paired_difference(row, np.zeros(80), resamples=200, flips=99, seed=0).error for row in draws[:60]]
    assert np.mean(errors) == pytest.approx(draws.mean(axis=1).std(), rel=0.1)


def test_a_run_that_is_one_error_ahead_is_passed_in_every_sixth_resample():
    scores = np.random.default_rng(3).normal(size=200)
    scores += 1.0 / np.sqrt(200) * scores.std() - scores.mean()
    found = paired_difference(scores, np.zeros(200), resamples=4000, seed=0)
    assert found.reversals == pytest.approx(NORMAL.cdf(-1.0), abs=0.02)


def test_runs_that_are_resampled_by_clip_change_places_more_often_than_single_samples_say():
    clips = np.repeat(np.arange(12), 10)
    scores = np.random.default_rng(4).normal(size=12)[clips] + 0.25
    by_clip = paired_difference(scores, np.zeros(120), groups=clips, seed=0)
    alone = paired_difference(scores, np.zeros(120), seed=0)
    assert by_clip.error > 2.5 * alone.error
    assert by_clip.reversals > alone.reversals


def test_a_set_wise_score_has_error_and_reversals_from_the_jackknife():
    reference, noise = np.random.default_rng(5).normal(size=(2, 60, 3))
    first, second = (ResampledFrechet(reference, reference + scale * noise) for scale in (0.4, 0.5))
    found = set_difference(first, second, seed=0)
    assert found.reversals == found.p_value / 2
    reach = (found.interval.high - found.interval.low) / 2
    assert found.error == pytest.approx(reach / 2.001, rel=1e-3)  # Student's t with 59 degrees of freedom
    assert set_difference(first, first, seed=0).reversals is None


def test_seeds_that_differ_make_the_error_larger_and_the_order_less_stable():
    scores = np.random.default_rng(6).normal(0.3, 1.0, 100)
    one = paired_difference(scores, np.zeros(100), seed=0)
    mean = float(scores.mean())
    apart = difference_with_seeds(one, [mean - 0.2, mean, mean + 0.2])
    alike = difference_with_seeds(one, [mean, mean, mean])
    assert apart.error == pytest.approx(np.hypot(one.error, 0.2 / np.sqrt(3)))
    assert alike.error == one.error
    assert apart.reversals > alike.reversals


def test_a_set_wise_score_of_several_seeds_has_the_mean_of_their_errors_and_their_spread():
    reference, noise = np.random.default_rng(5).normal(size=(2, 60, 3))
    runs = [ResampledFrechet(reference, reference + scale * noise) for scale in (0.4, 0.5, 0.55)]
    found = [set_difference(runs[0], run, seed=0) for run in runs[1:]]
    joined = difference_of_sets(found)
    assert joined.error > np.mean([one.error for one in found]) * 0.99
    assert joined.reversals == joined.p_value / 2


def test_all_columns_are_drawn_alike_and_a_missing_score_leaves_its_sample_out():
    scores = np.random.default_rng(7).normal(size=(40, 1)) + np.array([0.0, 1.0, 0.0])
    scores[3, 2] = np.nan
    means = mean_replicates(scores, resamples=100, seed=0)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1.0)
    assert not np.allclose(means[:, 2], means[:, 0])
    kept = mean_replicates(np.delete(scores, 3, axis=0)[:, :1], resamples=4000, seed=0)
    assert mean_replicates(scores, resamples=4000, seed=0)[:, 2].std() == pytest.approx(kept.std(), rel=0.1)


def test_the_replicates_are_those_of_the_paired_test():
    scores = np.random.default_rng(8).normal(0.1, 1.0, (50, 2))
    clips = [f"c{place % 10}" for place in range(50)]
    found = paired_difference(scores[:, 0], scores[:, 1], groups=clips, seed=3)
    means = mean_replicates(scores, groups=clips, seed=3)
    assert (means[:, 0] - means[:, 1]).std() == pytest.approx(found.error, rel=1e-9)


def test_scores_that_are_no_table_are_refused():
    with pytest.raises(ValueError, match=r"scores: expected shape \(n, k\)"):
        mean_replicates([1.0, 2.0], seed=0)
