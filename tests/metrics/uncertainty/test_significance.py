import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.uncertainty.significance import holm, holm_of_known, paired_difference

PROPERTY = settings(max_examples=50)


def test_few_samples_are_tested_exactly():
    a, b = np.array([3.0, 5.0, 4.0, 6.0, 9.0]), np.array([1.0, 2.0, 3.0, 1.0, 8.0])
    found = paired_difference(a, b, seed=0)
    assert found.value == pytest.approx(2.4)
    assert found.p_value == 2 / 2**5  # all differences point one way: the observed flip and its mirror
    assert found.test == "sign-flip"
    assert found.interval.low < 2.4 < found.interval.high


def test_exact_p_value_counts_the_flips_as_far_from_zero():
    found = paired_difference([4.0, 1.0, 1.0, 1.0, -2.0], np.zeros(5), seed=0)
    sums = [sum(s * v for s, v in zip(signs, (4, 1, 1, 1, -2), strict=True)) for signs in np.ndindex(*[2] * 5)
            for signs in [[1 - 2 * x for x in signs]]]  # fmt: skip
    assert found.p_value == np.mean(np.abs(sums) >= 5)


@pytest.mark.parametrize("tenths", [(1, 2, 3, 6, 6), (1, 2, -3, 4, 5, 3), (7, 1, 6, 2, 8, 4)])
def test_sums_that_differ_by_rounding_alone_are_ties(tenths):
    """0.1 + 0.2 is not 0.3 in binary: in tenths and in whole numbers the same flips are as far from zero."""
    zeros = np.zeros(len(tenths))
    signs = [[1 - 2 * sign for sign in flip] for flip in np.ndindex(*[2] * len(tenths))]
    exact = np.mean([abs(sum(np.multiply(flip, tenths))) >= abs(sum(tenths)) for flip in signs])
    for scale in (1.0, 0.1, 0.3, 0.7):
        assert paired_difference(np.asarray(tenths) * scale, zeros, seed=0).p_value == exact


def test_random_flips_are_counted_with_the_observed_one():
    found = paired_difference(np.full(40, 1.0), np.zeros(40), flips=99, seed=0)
    assert found.p_value == 1 / 100  # no random flip of forty comes as far


def test_swapping_the_runs_turns_the_sign_only():
    a, b = np.random.default_rng(0).normal(size=(2, 40))
    forward, backward = paired_difference(a, b, seed=3), paired_difference(b, a, seed=3)
    assert backward.value == -forward.value
    assert backward.p_value == forward.p_value
    assert backward.interval.ends == pytest.approx((-forward.interval.high, -forward.interval.low))


def test_equal_runs_differ_with_probability_one():
    scores = np.random.default_rng(0).normal(size=50)
    found = paired_difference(scores, scores, seed=0)
    assert (found.value, found.p_value, found.interval.ends) == (0.0, 1.0, (0.0, 0.0))


def test_random_flips_agree_with_the_paired_t_test():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(4)
    a = rng.normal(size=80)
    b = a + rng.normal(size=80) * 0.5 + 0.02
    expected = ttest_rel(a, b).pvalue
    assert 0.02 < expected < 0.3
    assert paired_difference(a, b, seed=1).p_value == pytest.approx(expected, abs=0.015)  # 9,999 flips: 0.004


@pytest.mark.parametrize("pairs", [False, True])
def test_runs_of_one_quality_are_seldom_told_apart(pairs):
    rng = np.random.default_rng(8)
    clips = [(i, j) for i in range(12) for j in range(12) if i != j]
    hits = 0
    for trial in range(200):
        effect = rng.normal(size=12)
        noise = rng.normal(size=len(clips)) * 0.2
        difference = np.array([effect[i] + (effect[j] if pairs else 0) for i, j in clips]) + noise
        groups = clips if pairs else [i for i, _ in clips]
        found = paired_difference(difference, np.zeros(len(clips)), groups=groups, seed=trial, resamples=200)
        hits += found.p_value <= 0.05
    # Exact for one clip; from 12 clips the bootstrap of both finds too much, as every bootstrap of few units does.
    assert hits / 200 < (0.16 if pairs else 0.10)


def test_groups_make_the_test_weaker():
    rng = np.random.default_rng(1)
    difference = np.repeat(rng.normal(size=14) + 0.2, 20)
    by_sample = paired_difference(difference, np.zeros(280), seed=0)
    by_group = paired_difference(difference, np.zeros(280), groups=np.repeat(np.arange(14), 20), seed=0)
    assert by_sample.p_value == 1 / 10_000  # no random flip comes as far
    assert by_group.p_value > 0.03


def test_pairs_of_clips_are_tested_by_bootstrap():
    clips = [(i, (i + k) % 9) for i in range(9) for k in (1, 2)]
    found = paired_difference(np.arange(18.0) + 5, np.zeros(18), groups=clips, seed=0)
    assert found.test == "bootstrap"
    assert found.p_value == pytest.approx(1 / 1001)


def test_difference_that_cannot_be_tested_has_no_p_value():
    found = paired_difference([1.0, 2.0], [0.0, 0.0], seed=0)
    assert (found.value, found.p_value, found.interval.ends) == (1.5, None, None)
    assert found.interval.reason == "2 samples cannot support a 95 % interval"


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        ([1.0], [1.0, 2.0], {}, "a and b: rows are paired, so expected as many, got 1 and 2"),
        ([1.0, 2.0], [1.0, np.inf], {}, "b: sample 1 of 2 is not finite"),
        ([[1.0]], [1.0], {}, r"a: expected shape \(n,\)"),
        ([1.0], [1.0], {"flips": 10}, "flips: expected at least 99, got 10"),
    ],
)
def test_bad_arguments_are_refused(a, b, options, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(a, b, seed=0, **options)


def test_holm_multiplies_step_by_step():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.001, 0.6]), [1.0, 0.003, 1.0])
    assert holm([0.2]) == pytest.approx([0.2])
    assert holm([]).shape == (0,)


@PROPERTY
@given(st.lists(st.floats(0, 1), max_size=12), st.randoms(use_true_random=False))
def test_holm_only_raises_keeps_the_order_and_goes_with_the_rows(p_values, random):
    adjusted = holm(p_values)
    assert (adjusted >= p_values).all()
    assert (adjusted <= 1.0).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()
    order = list(range(len(p_values)))
    random.shuffle(order)
    np.testing.assert_allclose(holm([p_values[i] for i in order]), adjusted[order])


def test_holm_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match=r"p_values: value 1 of 3 is not a probability: 1.5"):
        holm([0.1, 1.5, np.nan])
    with pytest.raises(ValueError, match="p_values: value 0 of 1 is not a probability: nan"):
        holm([np.nan])
    with pytest.raises(ValueError, match=r"p_values: expected shape \(k,\), got \(1, 1\)"):
        holm([[0.1]])


def test_holm_passes_over_tests_that_there_were_not():
    assert holm_of_known([None, 0.01, None, 0.04, 0.03]) == [None, 0.03, None, 0.06, 0.06]
    assert holm_of_known([None]) == [None]
    assert holm_of_known([]) == []
