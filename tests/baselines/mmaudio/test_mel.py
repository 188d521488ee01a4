"""The log-mel spectrogram: equality with the reference, levels, lengths, what is refused."""

import math

import numpy as np
import pytest
import torch
from support.reference_weights import off_by
from support.seeded_weights import waveform

from baselines.mmaudio.mel import mel_spectrogram


def tone(hertz: float, rate: int, seconds: float = 0.5, level: float = 0.5) -> torch.Tensor:
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    return (level * (2 * math.pi * hertz * time).sin()).float()[None]


@pytest.mark.parametrize(("variant", "rate"), [("16k", 16_000), ("44k", 44_100)])
def test_the_spectrogram_equals_the_reference(variant, rate, golden):
    """The waveform leaves [-1, 1] on purpose."""
    sound = 4.0 * waveform(f"training/wave_{variant}", rate, rate, seed=1)
    assert sound.abs().max() > 1
    assert off_by(mel_spectrogram(sound, rate), golden("vae_encode")[f"mel_{variant}"]) < 1e-4


@pytest.mark.parametrize(("rate", "bins", "log"), [(16_000, 80, np.log10), (44_100, 128, np.log)])
def test_silence_is_the_smallest_level_in_the_logarithm_of_the_rate(rate, bins, log):
    mel = mel_spectrogram(torch.zeros(1, rate), rate)
    assert mel.shape[1] == bins
    assert mel.flatten().tolist() == pytest.approx([float(log(1e-5))] * mel.numel(), abs=1e-5)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_tone_is_loudest_in_the_bin_of_its_pitch(rate):
    """By Slaney's scale: linear below 1 kHz, 15 mels, then 27 steps for each factor of 6.4."""
    bins = 80 if rate == 16_000 else 128

    def mel(hertz: float) -> float:
        return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)

    for hertz in (440.0, 1000.0, 3000.0):
        loudest = int(mel_spectrogram(tone(hertz, rate), rate).mean(dim=2).argmax())
        assert loudest == pytest.approx(mel(hertz) / mel(rate / 2) * (bins + 1) - 1, abs=1)


@pytest.mark.parametrize(("samples", "frames"), [(128_000, 500), (128_255, 500), (128_256, 501)])
def test_a_hop_of_samples_is_a_frame(samples, frames):
    assert mel_spectrogram(torch.zeros(1, samples), 16_000).shape[2] == frames


def test_a_sound_does_not_depend_on_its_batch():
    sounds = torch.cat([tone(300, 16_000), tone(900, 16_000)])
    torch.testing.assert_close(mel_spectrogram(sounds, 16_000)[1:], mel_spectrogram(sounds[1:], 16_000))


@pytest.mark.parametrize(
    ("sound", "rate", "message"),
    [
        (torch.zeros(1, 48_000), 48_000, "rate: expected one of 16000, 44100 Hz, got 48000"),
        (torch.zeros(16_000), 16_000, r"expected shape \(b, samples\) .* got \(16000,\)"),
        (torch.zeros(1, 384), 16_000, r"more than 384 samples, got \(1, 384\)"),
    ],
)
def test_what_cannot_be_analysed_is_refused(sound, rate, message):
    with pytest.raises(ValueError, match=message):
        mel_spectrogram(sound, rate)
