"""Loudness, true peak and silence: known signals, the limits of each definition, what is refused."""

import warnings

import numpy as np
import pytest

from metrics.levels import measure_levels, sound_levels

RATE = 48_000


def sine(frequency, *, rate=RATE, seconds=3.0, amplitude=1.0, phase=0.0):
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * time + phase)).astype(np.float32)


def measured(sound, rate=RATE, seconds=60.0):
    return dict(zip(("loudness", "peak", "silence"), measure_levels(sound, rate, seconds), strict=True))


def test_a_full_scale_sine_of_997_hz_is_as_loud_as_the_standard_says():
    assert measured(sine(997.0, seconds=5.0))["loudness"] == pytest.approx(-3.01, abs=0.05)  # BS.1770-4, one channel
    assert measured(sine(997.0, seconds=5.0, amplitude=0.1))["loudness"] == pytest.approx(-23.01, abs=0.05)


def test_the_same_sound_on_two_channels_is_3_lu_louder_and_no_less_silent():
    one, two = measured(sine(997.0)), measured(np.stack([sine(997.0)] * 2))
    assert two["loudness"] - one["loudness"] == pytest.approx(10 * np.log10(2), abs=1e-6)
    assert (two["peak"], two["silence"]) == (one["peak"], one["silence"])


def test_the_peak_between_the_samples_is_found():
    sound = sine(RATE / 4, phase=np.pi / 4)  # every sample at 0.707
    assert np.abs(sound).max() == pytest.approx(0.7071, abs=1e-3)
    assert -0.4 <= measured(sound)["peak"] <= 0.2  # EBU Tech 3341


def test_loudness_is_gated_so_that_pauses_do_not_count():
    sound = sine(997.0)
    paused = np.concatenate([sound, np.zeros_like(sound), sound])
    assert measured(paused)["loudness"] == pytest.approx(measured(sound)["loudness"], abs=0.25)
    assert measured(paused)["silence"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_the_rate_of_a_file_changes_little(rate):
    assert measured(sine(997.0, rate=rate, seconds=5.0), rate)["loudness"] == pytest.approx(-3.01, abs=0.3)


def test_digital_silence_is_silent_and_has_neither_loudness_nor_peak():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measured(np.zeros(RATE, np.float32))
    assert np.isnan([found["loudness"], found["peak"]]).all()
    assert found["silence"] == 1.0


def test_a_sound_shorter_than_a_block_has_a_peak_and_no_loudness():
    found = measured(sine(997.0, seconds=0.39))
    assert np.isnan(found["loudness"])
    assert found["peak"] == pytest.approx(0, abs=1)  # it ends in the middle of a wave, which rings
    assert np.isfinite(measured(sine(997.0, seconds=0.4))["loudness"])
    assert measured(np.zeros(10, np.float32))["silence"] == 1.0  # less than a frame is one frame


def test_silence_begins_below_60_db_under_full_scale():
    loud, soft = (np.full(RATE, 10 ** (level / 20), np.float32) for level in (-59.9, -60.1))
    assert (measured(loud)["silence"], measured(soft)["silence"]) == (0.0, 1.0)
    assert measured(np.concatenate([loud, soft, soft]))["silence"] == pytest.approx(2 / 3)


def test_only_the_first_seconds_count():
    sound = np.concatenate([sine(997.0, amplitude=0.1), sine(997.0)])
    assert measured(sound, seconds=3.0) == measured(sine(997.0, amplitude=0.1))


def test_more_channels_than_the_standard_weighs_have_no_loudness():
    found = measured(np.stack([sine(997.0)] * 6))
    assert np.isnan(found["loudness"])
    assert found["silence"] == 0.0


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros((1, 2, 3)), np.array([0.0, np.inf])])
def test_what_is_no_sound_is_refused(sound):
    with pytest.raises(ValueError, match="waveform: "):
        measure_levels(sound, RATE, 1.0)


def test_levels_are_named_and_may_be_undefined():
    found = sound_levels([[-20.0, -1.0, 0.25], [np.nan, np.nan, 1.0]])
    np.testing.assert_array_equal(found.loudness, [-20, np.nan])
    np.testing.assert_array_equal(found.true_peak, [-1, np.nan])
    np.testing.assert_array_equal(found.silence_share, [0.25, 1.0])


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (np.zeros((2, 2)), r"expected shape \(n, 3\), got \(2, 2\)"),
        ([[-20.0, 0.0, 1.1]], "sample 0 of 1: expected LUFS, dBTP and a share of 0 to 1"),
        ([[-20.0, 0.0, 0.0], [-np.inf, 0.0, 0.0]], "sample 1 of 2"),
        ([[0.0, 0.0, np.nan]], "sample 0 of 1"),
    ],
)
def test_what_are_no_levels_is_refused(levels, message):
    with pytest.raises(ValueError, match=message):
        sound_levels(levels)
