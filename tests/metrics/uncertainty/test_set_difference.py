import numpy as np
import pytest

from metrics import frechet_audio_distance, inception_score, kernel_audio_distance
from metrics.fad import ResampledFrechet
from metrics.inception_score import ResampledInception
from metrics.kad import ResampledKernel
from metrics.uncertainty.bootstrap import bootstrap_score, set_difference
from metrics.uncertainty.intervals import student_p_value
from metrics.uncertainty.resampling import Needs, units, whole_set


def frechet_difference(reference, a, b, **options):
    return set_difference(*(ResampledFrechet(reference, run) for run in (a, b)), **{"seed": 0, **options})


def kernel_difference(reference, a, b, *, bandwidth_from="generated", **options):
    scorers = [ResampledKernel(reference, run, bandwidth_from=bandwidth_from) for run in (a, b)]
    return set_difference(*scorers, **{"seed": 0, **options})


def inception_difference(a, b, *, splits=10, **options):
    return set_difference(*(ResampledInception(run, splits) for run in (a, b)), **options)


def three_sets(n, d, seed=0, shift=0.0):
    """A reference and two runs that differ from it alike, the second moved further by `shift`."""
    rng = np.random.default_rng(seed)
    reference = rng.normal(size=(n, d))
    a, b = (0.6 * reference + 0.8 * rng.normal(size=(n, d)) + 0.2 for _ in range(2))
    return reference, a, b + shift


@pytest.mark.parametrize("source", ["generated", "reference"])
def test_value_is_the_difference_of_the_scores(source):
    reference, a, b = three_sets(25, 6, shift=0.3)
    fad = frechet_audio_distance(reference, a) - frechet_audio_distance(reference, b)
    kad = [kernel_audio_distance(reference, run, bandwidth_from=source) for run in (a, b)]
    assert frechet_difference(reference, a, b).value == pytest.approx(fad, rel=1e-9)
    assert kernel_difference(reference, a, b, bandwidth_from=source).value == pytest.approx(kad[0] - kad[1], abs=1e-9)
    score = inception_score(a)[0] - inception_score(b)[0]
    assert inception_difference(a, b, seed=0, resamples=40).value == pytest.approx(score, rel=1e-9)


def test_swapping_the_runs_turns_the_sign_only():
    reference, a, b = three_sets(20, 5, shift=0.2)
    for forward, backward in [
        (frechet_difference(reference, a, b), frechet_difference(reference, b, a)),
        (kernel_difference(reference, a, b), kernel_difference(reference, b, a)),
        (inception_difference(a, b, seed=1), inception_difference(b, a, seed=1)),
    ]:
        assert backward.value == pytest.approx(-forward.value)
        assert backward.p_value == pytest.approx(forward.p_value)
        assert backward.interval.ends == pytest.approx((-forward.interval.high, -forward.interval.low))


def test_equal_runs_do_not_differ():
    reference, a, _ = three_sets(20, 5)
    for found in (
        frechet_difference(reference, a, a),
        kernel_difference(reference, a, a),
        inception_difference(a, a, seed=0),
    ):
        assert (found.value, found.p_value, found.interval.ends) == (0.0, 1.0, (0.0, 0.0))


@pytest.mark.parametrize("difference", [frechet_difference, kernel_difference])
def test_runs_of_one_quality_are_seldom_told_apart_and_others_often(difference):
    found = [
        [difference(*three_sets(40, 30, seed, shift)).p_value <= 0.05 for seed in range(40)] for shift in (0.0, 0.3)
    ]
    assert np.mean(found[0]) <= 0.125  # 5 % expected of 40: more than 5 have a chance of 1 %
    assert np.mean(found[1]) >= 0.9


def test_difference_is_known_better_than_the_scores():
    reference, a, b = three_sets(40, 30)
    difference = np.diff(frechet_difference(reference, a, b).interval.ends)
    alone = np.diff(bootstrap_score(ResampledFrechet(reference, a), seed=0, method="jackknife").ends)
    assert difference < alone * np.sqrt(2)


