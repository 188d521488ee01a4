"""PaSST equals the reference for seeded weights, front end and network alike, and refuses what it cannot hear."""

import contextlib
import io
import subprocess
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from support.seeded_weights import fill, off_by, waveform

if find_spec("hear21passt") is None:
    pytest.skip("the extra `extended` is not installed", allow_module_level=True)

from foundation.extras import command_for
from metrics.backbones import passt

NETWORK_TOLERANCE = 1e-4  # of the largest value: kernels differ between machines
FRONT_END_TOLERANCE = 1e-5  # float32 on both sides, before a logarithm


@pytest.fixture(scope="module")
def mels():
    mono = waveform("extended/wave0", 128_000, 16_000, seed=1)
    stereo = waveform("extended/wave1", 360_000, 44_100, seed=1, channels=2)
    return torch.stack([passt.prepare_audio(mono, 16_000, 8.0), passt.prepare_audio(stereo, 44_100, 8.0)])


@pytest.fixture(scope="module")
def network():
    return fill(passt.Passt(), seed=1)


@pytest.fixture(scope="module")
def unfilled():
    """The network as it is made: enough to count and to refuse."""
    return passt.Passt().eval()


@pytest.fixture(scope="module")
def first_call(network, mels):
    """The answer, and what the package said meanwhile."""
    said = io.StringIO()
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(said), torch.inference_mode():
        warnings.simplefilter("always")
        return network.audio(mels), said.getvalue(), warned


@pytest.fixture(scope="module")
def answer(first_call):
    return first_call[0]


def test_the_front_end_equals_the_reference(mels, golden):
    assert mels.shape == (2, 128, 1000)
    assert off_by(mels[:, ::9, ::31], golden("passt")["mels"]) < FRONT_END_TOLERANCE


@pytest.mark.slow
def test_embedding_and_logits_equal_the_reference(answer, golden):
    expected = golden("passt")
    assert off_by(answer.embedding, expected["embedding"]) < NETWORK_TOLERANCE
    assert off_by(answer.logits, expected["logits"]) < NETWORK_TOLERANCE


@pytest.mark.slow
def test_a_sound_is_heard_alike_alone_and_in_a_batch(network, mels, answer):
    assert off_by(network.audio(mels[1:]).logits, answer.logits[1:]) < 1e-5


def test_the_network_has_as_many_entries_and_parameters_as_the_published_one(unfilled):
    entries = unfilled.state_dict()
    assert len(entries) == 159
    assert sum(p.numel() for p in unfilled.parameters()) == 86_153_758
    assert entries["time_new_pos_embed"].shape == (1, 768, 1, 99)
    assert entries["freq_new_pos_embed"].shape == (1, 768, 12, 1)
    assert entries["head.1.weight"].shape == entries["head_dist.weight"].shape == (527, 768)


def test_ten_seconds_are_heard_whatever_the_length():
    sound = np.random.default_rng(0).normal(size=13 * 32_000).astype(np.float32) * 0.1
    long = passt.prepare_audio(sound, 32_000, 13.0)
    assert long.shape == (128, 1000)
    torch.testing.assert_close(long, passt.prepare_audio(sound, 32_000, 10.0))
    assert (passt.prepare_audio(sound, 32_000, 2.0)[:, 300:] == (np.log(np.float32(1e-5)) + 4.5) / 5).all()


@pytest.mark.slow
def test_nothing_is_said_and_nothing_stays_imported(first_call):
    _, said, warned = first_call
    assert said == ""
    assert warned == []
    assert not any(name.startswith("hear21passt") for name in sys.modules)


def test_without_the_package_the_message_says_how_to_get_it():
    code = (
        "import importlib.util as u; find = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'hear21passt' else find(name, *rest);"
        "from metrics.backbones import passt; passt.Passt"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingPackage: PaSST needs the package hear21passt; to get it: " in done.stderr
    assert command_for("extended") in done.stderr


def test_training_mode_is_refused(unfilled):
    unfilled.train()
    try:
        with pytest.raises(ValueError, match="training mode"):
            unfilled.audio(torch.zeros(1, 128, 1000))
    finally:
        unfilled.eval()


def test_another_shape_is_refused(unfilled):
    with pytest.raises(ValueError, match=r"expected shape \(b, 128, 1000\), got \(1, 128, 998\)"):
        unfilled.audio(torch.zeros(1, 128, 998))
