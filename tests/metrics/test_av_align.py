"""AV-Align: by hand, against every way to match, both detectors on made scenes, and what is refused."""

from itertools import combinations, permutations

import numpy as np
import pytest

from metrics.av_align import FPS, LEAST_FLOW, av_align, flow_peaks, local_maxima, onset_times

FRAME = 1 / FPS


def test_moments_within_a_frame_match_once():
    assert av_align([[0.5, 2.0]], [[0.52, 1.0, 3.0]]) == pytest.approx([1 / 4])
    assert av_align([[0.5, 0.51]], [[0.5]]) == pytest.approx([1 / 2])  # the second finds it taken
    assert av_align([[1.0]], [[0.99, 1.01]]) == pytest.approx([1 / 2])
    assert av_align([[1.0, 2.0]], [[1.0, 2.0]]) == pytest.approx([1])


def test_a_whole_frame_apart_is_no_match():
    assert av_align([[1.0]], [[1.0 + FRAME]]) == [0]
    assert av_align([[1.0]], [[1.0 - FRAME]]) == [0]
    assert av_align([[1.0]], [[1.0 + 0.99 * FRAME]]) == [1]


def test_one_side_without_a_moment_is_0_and_both_is_no_score():
    np.testing.assert_array_equal(av_align([[], [1.0], []], [[1.0], [], []]), [0, 0, np.nan])


def most_matches(onsets, peaks):
    """The most pairs less than a frame apart, each moment in one: by trying all."""
    few, many = sorted((onsets, peaks), key=len)
    for size in range(len(few), 0, -1):
        for part in combinations(few, size):
            for chosen in permutations(many, size):
                if all(a - FRAME < b < a + FRAME for a, b in zip(part, chosen, strict=True)):
                    return size
    return 0


def test_the_score_is_that_of_the_best_matching_there_is():
    random = np.random.default_rng(3)
    for _ in range(60):
        onsets, peaks = (np.sort(random.uniform(0, 0.3, random.integers(1, 5))) for _ in range(2))
        matches = most_matches(list(onsets), list(peaks))
        assert av_align([onsets], [peaks]) == pytest.approx([matches / (len(onsets) + len(peaks) - matches)])


def test_a_sample_does_not_depend_on_the_others():
    random = np.random.default_rng(5)
    sides = [[np.sort(random.uniform(0, 2, random.integers(0, 9))) for _ in range(6)] for _ in range(2)]
    together = av_align(*sides)
    alone = [av_align([onsets], [peaks])[0] for onsets, peaks in zip(*sides, strict=True)]
    np.testing.assert_array_equal(together, alone)


def test_maxima_are_strict_and_inside_and_no_still_picture():
    assert local_maxima([0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 2.0]) == [1]
    assert local_maxima([0.0, LEAST_FLOW, 0.0]) == [1]
    assert local_maxima([0.0, 0.99 * LEAST_FLOW, 0.0]) == []
    assert local_maxima([3.0, 1.0]) == local_maxima([]) == []


def film(steps, size=(96, 96)):
    """A textured disc that moves by so many pixels from each frame to the next."""
    texture = np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    frames, at = [], 10
    for step in [0, *steps]:
        at += step
        frame = np.full((*size, 3), 40, np.uint8)
        frame[30:54, at : at + 24] = texture
        frames.append(frame)
    return np.stack(frames).transpose(0, 3, 1, 2)


STEPS = [1, 2, 3, 6, 3, 2, 1, 2, 4, 7, 3, 2, 1]  # the fourth and the tenth are the fast ones


def test_the_picture_moves_most_where_the_object_is_fastest():
    np.testing.assert_allclose(flow_peaks(film(STEPS)), [4 / FPS, 10 / FPS])


def test_a_repeated_frame_makes_no_peak():
    frames = film(STEPS)
    doubled = np.repeat(frames, 2, axis=0)  # as a film of 12.5 fps is read at 25
    np.testing.assert_allclose(flow_peaks(doubled), 2 * flow_peaks(frames))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_still_or_a_very_short_film_has_no_peak(count):
    assert flow_peaks(film([0] * 9)).shape == (0,)
    assert flow_peaks(film(STEPS)[:count]).shape == (0,)


def clicks(*moments, rate=16_000, seconds=3.0):
    sound = np.zeros(round(rate * seconds), np.float32)
    for moment in moments:
        at = round(moment * rate)
        sound[at : at + 400] = np.random.default_rng(2).normal(size=400) * 0.5
    return sound


def test_sounds_are_found_where_they_start():
    np.testing.assert_allclose(onset_times(clicks(0.5, 1.25, 2.0), 16_000, 3.0), [0.5, 1.25, 2.0], atol=FRAME)
    assert onset_times(clicks(0.5, 2.0), 16_000, 1.0).size == 1
    assert onset_times(np.zeros(16_000, np.float32), 16_000, 1.0).shape == (0,)


def test_sound_in_step_with_the_picture_scores_and_sound_out_of_step_does_not():
    peaks = flow_peaks(film(STEPS))
    heard = [onset_times(clicks(*(peaks + shift), seconds=1.0), 16_000, 1.0) for shift in (0.0, 0.12)]
    assert av_align(heard, [peaks, peaks]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("onsets", "peaks", "message"),
    [
        ([], [], "onset_seconds: needs at least 1 sample"),
        ([[1.0]], [[1.0], [2.0]], "onset_seconds has 1 samples, peak_seconds 2"),
        ([[1.0], [2.0, 1.0]], [[1.0], [1.0]], "onset_seconds: sample 1: expected finite times in ascending order"),
        ([[1.0]], [[np.nan]], "peak_seconds: sample 0: expected finite times"),
        ([[[1.0]]], [[1.0]], r"onset_seconds: sample 0: .* shape \(k,\)"),
    ],
)
def test_what_are_no_moments_is_refused(onsets, peaks, message):
    with pytest.raises(ValueError, match=message):
        av_align(onsets, peaks)


def test_frames_of_another_kind_are_refused():
    with pytest.raises(ValueError, match=r"frames: expected uint8, shape \(t, 3, h, w\), got float64"):
        flow_peaks(np.zeros((2, 3, 8, 8)))
    for sound in (np.zeros(0), np.array([np.nan] * 900)):
        with pytest.raises(ValueError, match="waveform: "):
            onset_times(sound, 16_000, 1.0)