def test_groups_count_as_one_sample_each():
    reference, a, b = (np.repeat(rows, 6, axis=0) for rows in three_sets(10, 4, shift=0.15))
    by_sample = frechet_difference(reference, a, b)
    by_group = frechet_difference(reference, a, b, groups=[i // 6 for i in range(60)])
    assert by_group.p_value > by_sample.p_value
    assert np.diff(by_group.interval.ends) > 2 * np.diff(by_sample.interval.ends)


@pytest.mark.filterwarnings("error")
def test_difference_that_cannot_be_tested_has_no_p_value():
    reference, a, b = three_sets(4, 3)
    found = frechet_difference(reference, a, b)
    assert (found.p_value, found.interval.ends) == (None, None)
    assert found.interval.reason == "4 samples cannot support a 95 % interval"
    found = inception_difference(a, b, splits=2, seed=0)
    assert (found.p_value, found.interval.reason) == (None, "4 samples cannot support a 95 % interval")
    hub = [*(("hub", f"clip{i}") for i in range(7)), ("other", "clip0")]  # without the hub one sample is left
    found = kernel_difference(*three_sets(8, 3), groups=hub)
    assert (found.p_value, found.interval.reason) == (None, "the score is not finite with one unit left out")


def test_runs_of_different_length_are_refused():
    reference, a, b = three_sets(12, 3)
    with pytest.raises(ValueError, match="rows are paired, so expected as many, got 12 and 11"):
        frechet_difference(reference, a, b[1:])
    with pytest.raises(ValueError, match="first and second: rows are paired, so expected as many, got 12 and 11"):
        inception_difference(a, b[1:], seed=0)


def test_different_scores_are_refused():
    reference, a, _ = three_sets(12, 3)
    with pytest.raises(ValueError, match="second: expected ResampledFrechet as the first, got ResampledKernel"):
        set_difference(ResampledFrechet(reference, a), ResampledKernel(reference, a), seed=0)


def test_smooth_scores_are_tested_by_the_jackknife_and_others_by_the_bootstrap():
    reference, a, b = three_sets(12, 3)
    found = frechet_difference(reference, a, b), frechet_difference(reference, a, b, seed=9, resamples=2)
    assert found[0] == found[1]  # no draw
    assert found[0].test == found[0].interval.method == "jackknife"
    drawn = [inception_difference(a, b, seed=seed, resamples=40) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert (drawn[0].test, drawn[0].interval.method) == ("bootstrap", "centred")
    with pytest.raises(ValueError, match="needs at least 40, got 39"):
        inception_difference(a, b, seed=0, resamples=39)


class Mean:
    """A linear score, whose tests have a closed form: the mean of the rows that a resample holds."""

    needs, lower_bound = Needs(), None

    def __init__(self, scores, *, smooth=True):
        self.scores, self.samples, self.smooth = np.asarray(scores), len(scores), smooth

    def __call__(self, counts):
        return counts @ self.scores / counts.sum(axis=1)


def test_the_jackknife_s_test_of_a_mean_is_the_paired_t_test():
    from scipy.stats import ttest_rel

    a, b = np.random.default_rng(5).normal(size=(2, 30))
    b += 0.3
    expected = ttest_rel(a, b)
    assert 0.05 < expected.pvalue < 0.5
    found = set_difference(Mean(a), Mean(b), seed=0)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.interval.ends == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)


@pytest.mark.parametrize("shift", [-0.4, 0.1, 0.9])
def test_the_p_value_of_a_value_and_its_error_is_two_sided_as_in_scipy(shift):
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(1).normal(size=12) + shift
    error = values.std(ddof=1) / np.sqrt(12)
    assert student_p_value(values.mean(), error, 11) == pytest.approx(ttest_1samp(values, 0.0).pvalue, rel=1e-9)


def test_the_bootstrap_s_p_value_is_the_share_of_centred_replicates_by_hand():
    logits = np.random.default_rng(2).normal(size=(2, 25, 4))
    a, b = ResampledInception(2 * logits[0], 5), ResampledInception(2 * logits[1] + [0.6, 0, 0, 0], 5)
    found = set_difference(a, b, seed=7, resamples=200)
    needs = Needs(max(a.needs.rows, b.needs.rows), max(a.needs.different, b.needs.different))
    counts = units(25).resamples(200, 7, needs)
    replicates = a(counts) - b(counts)
    value = float(a(whole_set(25))[0] - b(whole_set(25))[0])
    as_far = int((np.abs(replicates - replicates.mean()) >= abs(value)).sum())
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.p_value == (as_far + 1) / 201
    moved_by_the_value = int((np.abs(replicates - value) >= abs(value)).sum())
    assert as_far != moved_by_the_value  # the bias of resamples tells the two apart
