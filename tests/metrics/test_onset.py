"""Onset scores: where sounds start, which of them count, and the numbers of MMAudio's script."""

import json
from pathlib import Path

import numpy as np
import pytest

from metrics.onset import SAMPLE_RATE, detect_onsets, onset_scores, onset_seconds

CASES = json.loads((Path(__file__).parent / "data" / "onset.json").read_text())


def bursts(seed: int, sample_rate: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A sound of decaying bursts, float32 (channels, 9 s), and hits that somebody heard in its first 8 s."""
    random = np.random.default_rng(seed)
    time = np.arange(9 * sample_rate) / sample_rate
    spacing = random.uniform(0.045, 0.9)
    starts = np.cumsum(random.uniform(0.045, 2 * spacing, size=200)) + 0.1
    starts = starts[starts < 8.8]
    sound = 0.003 * random.normal(size=(channels, time.size))
    for start in starts:
        since = time - start
        burst = np.where(since >= 0, np.exp(-np.clip(since, 0, None) * random.uniform(20, 80)), 0.0)
        sound += random.uniform(0.05, 0.5) * burst * random.normal(size=(channels, time.size))
    kept = starts[random.random(starts.size) < 0.8]
    false = random.uniform(0.1, 8.7, size=random.integers(0, 4))
    times = np.sort(np.concatenate([kept + random.uniform(-0.1, 0.1, size=kept.size), false]).clip(0.1))
    return np.clip(sound, -1, 1).astype(np.float32), times[times < 8.0]


def onsets(*found: tuple[float, float]) -> np.ndarray:
    """Onsets at these seconds with these confidences, which are their heights as well."""
    return np.array([(round(at * SAMPLE_RATE), sure, sure) for at, sure in found], dtype=float).reshape(-1, 3)


def one(reference, found) -> tuple[float, float]:
    scores = onset_scores([reference], [found])
    return float(scores.accuracy[0]), float(scores.average_precision[0])


@pytest.mark.parametrize(
    ("reference", "found", "expected"),
    [
        pytest.param([1.0, 2.0], onsets((1.0, 0.9), (2.0, 0.8)), (1.0, 1.0), id="every onset hit"),
        pytest.param([1.0, 2.0], onsets((1.2, 0.9), (2.4, 0.8)), (0.5, (1 + 2 / 3) / 2), id="one too late by 0.4 s"),
        pytest.param([1.0], onsets((1.0, 0.7), (5.0, 0.9)), (1.0, 0.5), id="a louder sound that should not be there"),
        pytest.param([1.0], onsets((1.0, 0.9), (5.0, 0.7)), (1.0, 1.0), id="a quieter sound that should not be there"),
        pytest.param([1.0, 1.1], onsets((1.05, 0.9)), (0.5, 1.0), id="an onset is taken once"),
        pytest.param([1.0], onsets((0.8, 0.7), (1.1, 0.9), (1.2, 0.8)), (1.0, 1.0), id="the most confident is taken"),
        pytest.param([1.0, 2.0], onsets(), (0.0, 1.0), id="silence, as the script has it"),
    ],
)
def test_scores_count_what_was_hit(reference, found, expected):
    assert one(reference, found) == pytest.approx(expected, abs=1e-12)


def test_a_match_is_less_than_three_tenths_of_a_second_off():
    just, not_quite = (np.array([[SAMPLE_RATE + off, 0.5, 0.5]]) for off in (6614, 6615))
    assert one([1.0], just)[0] == 1.0
    assert one([1.0], not_quite)[0] == 0.0


def test_of_two_close_onsets_only_the_more_confident_counts():
    heard = [1.0, 1.2, 3.0]
    assert one(heard, onsets((1.0, 0.5), (1.04, 0.9), (3.0, 0.7)))[0] == pytest.approx(2 / 3)
    assert one(heard, onsets((1.0, 0.5), (1.06, 0.9), (3.0, 0.7)))[0] == 1.0


def test_the_second_of_two_close_neighbours_survives_as_in_the_script():
    # 0.96 and 1.04 are both closer than 50 ms to 1.0; the script drops the first and passes over the second.
    accuracy, _ = one([1.0, 1.2, 3.0], onsets((0.96, 0.5), (1.0, 0.9), (1.04, 0.4), (3.0, 0.7)))
    assert accuracy == 1.0


def test_a_sample_without_reference_onsets_has_no_score_and_others_keep_theirs():
    found = onsets((1.0, 0.9))
    scores = onset_scores([[1.0], [], [3.0]], [found, found, found])
    np.testing.assert_array_equal(scores.accuracy, [1.0, np.nan, 0.0])
    assert np.isnan(scores.average_precision).tolist() == [False, True, False]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"seed {case['seed']}")
def test_scores_equal_the_script(case):
    sound, times = bursts(case["seed"], case["sample_rate"], case["channels"])
    accuracy, average_precision = one(times, detect_onsets(sound, case["sample_rate"], 8.0))
    assert accuracy == pytest.approx(case["accuracy"], abs=5.1e-5)  # the script prints four places
    assert average_precision == pytest.approx(case["average_precision"], abs=1e-6)


def test_a_sound_agrees_with_itself_in_every_onset():
    sound = 0.001 * np.random.default_rng(0).normal(size=2 * SAMPLE_RATE).astype(np.float32)
    for at in (600, 22_050):
        sound[at : at + 800] += np.random.default_rng(at).normal(size=800).astype(np.float32) * 0.3
    found = detect_onsets(sound, SAMPLE_RATE, 2.0)
    np.testing.assert_allclose(onset_seconds(found), [0.07, 1.02], atol=0.01)
    assert ((found[:, 1:] >= 0) & (found[:, 1:] <= 1)).all()
    assert (found[:, 2] >= found[:, 1]).all()
    assert one(onset_seconds(found), found) == (1.0, 1.0)


def test_only_the_seconds_kept_are_heard():
    sound, _ = bursts(0, SAMPLE_RATE, 1)
    found = detect_onsets(sound, SAMPLE_RATE, 8.0)
    assert onset_seconds(detect_onsets(sound, SAMPLE_RATE, 9.0)).max() > 8.0 > onset_seconds(found).max()


def test_silence_has_no_onset():
    assert detect_onsets(np.zeros((2, 16_000), dtype=np.float32), 16_000, 8.0).shape == (0, 3)


@pytest.mark.parametrize(
    ("reference", "found", "message"),
    [
        ([], [], "reference_seconds: needs at least 1 sample, got 0"),
        ([[1.0]], [], "reference_seconds has 1 samples, generated_onsets 0"),
        ([[1.0], [-1.0]], [onsets(), onsets()], "sample 1: expected finite times from 0 on"),
        ([[np.nan]], [onsets()], "sample 0: expected finite times"),
        ([[1.0]], [np.zeros((2, 2))], r"sample 0: expected shape \(k, 3\), got \(2, 2\)"),
        ([[1.0]], [np.full((1, 3), np.nan)], "generated_onsets: sample 0 holds values that are not finite"),
    ],
)
def test_what_cannot_be_scored_is_named(reference, found, message):
    with pytest.raises(ValueError, match=message):
        onset_scores(reference, found)


@pytest.mark.parametrize(
    ("waveform", "seconds", "message"),
    [
        (np.zeros((2, 0), dtype=np.float32), 8.0, r"got \(2, 0\) and 8.0 s"),
        (np.zeros(9), 0.0, "some seconds, got"),
        (np.array([0.0, np.inf]), 8.0, "not finite"),
    ],
)
def test_what_cannot_be_heard_is_refused(waveform, seconds, message):
    with pytest.raises(ValueError, match=message):
        detect_onsets(waveform, SAMPLE_RATE, seconds)
