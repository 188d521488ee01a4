"""The VAE decoder: file layout, magnitude-preserving weights, equality with the reference."""

import math

import pytest
import torch
from support.reference_weights import filled, given, off_by, official_entries, official_state

from baselines.mmaudio import vae
from baselines.mmaudio.vae import VAE, UnitConv, unit_rms


@pytest.fixture
def tiny(monkeypatch) -> VAE:
    monkeypatch.setattr(vae, "BASE_WIDTHS", {"16k": 8})
    network = VAE.from_variant("16k")
    names = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(
        {n: given(n, *s) if n.startswith("decoder") else network.state_dict()[n] for n, s in names.items()}
    )
    return network.eval()


@pytest.mark.parametrize("rate", ["16k", "44k"])
def test_entries_are_the_decoder_half_of_the_official_ones(rate, lists):
    with torch.device("meta"):
        network = VAE.from_variant(rate)
    official = official_entries(lists, f"vae_{rate}")
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert own == {name: shape for name, shape in official.items() if not name.startswith("encoder.")}


def test_what_a_file_holds_of_the_encoder_is_passed_over(tiny):
    state = {**tiny.state_dict(), "encoder.conv_in.weight": torch.ones(3, 3, 3)}
    tiny.load_state_dict(state, strict=True)
    with pytest.raises(RuntimeError, match="Unexpected"):
        tiny.load_state_dict({**state, "quantiser.weight": torch.ones(1)}, strict=True)


def test_loading_normalises_every_filter_and_keeps_the_raw_weights():
    layer = UnitConv(5, 3, 3)
    raw = given("w", 3, 5, 3) * torch.tensor([0.1, 1.0, 30.0]).view(3, 1, 1)
    layer.load_state_dict({"weight": raw})
    pulse = torch.zeros(5, 5, 9)
    pulse[torch.arange(5), torch.arange(5), 4] = 1  # one channel a sample: the output lists the effective filters
    effective = layer(pulse)
    norms = effective.square().sum(dim=(0, 2)).sqrt()
    fan_in = raw[0].numel()
    expected = 1 / (1 + 1e-4 * math.sqrt(fan_in) / raw.flatten(1).norm(dim=1))
    torch.testing.assert_close(norms, expected)
    assert torch.equal(layer.state_dict()["weight"], raw)


def test_saving_and_loading_again_changes_nothing(tiny):
    latent = given("z", 1, 6, 20)
    before = tiny.decode(latent)
    tiny.load_state_dict(tiny.state_dict())
    assert torch.equal(tiny.decode(latent), before)


def test_a_frame_of_latent_becomes_two_of_mel(tiny):
    mel = tiny.decode(given("z", 2, 7, 20))
    assert mel.shape == (2, 80, 14)
    torch.testing.assert_close(tiny.decode(given("z", 2, 7, 20)[1:]), mel[1:], atol=1e-5, rtol=0)


def test_the_statistics_of_the_mel_bins_come_from_the_file(tiny):
    latent, state = given("z", 1, 6, 20), tiny.state_dict()
    normalised = (tiny.decode(latent) - state["data_mean"]) / state["data_std"]
    tiny.load_state_dict({**state, "data_mean": torch.full((1, 80, 1), 3.0), "data_std": torch.full((1, 80, 1), 2.0)})
    torch.testing.assert_close(tiny.decode(latent), normalised * 2 + 3, atol=1e-5, rtol=0)


def test_unit_rms_has_root_mean_square_one_over_channels():
    scaled = unit_rms(given("x", 2, 16, 5) * 7)
    torch.testing.assert_close(scaled.square().mean(dim=1).sqrt(), torch.ones(2, 5), atol=1e-3, rtol=0)


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError, match="16k, 44k, got '48k'"):
        VAE.from_variant("48k")


@pytest.mark.parametrize(
    ("rate", "frames", "channels"), [("16k", 250, 20), pytest.param("44k", 345, 40, marks=pytest.mark.slow)]
)
def test_mels_equal_the_reference(rate, frames, channels, lists, golden):
    with torch.device("meta"):
        empty = VAE.from_variant(rate)
    state = {n: v for n, v in official_state(lists, f"vae_{rate}").items() if n.startswith("decoder.")}
    mel = filled(empty, state).decode(given(f"z_{rate}", 1, frames, channels))
    picked = mel[:, ::4, ::5] if rate == "16k" else mel[:, ::2, ::2][:, ::4, ::5]
    assert off_by(picked, golden("decoders")[f"mel_{rate}"]) < 1e-4
