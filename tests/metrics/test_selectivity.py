import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.kl import kl_divergence
from metrics.selectivity import audio_selectivity, class_selectivity, selectivity, text_selectivity

PROPERTY = settings(max_examples=40)


def test_margin_and_win_follow_similarity_and_a_tie_counts_one_half():
    found = selectivity([0.9, 0.2, 0.5], [0.4, 0.3, 0.5])
    assert found.margin == pytest.approx([0.5, -0.1, 0.0])
    np.testing.assert_array_equal(found.win, [1.0, 0.0, 0.5])
    assert found.win_rate == 0.5
    assert found.mean_margin == pytest.approx(0.4 / 3)


def test_distances_count_the_other_way_round():
    found = selectivity([1.0, 5.0], [3.0, 2.0], higher_is_closer=False)
    assert found.margin == pytest.approx([2.0, -3.0])
    np.testing.assert_array_equal(found.win, [1.0, 0.0])


@PROPERTY
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=20), st.booleans())
def test_swapping_target_and_paired_turns_everything_around(pairs, higher):
    target, paired = np.array(pairs).T
    forward = selectivity(target, paired, higher_is_closer=higher)
    backward = selectivity(paired, target, higher_is_closer=higher)
    np.testing.assert_array_equal(forward.margin, -backward.margin)
    np.testing.assert_array_equal(forward.win, 1.0 - backward.win)


@pytest.mark.parametrize("score", [text_selectivity, audio_selectivity, class_selectivity])
def test_target_wins_paired_loses_and_an_even_mixture_stands_between(score):
    rng = np.random.default_rng(0)
    target, paired = rng.normal(size=(2, 400, 12))
    assert score(target, paired, target).win_rate == 1.0
    assert score(target, paired, paired).win_rate == 0.0
    assert score(target, paired, target).mean_margin > 0.5
    assert score(target, paired, target + paired).win_rate == pytest.approx(0.5, abs=0.08)
    assert score(target, target, paired).win_rate == 0.5


def test_text_margin_is_the_difference_of_the_cosines():
    found = text_selectivity([[1.0, 0.0]], [[0.0, 2.0]], [[3.0, 4.0]])
    assert found.margin == pytest.approx([0.6 - 0.8])


def test_class_margin_is_divergence_to_paired_minus_divergence_to_target():
    target, paired, generated = np.random.default_rng(1).normal(size=(3, 5, 7))
    expected = kl_divergence(paired, generated) - kl_divergence(target, generated)
    assert class_selectivity(target, paired, generated).margin == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("score", "arguments", "message"),
    [
        (selectivity, ([1.0], [1.0, 2.0]), "to_target and to_paired: rows are paired"),
        (selectivity, ([], []), "to_target: needs at least 1 sample, got 0"),
        (selectivity, ([0.0, 1.0], [0.0, np.nan]), "to_paired: sample 1 of 2 is not finite"),
        (selectivity, ([[0.0]], [0.0]), r"to_target: expected shape \(n,\), one value per sample, got \(1, 1\)"),
        (
            text_selectivity,
            (np.ones((2, 3)), np.zeros((2, 3)), np.ones((2, 3))),
            "paired_text: sample 0 of 2 has length",
        ),
        (audio_selectivity, (np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 4))), "target_audio and audio: expected as"),
        (
            class_selectivity,
            (np.ones((2, 3)), np.ones((1, 3)), np.ones((2, 3))),
            "paired_logits and generated_logits: rows",
        ),
    ],
)
def test_bad_arguments_are_refused(score, arguments, message):
    with pytest.raises(ValueError, match=message):
        score(*arguments)
