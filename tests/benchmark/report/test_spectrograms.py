import io

import numpy as np
import pytest
from PIL import Image

from benchmark.report.spectrograms import MEL_BANDS, level_curve, mel_decibels, palette, spectrogram_jpeg


def sine(frequency, amplitude=1.0, seconds=1.0, rate=16_000):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def test_a_full_scale_sine_reads_about_zero_decibels_and_half_of_it_six_less():
    whole = mel_decibels(sine(1000), 16_000, columns_per_second=40)[:, 10:-10].max()
    half = mel_decibels(sine(1000, 0.5), 16_000, columns_per_second=40)[:, 10:-10].max()
    assert whole == pytest.approx(0.0, abs=3.0)  # a tone between two bands spreads over both
    assert whole - half == pytest.approx(6.02, abs=0.01)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_higher_pitch_stands_in_a_higher_band_at_any_rate(rate):
    bands = [
        mel_decibels(sine(pitch, rate=rate), rate, columns_per_second=40).mean(axis=1).argmax()
        for pitch in (200, 800, 3200)
    ]
    assert bands == sorted(set(bands))


def test_the_same_tone_stands_in_the_same_band_at_two_rates():
    low, high = (
        mel_decibels(sine(1000, rate=r), r, columns_per_second=40).mean(axis=1).argmax() for r in (16_000, 44_100)
    )
    assert abs(int(low) - int(high)) <= 1


def test_columns_follow_time():
    late = np.concatenate([np.zeros(16_000, np.float32), sine(1000)])
    loudness = mel_decibels(late, 16_000, columns_per_second=40).max(axis=0)
    assert loudness.shape == (80,)
    assert loudness[:38].max() < -60 < loudness[42:78].min()


def test_silence_is_dark_and_finite():
    assert np.isfinite(mel_decibels(np.zeros(8000, np.float32), 16_000, columns_per_second=40)).all()


def test_the_picture_has_forty_columns_per_second_and_low_pitch_at_the_bottom():
    picture = np.asarray(Image.open(io.BytesIO(spectrogram_jpeg(sine(150, seconds=2.0), 16_000))).convert("L"))
    assert picture.shape == (MEL_BANDS, 80)
    assert picture[-15:].mean() > picture[:15].mean() + 20


def test_the_palette_grows_lighter_so_it_reads_in_grey():
    luminance = palette() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) >= -0.5).all()  # rounding to whole colours
    assert luminance[-1] - luminance[0] > 200


def test_the_level_of_a_sine_is_its_amplitude_over_root_two():
    assert level_curve(sine(1000, 0.5), 16_000) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        mel_decibels(np.zeros(0, np.float32), 16_000, columns_per_second=40)
