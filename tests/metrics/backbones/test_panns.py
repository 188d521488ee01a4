"""PANNs equals the reference for seeded weights, and refuses what it cannot hear."""

import pytest
import torch
from support.seeded_weights import fill, off_by, waveform

from metrics.backbones import panns

NETWORK_TOLERANCE = 1e-4  # of the largest value: convolution kernels differ between machines


@pytest.fixture(scope="module")
def network():
    return fill(panns.Panns(), seed=1)


@pytest.fixture(scope="module")
def waves():
    first, second = (waveform(f"panns/wave{i}", 128_000, 16_000, seed=1) for i in range(2))
    return torch.cat([first, second, 0.001 * second])


@pytest.fixture(scope="module")
def answer(network, waves):
    with torch.inference_mode():
        return network.audio(waves)


def test_embedding_and_logits_equal_the_reference(answer, golden):
    expected = golden("panns")
    assert off_by(answer.embedding, expected["embedding"]) < NETWORK_TOLERANCE
    assert off_by(answer.logits, expected["logits"]) < NETWORK_TOLERANCE


def test_a_waveform_is_heard_alike_alone_and_in_a_batch(network, waves, answer):
    alone = network.audio(waves[1:2])
    assert off_by(alone.embedding, answer.embedding[1:2]) < 1e-5
    assert off_by(alone.logits, answer.logits[1:2]) < 1e-5


def test_another_seed_gives_another_network(network, waves, answer):
    other = fill(panns.Panns(), seed=2).audio(waves[:1])
    assert off_by(other.embedding, answer.embedding[:1]) > 0.1


def test_the_network_has_as_many_entries_and_parameters_as_the_published_one(network):
    assert len(network.state_dict()) == 84
    assert sum(p.numel() for p in network.parameters()) == 81_033_231
    assert "conv_block1.conv1.weight" in network.state_dict()


def test_the_shortest_waveform_still_has_an_embedding(network):
    assert network.audio(torch.zeros(1, panns.MINIMUM_SAMPLES)).embedding.isfinite().all()
    with pytest.raises(ValueError, match=r"expected shape \(b, n\) with n >= 4960, got \(1, 4959\)"):
        network.audio(torch.zeros(1, panns.MINIMUM_SAMPLES - 1))


def test_silence_has_a_finite_embedding(network):
    assert network.audio(torch.zeros(2, 16_000)).embedding.isfinite().all()


def test_training_mode_is_refused(network):
    network.train()
    try:
        with pytest.raises(ValueError, match="training mode"):
            network.audio(torch.zeros(1, 16_000))
    finally:
        network.eval()


def test_kadtk_keeps_half_precision():
    assert panns.round_as_kadtk(torch.tensor([0.1])).item() == torch.tensor(0.1, dtype=torch.float16).item()
