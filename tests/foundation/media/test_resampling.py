"""Resampling is torchaudio's, needs no torchaudio, and is bounded in memory where torchaudio's is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from foundation import media
from foundation.media import resampling
from foundation.media.resampling import Sinc, filtered, kernel_is_large, resample_in_pieces, resample_tensor

GOLDEN = Path(__file__).parent / "data" / "resampled.npz"

KAISER = Sinc(width=64, rolloff=0.9475937167399596, beta=14.769656459379492)


def noise(samples: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(samples).uniform(-1, 1, (2, samples)).astype(np.float32))


USUAL = [(44_100, 16_000), (48_000, 16_000), (22_050, 32_000), (8_000, 48_000), (11_025, 16_000), (44_100, 48_000)]
ODD = [(1_601, 1_600), (1_600, 1_601), (4_799, 1_000), (1_009, 7_919)]  # coprime, and small enough for torchaudio


@pytest.fixture(scope="module")
def torchaudio() -> Any:
    """The reference, where it is installed and loads beside this torch."""
    return pytest.importorskip("torchaudio", exc_type=(ImportError, OSError))


@pytest.mark.parametrize("sinc", [Sinc(), KAISER], ids=["hann", "kaiser"])
@pytest.mark.parametrize("samples", [1, 100, 3_000])
@pytest.mark.parametrize("rates", [*USUAL, *ODD])
def test_samples_are_those_of_torchaudio_to_the_bit(torchaudio, rates, samples, sinc):
    assert not kernel_is_large(*rates, sinc)
    sound = noise(samples)
    window = "sinc_interp_kaiser" if sinc.beta else "sinc_interp_hann"
    words = (sinc.width, sinc.rolloff, window, sinc.beta)
    assert torch.equal(filtered(sound, *rates, sinc), torchaudio.functional.resample(sound, *rates, *words))
    transform = torchaudio.transforms.Resample(*rates, window, sinc.width, sinc.rolloff, sinc.beta)
    assert torch.equal(filtered(sound, *rates, sinc, in_double=True), transform(sound))


@pytest.mark.parametrize("rates", USUAL[::2])
def test_samples_are_those_that_torchaudio_gave_where_it_is_not_installed(rates):
    expected = np.load(GOLDEN)
    sound = noise(300)
    for name, found in {
        "default": resample_tensor(sound, *rates),
        "double": filtered(sound, *rates, Sinc(), in_double=True),
        "kadtk": filtered(sound, *rates, KAISER, in_double=True),
    }.items():
        told = expected[f"{name}_{rates[0]}_{rates[1]}"]
        np.testing.assert_allclose(found.numpy(), told, rtol=0, atol=1e-6)


def test_a_filter_that_was_made_without_gradients_also_serves_with_them():
    resampling._whole_kernel.cache_clear()
    with torch.inference_mode():
        resample_tensor(noise(100), 48_000, 16_000)
    sound = noise(100).requires_grad_()
    resample_tensor(sound, 48_000, 16_000).sum().backward()
    assert sound.grad is not None


@pytest.mark.parametrize("samples", [1, 2, 100, 9_973])
@pytest.mark.parametrize("rates", [*USUAL, *ODD])
def test_pieces_are_what_torchaudio_makes_of_the_whole(monkeypatch, torchaudio, rates, samples):
    monkeypatch.setattr(resampling, "_PIECE", 20_000)  # many pieces
    sound = noise(samples)
    expected = torchaudio.functional.resample(sound, *rates)
    found = resample_in_pieces(sound, *rates, Sinc())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)  # sums of up to 60 float32 in another order


@pytest.mark.parametrize(("sinc", "window"), [(Sinc(), "sinc_interp_hann"), (KAISER, "sinc_interp_kaiser")])
@pytest.mark.parametrize("rates", ODD)
def test_pieces_with_a_filter_in_double_precision_are_what_the_transform_makes(torchaudio, rates, sinc, window):
    sound = noise(5_000)
    transform = torchaudio.transforms.Resample(*rates, window, sinc.width, sinc.rolloff, sinc.beta)
    found = resample_in_pieces(sound, *rates, sinc, in_double=True)
    torch.testing.assert_close(found, transform(sound), rtol=0, atol=2e-6)  # sums of up to 650 float32


@pytest.mark.parametrize("rates", [(16_001, 16_000), (16_000, 16_001), (44_101, 16_000), (767_999, 16_000)])
def test_rates_without_a_common_divisor_keep_pitch_and_level_in_little_memory(monkeypatch, rates):
    made, sizes = resampling._kernel, []
    monkeypatch.setattr(
        resampling, "_kernel", lambda places, *rest: sizes.append(places.numel()) or made(places, *rest)
    )
    assert kernel_is_large(*rates, Sinc())
    old, new = rates
    time = np.arange(old // 4) / old
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    found = media.resample(tone, *rates)
    assert 0 < max(sizes) <= resampling._PIECE
    assert found.shape == (-(-new * tone.size // old),)
    expected = np.sin(2 * np.pi * 440 * np.arange(found.size) / new)
    inside = slice(found.size // 10, -found.size // 10)  # beyond the filter's reach into the silence around
    np.testing.assert_allclose(found[inside], expected[inside], atol=4e-3)  # torchaudio's own ripple at width 6


def test_a_rate_that_no_sound_has_is_refused():
    with pytest.raises(ValueError, match="sample rate: expected 1000 to 768000 Hz, got 1400000000"):
        media.resample(np.zeros(10, np.float32), 1_400_000_000, 16_000)
    with pytest.raises(ValueError, match="sample rate: expected 1000 to 768000 Hz, got 10"):
        media.resample(np.zeros(10, np.float32), 16_000, 10)


def test_a_file_of_an_odd_rate_is_read(tmp_path, film):
    media.write_audio(tmp_path / "a.wav", film.noise(1, seed=1, sample_rate=16_001), 16_001)
    assert media.read_audio(tmp_path / "a.wav", sample_rate=16_000).shape == (16_000,)
