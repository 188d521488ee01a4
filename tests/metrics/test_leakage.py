"""Leakage is what a prompt does not ask for, of each sample by itself, and no score where it does ask."""

import numpy as np
import pytest

from metrics.leakage import class_leakage, speech_leakage

NEVER, ALWAYS = [False, False, False], [True, True, True]


def test_unasked_speech_is_scored_by_its_share():
    np.testing.assert_array_equal(speech_leakage([True, True], [0.0, 0.75]), [0.0, 0.75])


def test_a_prompt_that_asks_for_speech_has_no_score():
    np.testing.assert_array_equal(speech_leakage([False, True], [0.9, 0.1]), [np.nan, 0.1])


def test_class_leakage_is_the_largest_probability_of_an_unasked_class():
    logits = np.log([[0.9 / 0.1, 0.2 / 0.8, 0.3 / 0.7]])  # probabilities 0.9, 0.2 and 0.3
    assert class_leakage([[False, True, True]], logits) == pytest.approx([0.3], abs=1e-12)
    assert class_leakage([ALWAYS], logits) == pytest.approx([0.9], abs=1e-12)


def test_a_sample_without_an_unasked_class_has_no_score():
    np.testing.assert_array_equal(class_leakage([NEVER, ALWAYS], np.zeros((2, 3))), [np.nan, 0.5])


def test_classes_are_taken_one_by_one_and_not_as_shares_of_one():
    """A tagger hears several things at once: another class that is certain takes nothing from the leaked one."""
    alone, beside = class_leakage([[True, False]] * 2, [[2.0, -9.0], [2.0, 9.0]])
    assert alone == beside == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-12)


def test_logits_of_any_size_give_a_probability():
    np.testing.assert_array_equal(class_leakage([[True]] * 3, [[-1e4], [0.0], [1e4]]), [0.0, 0.5, 1.0])


def test_scores_do_not_depend_on_the_batch():
    generator = np.random.default_rng(7)
    logits, unasked = generator.normal(size=(9, 527)), generator.random((9, 527)) < 0.3
    share, asked = generator.random(9), generator.random(9) < 0.5
    np.testing.assert_array_equal(class_leakage(unasked, logits)[4:6], class_leakage(unasked[4:6], logits[4:6]))
    np.testing.assert_array_equal(speech_leakage(asked, share)[4:6], speech_leakage(asked[4:6], share[4:6]))


@pytest.mark.parametrize(
    ("unasked", "share", "message"),
    [
        pytest.param([True], [1.5], "sample 0 of 1 is 1.5, expected 0 to 1", id="more than all"),
        pytest.param([True, True], [0.5, np.nan], "sample 1 of 2 is not finite", id="not finite"),
        pytest.param([True], [[0.5]], r"expected shape \(n,\), one value per sample, got \(1, 1\)", id="matrix"),
        pytest.param([True], [0.5, 0.5], r"expected bool of shape \(2,\), got bool of shape \(1,\)", id="fewer flags"),
        pytest.param([1.0], [0.5], r"expected bool of shape \(1,\), got float64", id="flags that are numbers"),
        pytest.param([], [], "needs at least 1 sample, got 0", id="nothing"),
    ],
)
def test_shares_of_speech_that_cannot_be_scored_are_refused(unasked, share, message):
    with pytest.raises(ValueError, match=message):
        speech_leakage(np.array(unasked, dtype=bool if not unasked or unasked[0] is True else float), share)


@pytest.mark.parametrize(
    ("unasked", "logits", "message"),
    [
        pytest.param([ALWAYS], [[0.0, np.inf, 0.0]], "sample 0 of 1 is not finite", id="not finite"),
        pytest.param(
            [ALWAYS], [[0.0, 0.0]], r"expected bool of shape \(1, 2\), got bool of shape \(1, 3\)", id="classes"
        ),
        pytest.param([ALWAYS], [0.0, 0.0, 0.0], r"expected shape \(n, c\)", id="vector"),
    ],
)
def test_logits_that_cannot_be_scored_are_refused(unasked, logits, message):
    with pytest.raises(ValueError, match=message):
        class_leakage(unasked, logits)
