"""Sequence lengths follow the formulas of the reference."""

import math

import pytest

from baselines.mmaudio.lengths import FORMATS, lengths_for


@pytest.mark.parametrize(
    ("seconds", "rate", "latent", "clip", "sync", "samples"),
    [  # measured with the reference implementation, but for the samples, which it does not cut
        (8.0, "16k", 250, 64, 192, 128_000),
        (8.0, "44k", 345, 64, 192, 352_800),
        (7.96, "16k", 249, 63, 184, 127_360),
        (7.96, "44k", 343, 63, 184, 351_036),
        (10.0, "16k", 313, 80, 240, 160_000),
        (10.0, "44k", 431, 80, 240, 441_000),
        (2.0, "16k", 63, 16, 40, 32_000),
        (0.64, "16k", 20, 5, 8, 10_240),
    ],
)
def test_lengths_are_those_of_the_reference(seconds, rate, latent, clip, sync, samples):
    got = lengths_for(seconds, FORMATS[rate])
    assert (got.latent, got.clip, got.sync, got.samples) == (latent, clip, sync, samples)


@pytest.mark.parametrize("rate", FORMATS)
def test_the_vocoder_never_makes_fewer_samples_than_are_kept(rate):
    audio = FORMATS[rate]
    for frames in range(16, 400):
        got = lengths_for(frames / 25, audio)
        assert got.sync_frames == frames, "rounding of the duration must not lose a frame"
        assert 0 <= got.latent * 2 * audio.hop - got.samples < 2 * audio.hop


@pytest.mark.parametrize("seconds", [0.0, 0.6, -1.0, math.nan, math.inf])
def test_a_duration_shorter_than_one_segment_is_refused(seconds):
    with pytest.raises(ValueError, match=r"at least 0\.64 s"):
        lengths_for(seconds, FORMATS["16k"])
