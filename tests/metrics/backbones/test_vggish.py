"""VGGish equals the reference for seeded weights, front end and network alike, and refuses what it cannot hear."""

import numpy as np
import pytest
import torch
from support.seeded_weights import fill, off_by, waveform

from metrics.backbones import vggish

NETWORK_TOLERANCE = 1e-4  # of the largest value: convolution kernels differ between machines
FRONT_END_TOLERANCE = 1e-6  # both compute in float64 and round once


@pytest.fixture(scope="module")
def examples():
    mono = waveform("extended/wave0", 128_000, 16_000, seed=1)
    stereo = waveform("extended/wave1", 360_000, 44_100, seed=1, channels=2)
    return torch.stack([vggish.prepare_audio(mono, 16_000, 8.0), vggish.prepare_audio(stereo, 44_100, 8.0)])


@pytest.fixture(scope="module")
def network():
    return fill(vggish.VGGish(), seed=1)


def test_patches_equal_the_reference(examples, golden):
    assert examples.shape == (2, 8, 96, 64)
    assert examples.dtype == torch.float32
    assert off_by(examples[:, ::4, ::7, ::5], golden("vggish")["examples"]) < FRONT_END_TOLERANCE


def test_embeddings_equal_the_reference(network, examples, golden):
    assert off_by(network.audio(examples), golden("vggish")["embedding"]) < NETWORK_TOLERANCE


def test_an_example_is_heard_alike_alone_and_in_a_batch(network, examples):
    assert off_by(network.audio(examples[1:, 3:4])[0, 0], network.audio(examples)[1, 3]) < 1e-5


def test_embeddings_may_be_negative_because_the_last_relu_is_left_out(network, examples):
    assert network.audio(examples[:1, :1]).min() < 0


def test_the_network_has_the_published_entries(network):
    convolutions, layers = (0, 3, 6, 8, 11, 13), (0, 2, 4)
    names = [*(f"features.{i}" for i in convolutions), *(f"embeddings.{i}" for i in layers)]
    assert list(network.state_dict()) == [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
    assert sum(p.numel() for p in network.parameters()) == 72_141_184


@pytest.mark.parametrize(("samples", "patches"), [(15_600, 1), (30_959, 1), (30_960, 2), (128_000, 8)])
def test_what_does_not_fill_a_patch_is_not_heard(samples, patches):
    assert vggish.prepare_audio(np.zeros(samples, dtype=np.float32), 16_000, 10.0).shape == (patches, 96, 64)


def test_a_sound_too_short_for_one_patch_is_refused():
    with pytest.raises(ValueError, match="needs 15600 samples at 16 kHz, got 15599"):
        vggish.prepare_audio(np.zeros(15_599, dtype=np.float32), 16_000, 10.0)


def test_silence_is_the_logarithm_of_the_offset():
    patches = vggish.prepare_audio(np.zeros(16_000, dtype=np.float32), 16_000, 1.0)
    np.testing.assert_allclose(patches, np.log(0.01), rtol=1e-6)


def test_another_shape_is_refused(network):
    with pytest.raises(ValueError, match=r"expected shape \(b, e, 96, 64\), got \(1, 64, 96\)"):
        network.audio(torch.zeros(1, 64, 96))
