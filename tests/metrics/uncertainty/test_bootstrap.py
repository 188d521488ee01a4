import numpy as np
import pytest

from metrics import frechet_audio_distance, inception_score, kernel_audio_distance
from metrics.fad import ResampledFrechet
from metrics.inception_score import ResampledInception
from metrics.kad import ResampledKernel
from metrics.uncertainty.bootstrap import Interval, bootstrap_mean, bootstrap_score, bootstrap_set_statistic
from metrics.uncertainty.intervals import interval_from_replicates
from metrics.uncertainty.resampling import units


def paired_sets(n, d, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, d))
    return base, 0.7 * base + rng.normal(size=(n, d)) + 0.3


def test_interval_of_a_mean_is_as_wide_as_the_normal_one():
    values = np.random.default_rng(0).normal(size=400)
    found = bootstrap_mean(values, seed=1, resamples=4000)
    assert found.low < values.mean() < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)


@pytest.mark.parametrize("method", ["percentile", "bca", "centred"])
def test_interval_covers_the_truth_as_often_as_it_says(method):
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(300):
        low, high = bootstrap_mean(rng.exponential(size=40), seed=trial, resamples=300, method=method).ends
        hits += low <= 1.0 <= high
    # 40 skewed values reach 0.92 to 0.94 of the nominal 0.95; standard error of the share 0.015.
    assert 0.88 < hits / 300 < 0.98


def test_bca_equals_an_independent_implementation():
    from scipy.stats import bootstrap

    values = np.random.default_rng(2).gamma(0.7, size=60)
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", random_state=3).confidence_interval
    ours = bootstrap_mean(values, seed=4, resamples=20_000, method="bca")
    plain = bootstrap_mean(values, seed=4, resamples=20_000)
    noise = 0.03 * (ours.high - ours.low)  # of the ends, from the draws
    assert ours.ends == pytest.approx((theirs.low, theirs.high), abs=noise)
    assert plain.low < ours.low - noise / 3  # the correction for skewness moves both ends up
    assert plain.high < ours.high - noise


def test_interval_by_group_is_that_of_the_group_means():
    means = np.random.default_rng(1).normal(size=12)
    names = [f"clip{i:02}" for i in range(12)]
    by_group = bootstrap_mean(np.repeat(means, 8), groups=np.repeat(names, 8), seed=2)
    assert by_group.ends == pytest.approx(bootstrap_mean(means, seed=2).ends, rel=1e-12)
    by_sample = bootstrap_mean(np.repeat(means, 8), seed=2)
    assert by_group.high - by_group.low > 2 * (by_sample.high - by_sample.low)


def test_interval_by_both_clips_of_a_pair_is_wider_than_by_one():
    rng = np.random.default_rng(6)
    effect = rng.normal(size=20)
    pairs = [(i, j) for i in range(20) for j in range(20) if i != j]
    values = np.array([effect[i] + effect[j] for i, j in pairs])
    both = bootstrap_mean(values, groups=pairs, seed=1)
    one = bootstrap_mean(values, groups=[i for i, _ in pairs], seed=1)
    # The mean is twice that of the 20 effects, and so is its standard error; one column sees half of it.
    expected = 2 * 2 * 1.96 * effect.std() / np.sqrt(20)
    assert both.high - both.low == pytest.approx(expected, rel=0.15)
    assert one.high - one.low == pytest.approx(expected / 2, rel=0.15)


def test_seed_decides_and_global_state_does_not():
    values = np.random.default_rng(0).normal(size=30)
    first = bootstrap_mean(values, seed=1)
    np.random.seed(9)  # noqa: NPY002 - the point of the test
    assert bootstrap_mean(values, seed=1) == first
    assert bootstrap_mean(values, seed=2) != first


def test_equal_scores_have_an_interval_of_no_width():
    for method in ("percentile", "bca", "centred"):
        assert bootstrap_mean(np.full(9, 0.25), seed=0, method=method).ends == (0.25, 0.25)


def test_score_that_cannot_be_estimated_has_a_reason_and_no_ends():
    found = bootstrap_mean([1.0, 2.0, 3.0], seed=0)
    assert found == Interval(None, None, 0.95, "percentile", "3 samples cannot support a 95 % interval")
    assert found.ends is None
    assert "1 group cannot" in bootstrap_mean(np.arange(50.0), groups=["a"] * 50, seed=0).reason


def test_replicates_on_one_side_have_no_bca_interval():
    a, b = paired_sets(60, 100)
    found = bootstrap_score(ResampledFrechet(a, b), seed=0, resamples=100, method="bca")
    assert found.ends is None
    assert found.reason == 'every resample scores above the whole set, so "bca" has no correction; use "centred"'


