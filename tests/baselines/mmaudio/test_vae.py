"""The VAE: file layout, magnitude-preserving weights, what only the encoder does, equality with the reference."""

import math

import pytest
import torch
from support.reference_weights import filled, given, off_by, official_entries, official_state

from baselines.mmaudio import vae
from baselines.mmaudio.vae import VAE
from baselines.mmaudio.vae_blocks import UnitConv, unit_rms


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


@pytest.fixture
def whole(monkeypatch) -> VAE:
    """With its encoder, narrow."""
    monkeypatch.setattr(vae, "BASE_WIDTHS", {"16k": 8})
    network = VAE.from_variant("16k", encoder=True)
    state = network.state_dict()
    network.load_state_dict({n: v if n.startswith("data_") else given(n, *v.shape) for n, v in state.items()})
    return network.eval()


@pytest.mark.parametrize("rate", ["16k", "44k"])
def test_with_the_encoder_entries_are_all_of_the_official_ones(rate, lists):
    with torch.device("meta"):
        network = VAE.from_variant(rate, encoder=True)
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert own == official_entries(lists, f"vae_{rate}")


def test_with_the_encoder_its_entries_are_needed(whole):
    state = whole.state_dict()
    del state["encoder.down.0.downsample.conv2.weight"]
    with pytest.raises(RuntimeError, match=r"Missing.*encoder\.down\.0\.downsample\.conv2\.weight"):
        whole.load_state_dict(state)


def test_decoding_is_the_same_with_and_without_the_encoder(whole):
    alone = VAE.from_variant("16k")
    alone.load_state_dict(whole.state_dict())
    latent = given("z", 1, 6, 20)
    assert torch.equal(alone.decode(latent), whole.decode(latent))


@pytest.mark.parametrize(("frames", "latents"), [(14, 7), (15, 7), (2, 1)])
def test_two_frames_of_mel_become_one_of_latent(whole, frames, latents):
    mean, deviation = whole.encode(given("mel", 2, 80, frames))
    assert mean.shape == deviation.shape == (2, latents, 20)
    assert (deviation > 0).all()
    torch.testing.assert_close(whole.encode(given("mel", 2, 80, frames)[1:])[0], mean[1:], atol=1e-5, rtol=0)


def test_the_mel_is_normalised_by_the_statistics_of_the_file(whole):
    mel, state = given("mel", 1, 80, 8), whole.state_dict()
    before = whole.encode(mel * state["data_std"] + state["data_mean"])
    whole.load_state_dict({**state, "data_mean": torch.full((1, 80, 1), 3.0), "data_std": torch.full((1, 80, 1), 2.0)})
    torch.testing.assert_close(whole.encode(mel * 2 + 3), before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("log_variance", "deviation"), [(2.0, math.e), (-99.0, math.exp(-15)), (99.0, math.exp(10))])
def test_the_second_half_of_the_channels_is_the_bounded_log_variance(whole, monkeypatch, log_variance, deviation):
    out = torch.cat([torch.full((1, 20, 3), 0.5), torch.full((1, 20, 3), log_variance)], dim=1)
    monkeypatch.setattr(whole.encoder, "forward", lambda mel: out)
    mean, spread = whole.encode(given("mel", 1, 80, 6))
    assert mean.shape == (1, 3, 20)
    assert (mean == 0.5).all()
    torch.testing.assert_close(spread, torch.full((1, 3, 20), deviation))


def test_a_vae_without_encoder_and_other_shapes_are_refused(whole, tiny):
    with pytest.raises(ValueError, match="has no encoder; build it with"):
        tiny.encode(given("mel", 1, 80, 6))
    for shape in ((1, 79, 6), (80, 6), (1, 80, 1)):
        with pytest.raises(ValueError, match=r"expected shape \(batch, 80, frames\) with at least 2 frames"):
            whole.encode(given("mel", *shape))


@pytest.mark.parametrize(
    ("rate", "bins", "shift"), [("16k", 80, 2), pytest.param("44k", 128, 5, marks=pytest.mark.slow)]
)
def test_latents_equal_the_reference(rate, bins, shift, lists, golden):
    with torch.device("meta"):
        empty = VAE.from_variant(rate, encoder=True)
    state = official_state(lists, f"vae_{rate}")
    empty.decoder = torch.nn.Module()  # not asked, and half of the work
    network = filled(empty, {name: value for name, value in state.items() if name.startswith("encoder.")})
    want = golden("vae_encode")
    mean, deviation = network.encode(given(f"mel_{rate}_encode", 2, bins, 64) - shift)
    assert off_by(mean, want[f"{rate}_mean"]) < 1e-4
    assert off_by(deviation, want[f"{rate}_std"]) < 1e-4
    mean, deviation = network.encode(torch.as_tensor(want[f"mel_{rate}"]))
    assert off_by(mean, want[f"{rate}_wave_mean"]) < 1e-4
    assert off_by(deviation, want[f"{rate}_wave_std"]) < 1e-4


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
