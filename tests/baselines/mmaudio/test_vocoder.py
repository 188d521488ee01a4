"""BigVGAN: both spellings of weight norm, the anti-aliased activation, equality with the reference."""

import pytest
import torch
from support.reference_weights import filled, given, off_by, official_entries, official_state

from baselines.mmaudio import vocoder
from baselines.mmaudio.vocoder import BigVGAN, SmoothSnake, low_pass_filter

NAMES = {"16k": "bigvgan_16k", "44k": "bigvgan_v2_44k"}
G, V = ".parametrizations.weight.original0", ".parametrizations.weight.original1"


def folded(entries: dict) -> dict:
    """Entry names and shapes once weight norm is folded in."""
    return {name.replace(V, ".weight"): shape for name, shape in entries.items() if not name.endswith(G)}


@pytest.fixture
def tiny(monkeypatch) -> BigVGAN:
    monkeypatch.setattr(vocoder, "FIRST_WIDTH", 64)
    return BigVGAN.from_variant("16k").eval()


@pytest.mark.parametrize("rate", NAMES)
def test_entries_are_the_official_ones_with_weight_norm_folded_in(rate, lists):
    with torch.device("meta"):
        network = BigVGAN.from_variant(rate)
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert own == folded(official_entries(lists, NAMES[rate]))


def test_both_spellings_of_weight_norm_give_the_same_network(tiny):
    spelt: dict[str, dict] = {"old": {}, "new": {}}
    for name, value in tiny.state_dict().items():
        if name.endswith(".weight") and value.ndim == 3:
            stem, v = name.removesuffix(".weight"), given(name, *value.shape)
            g = given(name + "g", len(v), 1, 1)
            spelt["old"].update({f"{stem}.weight_g": g, f"{stem}.weight_v": v})
            spelt["new"].update({stem + G: g, stem + V: v})
        else:
            spelt["old"][name] = spelt["new"][name] = value
    mel, waves = given("mel", 1, 80, 4), []
    for state in spelt.values():
        kept = dict(state)
        tiny.load_state_dict(state, strict=True)
        assert state.keys() == kept.keys(), "the caller's state dict is left alone"
        waves.append(tiny(mel))
    assert torch.equal(*waves)
    layer = tiny.ups[0][0]  # of a transposed convolution the first axis is the input's
    norms = layer.weight.flatten(1).norm(dim=1)
    torch.testing.assert_close(norms, spelt["old"]["ups.0.0.weight_g"].flatten().abs())


def test_a_missing_magnitude_is_an_error(tiny):
    state = tiny.state_dict()
    v = state.pop("conv_pre.weight")
    with pytest.raises(RuntimeError, match=r"conv_pre\.weight_v"):
        tiny.load_state_dict({**state, "conv_pre.weight_v": v})


def test_the_low_pass_is_the_published_one():
    half = [0.0020290, 0.0093895, -0.0255435, -0.0576574, 0.1285726, 0.4432098]
    torch.testing.assert_close(low_pass_filter().flatten(), torch.tensor(half + half[::-1]), atol=1e-7, rtol=0)


def test_the_activation_is_linear_filtering_where_the_snake_does_nothing():
    snake = SmoothSnake(1)
    snake.act.alpha.fill_(-40.0)  # sin(0)^2: only the two filters are left
    time = torch.arange(400.0)
    slow = torch.sin(2 * torch.pi * 0.02 * time)[None, None]
    torch.testing.assert_close(snake(slow)[..., 20:-20], slow[..., 20:-20], atol=2e-2, rtol=0)
    level = torch.full((1, 1, 50), 0.7)
    torch.testing.assert_close(snake(level), level, atol=1e-5, rtol=0)


def test_snake_adds_a_squared_sine():
    snake = SmoothSnake(2)
    snake.act.alpha.copy_(torch.tensor([0.3, -0.2]))
    snake.act.beta.copy_(torch.tensor([0.1, 0.4]))
    x = torch.full((1, 2, 30), 0.9)  # a constant passes both filters
    a, b = snake.act.alpha.exp()[:, None], snake.act.beta.exp()[:, None]
    torch.testing.assert_close(snake(x), x + (x * a).sin().square() / b, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("rate", "bins", "hop"), [("16k", 80, 256), ("44k", 128, 512)])
def test_a_mel_frame_becomes_hop_samples_within_full_scale(rate, bins, hop, monkeypatch):
    monkeypatch.setattr(vocoder, "FIRST_WIDTH", 64)
    wave = BigVGAN.from_variant(rate).eval()(50 * given("mel", 2, bins, 5))
    assert wave.shape == (2, 5 * hop)
    assert wave.abs().max() <= 1


@pytest.mark.parametrize(
    ("rate", "bins", "frames", "shift"), [("16k", 80, 64, 2), pytest.param("44k", 128, 32, 4, marks=pytest.mark.slow)]
)
def test_waveforms_equal_the_reference(rate, bins, frames, shift, lists, golden):
    with torch.device("meta"):
        empty = BigVGAN.from_variant(rate)
    network = filled(empty, official_state(lists, NAMES[rate]))
    wave = network(given(f"mel_{rate}_in", 1, bins, frames) - shift)
    assert off_by(wave[0, ::8], golden("decoders")[f"wave_{rate}"]) < 1e-4
