"""Audiobox Aesthetics rates as the package's own predictor does for seeded weights, in whatever batch."""

import subprocess
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from support.checkpoint_files import AUDIOBOX_SCALES, AUDIOBOX_SETTINGS, official_layout, write_checkpoint
from support.seeded_weights import fill, waveform

if find_spec("audiobox_aesthetics") is None:
    pytest.skip("the extra `extended` is not installed", allow_module_level=True)

from foundation.checkpoints import WrongCheckpoint
from foundation.extras import command_for
from metrics.aesthetics import AXES
from metrics.backbones import audiobox, load_backbone

TOLERANCE = 1e-4  # of a rating: float32 on both sides
SMALL = {  # two layers of WavLM in place of twelve, narrow ones
    "encoder_layers": 2, "encoder_embed_dim": 64, "encoder_ffn_embed_dim": 96, "encoder_attention_heads": 4,
    "conv_feature_layers": "[(32,10,5)] + [(32,3,2)] * 4 + [(32,2,2)] * 2",
}  # fmt: skip
SETTINGS = {**AUDIOBOX_SETTINGS, "nth_layer": 3}


def sounds():
    """Sounds of every kind, each with its rate: short, of one window, of two, stereo at other rates, silence."""
    return [
        (waveform("audiobox/0", 30_000, 16_000, seed=1), 16_000),
        (waveform("audiobox/1", 128_000, 16_000, seed=1), 16_000),
        (waveform("audiobox/2", 212_345, 16_000, seed=1), 16_000),
        (waveform("audiobox/3", 264_600, 44_100, seed=1, channels=2), 44_100),
        (torch.zeros(1, 48_000), 24_000),
    ]


@pytest.fixture(scope="module")
def small():
    """The package's predictor module and ours, with networks of two narrow layers."""
    from audiobox_aesthetics import infer
    from audiobox_aesthetics.model import aes

    with pytest.MonkeyPatch.context() as patch:
        for module in (aes, audiobox._package()):
            config = type(module.DEFAULT_AUDIO_CFG)({**vars(module.DEFAULT_AUDIO_CFG), **SMALL})
            patch.setattr(module, "DEFAULT_AUDIO_CFG", config)
        yield infer, fill(audiobox.Audiobox(SETTINGS, AUDIOBOX_SCALES), seed=1)


@pytest.fixture(scope="module")
def checkpoint(small, tmp_path_factory):
    content = official_layout("audiobox", small[1].state_dict())
    path = tmp_path_factory.mktemp("audiobox") / "checkpoint.pt"
    torch.save({**content, "model_cfg": {**content["model_cfg"], "nth_layer": 3}}, path)
    return path


def rated(network, sound, rate, seconds=60.0):
    with torch.inference_mode():
        return network.audio(audiobox.prepare_audio(sound, rate, seconds)[None]).ratings[0]


def by_predictor(infer, path, given):
    predictor = infer.initialize_predictor(str(path))
    rows = predictor.forward([{"path": sound, "sample_rate": rate} for sound, rate in given])
    return torch.tensor([[row[axis] for axis in AXES] for row in rows])


def test_ratings_equal_the_packages_own_predictor(small, checkpoint):
    expected = by_predictor(small[0], checkpoint, sounds())
    found = torch.stack([rated(small[1], *given) for given in sounds()])
    assert (found - expected).abs().max() < TOLERANCE
    assert (expected.std(dim=0) > 100 * TOLERANCE).all()  # they differ by more than is tolerated


def test_a_network_from_a_file_in_the_official_layout_rates_alike(small, checkpoint):
    network = load_backbone("audiobox", checkpoint=checkpoint, allow_unverified=True)
    torch.testing.assert_close(rated(network, *sounds()[1]), rated(small[1], *sounds()[1]))


def test_a_sound_is_rated_alike_alone_and_in_a_batch(small):
    batch = torch.stack([waveform(f"audiobox/b{n}", 170_000, 16_000, seed=n)[0] for n in range(3)])
    with torch.inference_mode():
        together = small[1].audio(batch).ratings
        alone = torch.cat([small[1].audio(sound[None]).ratings for sound in batch])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_a_window_counts_by_how_much_sound_it_holds(small):
    sound = waveform("audiobox/w", 200_000, 16_000, seed=3)
    first, last = (rated(small[1], part, 16_000) for part in (sound[:, :160_000], sound[:, 160_000:]))
    torch.testing.assert_close(rated(small[1], sound, 16_000), 0.8 * first + 0.2 * last, rtol=0, atol=1e-5)


def test_only_the_first_seconds_are_heard(small):
    sound, _ = sounds()[1]
    torch.testing.assert_close(rated(small[1], sound, 16_000, 3.0), rated(small[1], sound[:, :48_000], 16_000))


def test_nothing_of_the_package_stays_imported():
    code = (
        "import sys; from metrics.backbones import audiobox\n"
        "assert not any(name.startswith('audiobox_aesthetics') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_rating_warns_of_nothing(small):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rated(small[1], *sounds()[0])


def test_without_the_package_the_message_says_how_to_get_it():
    code = (
        "import importlib.util as u; find = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'audiobox_aesthetics' else find(name, *rest);"
        "from metrics.backbones import audiobox; audiobox.Audiobox"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingPackage: Audiobox Aesthetics needs the package audiobox_aesthetics; to get it: " in done.stderr
    assert command_for("extended") in done.stderr


def test_a_file_that_does_not_describe_its_network_is_refused(small):
    content = official_layout("audiobox", small[1].state_dict())
    for name in ("model_cfg", "target_transform"):
        with pytest.raises(WrongCheckpoint, match=f"holds no weights of audiobox: it does not say .*{name}"):
            load_backbone("audiobox", state_dict={key: value for key, value in content.items() if key != name})


@pytest.mark.parametrize("shape", [(3,), (1, 0), (1, 2, 3)])
def test_another_shape_is_refused(small, shape):
    with pytest.raises(ValueError, match=r"waveforms: expected shape \(b, n\) with n > 0, got"):
        small[1].audio(torch.zeros(shape))


def test_training_mode_is_refused(small):
    small[1].train()
    try:
        with pytest.raises(ValueError, match="training mode"):
            small[1].audio(torch.zeros(1, 16_000))
    finally:
        small[1].eval()


@pytest.mark.slow(minutes=0.5)  # writes 0.4 GB
def test_the_network_at_full_size_equals_the_predictor_and_has_the_size_of_the_published_file(tmp_path):
    from audiobox_aesthetics import infer

    path = write_checkpoint("audiobox", tmp_path)
    assert abs(path.stat().st_size - 416e6) < 1e6
    network = load_backbone("audiobox", checkpoint=path, allow_unverified=True)
    given = sounds()[1:2]
    expected = by_predictor(infer, path, given)
    assert np.abs(rated(network, *given[0]).numpy() - expected[0].numpy()).max() < TOLERANCE