def test_replicates_that_are_not_finite_are_counted():
    replicates = np.array([1.0, np.nan, 2.0, np.inf])
    found = interval_from_replicates(1.0, replicates, 0.95, "percentile", lambda: replicates)
    assert found.reason == "the score is not finite on 2 of 4 resamples"


@pytest.mark.parametrize(("n", "d"), [pytest.param(14, 40, id="n < d"), pytest.param(60, 5, id="n > d")])
@pytest.mark.parametrize("groups", [None, "grouped"])
def test_fast_frechet_equals_scoring_every_resample(n, d, groups):
    a, b = paired_sets(n, d)
    names = None if groups is None else [i // 2 for i in range(n)]
    fast = bootstrap_score(ResampledFrechet(a, b), groups=names, seed=3, resamples=60)
    slow = bootstrap_set_statistic(
        lambda rows: frechet_audio_distance(a[rows], b[rows]), n, groups=names, seed=3, resamples=60
    )
    assert fast.ends == pytest.approx(slow.ends, rel=1e-9)


def test_fast_inception_equals_scoring_every_resample():
    logits = 3 * np.random.default_rng(0).normal(size=(47, 20))
    counts = units(47).resamples(20, seed=1)
    fast = ResampledInception(logits, 10, 2020)(counts)
    slow = [inception_score(logits[np.repeat(np.arange(47), row)])[0] for row in counts]
    np.testing.assert_allclose(fast, slow, rtol=1e-12)
    assert fast.std() > 0


def test_set_scores_of_the_whole_set_are_the_plain_scores():
    a, b = paired_sets(20, 30)
    once = np.ones((1, 20), dtype=np.int64)
    assert ResampledFrechet(a, b)(once) == pytest.approx([frechet_audio_distance(a, b)], rel=1e-12)
    assert ResampledKernel(a, b, 4.0)(once) == pytest.approx([kernel_audio_distance(a, b, 4.0)], abs=1e-10)
    assert ResampledInception(a, 10, 2020)(once) == pytest.approx([inception_score(a)[0]], rel=1e-12)


def test_kernel_score_of_a_resample_leaves_out_pairs_of_copies():
    a, b = paired_sets(6, 3)
    counts = np.array([2, 1, 0, 2, 0, 1])
    rows = np.repeat(np.arange(6), counts)
    k = lambda x, y: np.exp(-np.sum((x - y) ** 2) / (2 * 2.0**2 + 1e-8))  # noqa: E731
    other = [(p, q) for p in range(6) for q in range(6) if rows[p] != rows[q]]
    within = [np.mean([k(s[rows[p]], s[rows[q]]) for p, q in other]) for s in (a, b)]
    met = [*other, *((p, p) for p in range(6))]
    across = np.mean([k(a[rows[p]], b[rows[q]]) for p, q in met])
    expected = 100 * (within[0] + within[1] - 2 * across)
    assert ResampledKernel(a, b, 2.0)(counts[np.newaxis]) == pytest.approx([expected], abs=1e-10)


def test_kernel_replicates_lie_around_the_score():
    a, b = paired_sets(80, 4)
    value = kernel_audio_distance(a, b, 2.0)
    replicates = ResampledKernel(a, b, 2.0)(units(80).resamples(500, seed=2))
    naive = [kernel_audio_distance(a[i], b[i], 2.0) for i in np.random.default_rng(0).integers(80, size=(50, 80))]
    assert abs(replicates.mean() - value) < 0.15 * replicates.std()
    assert np.mean(naive) - value > 0.3 * np.std(naive)  # what repeated rows do


def test_centred_interval_holds_the_distance_and_percentiles_do_not():
    a, b = paired_sets(40, 64)
    value = frechet_audio_distance(a, b)
    centred = bootstrap_score(ResampledFrechet(a, b), seed=0, resamples=200)
    plain = bootstrap_score(ResampledFrechet(a, b), seed=0, resamples=200, method="percentile")
    assert centred.low < value < centred.high
    assert plain.low > value
    assert plain.high - plain.low == pytest.approx(centred.high - centred.low, rel=1e-9)


@pytest.mark.parametrize("method", ["percentile", "centred", "bca"])
def test_interval_of_equal_sets_is_zero(method):
    rows = paired_sets(20, 30)[0]
    assert bootstrap_score(ResampledFrechet(rows, rows), seed=0, resamples=50, method=method).ends == pytest.approx(
        (0, 0), abs=1e-9
    )


@pytest.mark.parametrize("source", ["generated", "reference"])
def test_kernel_interval_keeps_the_bandwidth_of_the_set_named(source):
    a, b = paired_sets(30, 4)
    b = 3 * b
    found = bootstrap_score(ResampledKernel(a, b, bandwidth_from=source), seed=0, resamples=50)
    value = kernel_audio_distance(a, b, bandwidth_from=source)
    assert found.low < value < found.high
    other = "reference" if source == "generated" else "generated"
    assert found != bootstrap_score(ResampledKernel(a, b, bandwidth_from=other), seed=0, resamples=50)


def test_inception_interval_holds_the_score():
    logits = 3 * np.random.default_rng(0).normal(size=(60, 20))
    found = bootstrap_score(ResampledInception(logits), seed=0, resamples=100)
    assert found.low < inception_score(logits)[0] < found.high


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 1.0}, "level: expected a share between 0 and 1"),
        ({"method": "normal"}, "method: expected one of percentile, bca, centred, jackknife, got 'normal'"),
        ({"resamples": 39}, "resamples: a 95 % interval needs at least 40, got 39"),
        ({"values": np.ones((3, 2))}, r"values: expected shape \(n,\), one score per sample, got \(3, 2\)"),
        ({"values": [1.0, np.nan]}, "values: sample 1 of 2 is not finite"),
        ({"values": []}, "values: needs at least 1 sample, got 0"),
        ({"groups": ["a"]}, r"groups: expected shape \(6,\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_mean(**{"values": np.arange(6.0), "seed": 0, **arguments})


def test_unpaired_sets_are_refused():
    with pytest.raises(ValueError, match="rows are paired, so expected as many, got 5 and 6"):
        ResampledFrechet(np.ones((5, 2)), np.ones((6, 2)))
    with pytest.raises(ValueError, match="reference: sample 2 of 5 is not finite"):
        ResampledKernel(np.diag([1, 1, np.nan, 1, 1]), np.ones((5, 5)))


def test_jackknife_interval_of_a_mean_is_students():
    from scipy.stats import t

    values = np.random.default_rng(0).gamma(1.0, size=9)
    expected = t.interval(0.9, 8, values.mean(), values.std(ddof=1) / 3)
    assert bootstrap_mean(values, seed=0, level=0.9, method="jackknife").ends == pytest.approx(expected, rel=1e-10)


def test_jackknife_interval_is_as_wide_as_the_distance_varies():
    rng = np.random.default_rng(7)
    sets = [paired_sets(40, 30, seed) for seed in rng.integers(1 << 30, size=60)]
    values = [frechet_audio_distance(*pair) for pair in sets]
    widths = [
        np.diff(bootstrap_score(ResampledFrechet(*pair), seed=0, method="jackknife").ends)[0] for pair in sets[:15]
    ]
    wide = [np.diff(bootstrap_score(ResampledFrechet(*pair), seed=0, resamples=100).ends)[0] for pair in sets[:5]]
    normal = 2 * 1.96 * np.std(values)  # standard error of 60 values: 9 %
    assert 0.75 < np.mean(widths) / normal < 1.6
    assert np.mean(wide) > np.mean(widths)


def test_score_that_one_clip_alone_makes_possible_has_no_jackknife():
    hub = [("hub", f"clip{i}") for i in range(6)]
    a, b = paired_sets(6, 3)
    for method in ("jackknife", "bca"):
        found = bootstrap_score(ResampledKernel(a, b), groups=hub, seed=0, resamples=60, method=method)
        assert found.ends is None
        assert found.reason == "the score is not finite with one unit left out"


def test_draws_of_a_single_row_do_not_stop_the_kernel_interval():
    a, b = paired_sets(5, 3)
    assert (units(5).resamples(2000, seed=0).max(axis=1) == 5).any()
    assert bootstrap_score(ResampledKernel(a, b), seed=0, resamples=2000).ends is not None


def test_inception_score_has_no_jackknife():
    with pytest.raises(ValueError, match='"jackknife" needs a smooth score, ResampledInception is not; use "centred"'):
        bootstrap_score(ResampledInception(np.zeros((20, 3))), seed=0, method="jackknife")


def test_no_interval_reaches_below_the_smallest_value_of_the_score():
    a, b = np.random.default_rng(0).normal(size=(2, 12, 2))
    bounded, unbounded = ResampledFrechet(a, b), ResampledFrechet(a, b)
    unbounded.lower_bound = None
    below = bootstrap_score(unbounded, seed=0, resamples=200)
    assert below.low < 0.0
    assert bootstrap_score(bounded, seed=0, resamples=200).ends == (0.0, below.high)
