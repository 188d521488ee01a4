"""Sound as it was stored, averaged, resampled, cut."""

import itertools

import numpy as np
import pytest

from foundation import media


def lag(a: np.ndarray, b: np.ndarray) -> int:
    """By how many samples b comes after a, from the peak of their cross-correlation."""
    size = 2 * max(a.size, b.size)
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    peak = int(product.argmax())
    return peak if peak < size // 2 else peak - size


@pytest.mark.parametrize("arguments", [{"start_seconds": -1}, {"seconds": -1}])
def test_impossible_requests_for_sound_are_refused(tmp_path, arguments):
    media.write_audio(tmp_path / "a.wav", np.zeros(160), 16_000)
    with pytest.raises(ValueError, match="expected seconds from 0 on"):
        media.read_audio(tmp_path / "a.wav", sample_rate=16_000, **arguments)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_stereo_is_averaged_and_resampled_in_step(film, tmp_path, rate):
    left, right = (film.noise(2, seed=seed, sample_rate=rate) for seed in (1, 2))
    clip = film.write(tmp_path / "clip.mp4", sound=np.stack([left, right]), sample_rate=rate)
    sound = media.read_audio(clip, sample_rate=16_000, seconds=2)
    assert sound.shape == (32_000,)
    assert sound.dtype == np.float32
    mean = media.resample((left + right) / 2, rate, 16_000)
    assert lag(mean, sound) == 0
    # AAC at its default rate keeps noise below 3 kHz within a few percent
    assert np.corrcoef(sound, mean)[0, 1] > 0.98
    assert np.std(sound) == pytest.approx(np.std(mean), rel=0.05)


def test_an_opposite_pair_of_channels_cancels(tmp_path, film):
    import soundfile

    sound = film.noise(1, seed=1)
    soundfile.write(tmp_path / "pair.wav", np.stack([sound, -sound], axis=1), 16_000, subtype="FLOAT")
    assert media.read_audio_native(tmp_path / "pair.wav").samples.shape == (2, 16_000)
    np.testing.assert_array_equal(media.read_audio(tmp_path / "pair.wav", sample_rate=16_000), np.zeros(16_000))


def test_native_samples_of_every_rate_are_as_stored(tmp_path):
    import soundfile

    for rate, channels in itertools.product((8_000, 44_100, 96_000), (1, 2, 6)):
        stored = np.random.default_rng(rate).uniform(-1, 1, (rate // 10, channels)).astype(np.float32)
        soundfile.write(tmp_path / "a.wav", stored, rate, subtype="FLOAT")
        audio = media.read_audio_native(tmp_path / "a.wav")
        assert audio.sample_rate == rate
        np.testing.assert_array_equal(audio.samples, stored.T)


def test_start_and_length_cut_the_resampled_sound(tmp_path, film):
    media.write_audio(tmp_path / "a.wav", film.noise(2, seed=1, sample_rate=48_000), 48_000)
    whole = media.read_audio(tmp_path / "a.wav", sample_rate=16_000)
    part = media.read_audio(tmp_path / "a.wav", sample_rate=16_000, start_seconds=0.25, seconds=0.5)
    np.testing.assert_array_equal(part, whole[4_000:12_000])


def test_a_short_sound_is_not_padded(tmp_path):
    media.write_audio(tmp_path / "a.wav", np.full(100, 0.5), 16_000)
    assert media.read_audio(tmp_path / "a.wav", sample_rate=16_000, seconds=8).size == 100
