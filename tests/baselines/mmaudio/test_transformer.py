"""The diffusion transformer: names, sizes, invariances, and equality with the reference."""

import warnings

import pytest
import torch
from support.reference_weights import filled, given, off_by, official_entries, official_state, weight

from baselines.mmaudio.layers import HeadNorm, rotary_table, rotate
from baselines.mmaudio.lengths import FORMATS, lengths_for
from baselines.mmaudio.sampler import euler
from baselines.mmaudio.transformer import TRAINED_BY_SELVA, VARIANTS, MMDiT, Variant


def on_meta(name: str) -> MMDiT:
    with torch.device("meta"):
        return MMDiT.from_variant(name)


@pytest.fixture(scope="module")
def tiny() -> MMDiT:
    """One head, two joint blocks and one fused, seeded."""
    network = MMDiT(Variant("16k", heads=1, joint_blocks=2, fused_blocks=1))
    state = {name: weight(name, tuple(value.shape)) for name, value in network.state_dict().items()}
    network.load_state_dict(state)
    return network.eval()


SECOND = lengths_for(1.0, FORMATS["16k"])


def inputs(batch: int) -> dict[str, torch.Tensor]:
    """Conditions of one second for several samples, all different."""
    return {
        "clip": given("c", batch, SECOND.clip, 1024),
        "sync": given("s", batch, SECOND.sync, 768),
        "text": given("t", batch, 77, 1024),
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_entries_are_exactly_the_official_ones(name, lists):
    own = {entry: tuple(value.shape) for entry, value in on_meta(name).state_dict().items()}
    assert own == official_entries(lists, f"generator_{name}")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("small_16k", 157_283_644),
        ("small_44k", 157_409_144),
        ("medium_44k", 621_805_944),
        ("large_44k", 1_030_002_168),
        ("large_44k_v2", 1_030_575_608),
    ],
)
def test_parameters_are_as_many_as_the_paper_states(name, count):
    assert sum(p.numel() for p in on_meta(name).parameters()) == count


def test_selva_trains_22_of_157_million_parameters():
    trained = 0
    for name, parameter in on_meta("small_16k").named_parameters():
        trained += parameter.numel() if TRAINED_BY_SELVA.match(name) else 0
    assert round(trained / 1e6) == 22


def test_tables_that_a_file_may_carry_are_passed_over(tiny):
    state = {
        **tiny.state_dict(),
        "t_embed.freqs": torch.ones(128),
        "latent_rot": torch.ones(1),
        "clip_rot": torch.ones(1),
    }
    tiny.load_state_dict(state, strict=True)


def test_an_unknown_variant_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match=r"small_16k.*got 'huge'"):
        MMDiT.from_variant("huge")


def test_a_sample_does_not_depend_on_its_batch(tiny):
    many, latent = inputs(3), given("x", 3, SECOND.latent, 20)
    together = tiny.velocity(latent, 0.4, tiny.conditions(**many, lengths=SECOND))
    alone = tiny.velocity(latent[1:2], 0.4, tiny.conditions(**{k: v[1:2] for k, v in many.items()}, lengths=SECOND))
    torch.testing.assert_close(together[1:2], alone, atol=2e-5, rtol=0)  # float32 sums in another order


def test_every_condition_changes_the_velocity(tiny):
    some, latent = inputs(2), given("x", 1, SECOND.latent, 20)
    base = {name: value[:1] for name, value in some.items()}
    first = tiny.velocity(latent, 0.4, tiny.conditions(**base, lengths=SECOND))
    for name in base:
        for other in (some[name][1:], None):
            if other is None and name == "text":
                continue
            changed = tiny.velocity(latent, 0.4, tiny.conditions(**{**base, name: other}, lengths=SECOND))
            assert (changed - first).abs().max() > 1e-3, name
    assert (tiny.velocity(latent, 0.5, tiny.conditions(**base, lengths=SECOND)) - first).abs().max() > 1e-3


def test_times_may_differ_within_a_batch(tiny):
    given_, latent = tiny.conditions(**inputs(2), lengths=SECOND), given("x", 2, SECOND.latent, 20)
    mixed = tiny.velocity(latent, torch.tensor([0.1, 0.9]), given_)
    torch.testing.assert_close(mixed[0], tiny.velocity(latent, 0.1, given_)[0], atol=2e-5, rtol=0)
    torch.testing.assert_close(mixed[1], tiny.velocity(latent, 0.9, given_)[1], atol=2e-5, rtol=0)


def test_guidance_is_the_extrapolation_of_two_velocities(tiny):
    given_, latent = tiny.conditions(**inputs(2), lengths=SECOND), given("x", 2, SECOND.latent, 20)
    for negative in (None, given("n", 2, 77, 1024)):
        null = tiny.null_conditions(2, negative, lengths=SECOND)
        wanted, unwanted = tiny.velocity(latent, 0.3, given_), tiny.velocity(latent, 0.3, null)
        expected = 4.5 * wanted - 3.5 * unwanted
        torch.testing.assert_close(tiny.guided_velocity(latent, 0.3, given_, null, 4.5), expected, atol=5e-5, rtol=0)
    assert torch.equal(tiny.guided_velocity(latent, 0.3, given_, null, 0.9), wanted), "below 1 there is no guidance"


def test_a_negative_prompt_changes_only_the_null_branch(tiny):
    without, negative = tiny.null_conditions(1, lengths=SECOND), given("n", 1, 77, 1024)
    with_it = tiny.null_conditions(1, negative, lengths=SECOND)
    assert torch.equal(without.sync, with_it.sync)
    assert torch.equal(without.clip, with_it.clip)
    assert not torch.equal(without.text, with_it.text)


def test_a_stream_of_another_duration_is_refused(tiny):
    with pytest.raises(ValueError, match="sync: expected 192 tokens for this duration, got 40"):
        tiny.conditions(None, given("s", 1, 40, 768), given("t", 1, 77, 1024))


def test_in_bfloat16_the_velocity_stays_close(tiny):
    import copy

    half = copy.deepcopy(tiny).cast(torch.bfloat16)
    latent = given("x", 2, SECOND.latent, 20)
    exact = tiny.velocity(latent, 0.3, tiny.conditions(**inputs(2), lengths=SECOND))
    rounded = half.velocity(latent, 0.3, half.conditions(**inputs(2), lengths=SECOND))
    assert rounded.dtype == torch.float32
    assert half.latent_std.dtype == torch.float32
    assert 0 < off_by(rounded, exact) < 0.05  # 8 bits of mantissa through a dozen layers


@torch.inference_mode(False)
def normalised(norm: torch.nn.RMSNorm, kind: torch.dtype) -> tuple[torch.Tensor, ...]:
    """What a norm makes of heads under autocast, and the gradients of heads and weight."""
    with torch.enable_grad():
        norm.load_state_dict({"weight": 1 + given("w", 64) / 5})
        x = given("x", 2, 3, 40, 64).to(kind).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            normed = norm(x)
        normed.backward(given("g", 2, 3, 40, 64).to(kind))
    return normed.detach(), x.grad, norm.weight.grad


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@torch.inference_mode(False)
def test_heads_are_normalised_in_the_precision_of_the_weight_as_in_the_reference_but_without_a_warning(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own = normalised(HeadNorm(), kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = normalised(torch.nn.RMSNorm(64), kind)
    assert [value.dtype for value in own] == [kind, kind, torch.float32]
    assert all(torch.equal(one, other) for one, other in zip(own, theirs, strict=True))


def test_rotation_keeps_lengths_and_turns_by_the_distance_only():
    x, y = given("a", 1, 1, 1, 64), given("b", 1, 1, 1, 64)
    table = rotary_table(9, frequency_scale=1.5)
    turned_x, turned_y = rotate(x.expand(1, 1, 9, 64), table), rotate(y.expand(1, 1, 9, 64), table)
    torch.testing.assert_close(turned_x.norm(dim=-1), x.norm(dim=-1).expand(1, 1, 9))
    scores = (turned_x @ turned_y.transpose(-1, -2))[0, 0]
    torch.testing.assert_close(scores.diagonal(2), scores[0, 2].expand(7), atol=1e-4, rtol=0)
    assert (scores[0, 0] - scores[0, 2]).abs() > 1e-2


def test_a_latent_is_brought_back_to_the_scale_of_the_vae(tiny):
    latent, channels = given("x", 2, 3, 20), torch.arange(20.0)
    statistics = {"latent_mean": channels.view(1, 1, 20) - 7, "latent_std": 0.5 + channels.view(1, 1, 20) / 10}
    network = MMDiT(tiny.variant)
    network.load_state_dict({**tiny.state_dict(), **statistics})
    by_hand = latent * (0.5 + channels / 10) + (channels - 7)
    torch.testing.assert_close(network.unnormalise(latent), by_hand, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def small(lists) -> MMDiT:
    return filled(on_meta("small_16k"), official_state(lists, "generator_small_16k"))


@pytest.fixture(scope="module")
def streams() -> dict[str, torch.Tensor]:
    return {
        "clip": given("clip_f", 1, 64, 1024),
        "sync": given("sync_f", 1, 192, 768),
        "text": given("clip_text_f", 1, 77, 1024),
    }


def test_conditions_equal_the_reference(small, streams, golden):
    want = golden("generator_small_16k")
    negative = given("clip_negative_text_f", 1, 77, 1024)
    seen = {
        "selva": small.conditions(None, streams["sync"], streams["text"]),
        "mmaudio": small.conditions(**streams),
        "null": small.null_conditions(1),
        "null_negative": small.null_conditions(1, negative),
    }
    steps = {"clip_f": 8, "sync_f": 10, "text_f": 7}
    fields = {
        "clip_f": "clip",
        "sync_f": "sync",
        "text_f": "text",
        "clip_f_c": "clip_summary",
        "text_f_c": "text_summary",
    }
    checked = 0
    for kind, conditions in seen.items():
        for key, field in fields.items():
            name = f"cond_{kind}_{key}"
            if name in want:
                step = 50 if name.startswith("cond_null") and key == "sync_f" else steps.get(key, 1)
                value = getattr(conditions, field)
                assert off_by(value[:, ::step] if value.ndim == 3 else value, want[name]) < 1e-4, name
                checked += 1
    assert checked == 16


@pytest.mark.slow
def test_velocities_equal_the_reference(small, streams, golden):
    want, x = golden("generator_small_16k"), given("latent_16k", 1, 250, 20)
    selva = small.conditions(None, streams["sync"], streams["text"])
    assert off_by(small.velocity(x, 0.3, selva)[:, ::3], want["flow_selva_t0.3"]) < 1e-4
    assert off_by(small.velocity(x, 0.3, small.conditions(**streams))[:, ::3], want["flow_mmaudio_t0.3"]) < 1e-4
    no_sync = small.conditions(streams["clip"], None, streams["text"])
    assert off_by(small.velocity(x, 0.3, no_sync)[:, ::3], want["flow_null_sync_t0.3"]) < 1e-4
    two = lengths_for(2.0, small.audio)
    short = small.conditions(None, given("sync_f_2s", 1, 40, 768), streams["text"], lengths=two)
    assert off_by(small.velocity(given("latent_16k_2s", 1, 63, 20), 0.3, short), want["flow_selva_2s_t0.3"]) < 1e-4


@pytest.mark.slow
def test_sampling_equals_the_reference(small, streams, golden):
    want, x = golden("generator_small_16k"), given("latent_16k", 1, 250, 20)
    selva = small.conditions(None, streams["sync"], streams["text"])
    null = small.null_conditions(1)
    negative = small.null_conditions(1, given("clip_negative_text_f", 1, 77, 1024))
    assert off_by(small.guided_velocity(x, 0.3, selva, null, 4.5)[:, ::3], want["ode_cfg4.5"]) < 1e-4
    assert off_by(small.guided_velocity(x, 0.3, selva, negative, 4.5)[:, ::3], want["ode_cfg4.5_negative"]) < 1e-4
    four = euler(lambda z, t: small.guided_velocity(z, t, selva, negative, 4.5), x, steps=4)
    assert off_by(four[:, ::3], want["sample_euler4_negative"]) < 1e-4
    all_steps = euler(lambda z, t: small.guided_velocity(z, t, selva, null, 4.5), x, steps=25)
    assert off_by(all_steps[:, ::3], want["sample_euler25"]) < 1e-3  # the reference itself moves by 7e-4 for 1e-5


@pytest.mark.parametrize(
    "name",
    [
        "small_44k",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("medium_44k", "large_44k", "large_44k_v2")),
    ],
)
def test_velocities_at_44_kilohertz_equal_the_reference(name, streams, golden, lists):
    want, x = golden("generator_44k"), given("latent_44k", 1, 345, 40)
    network = filled(on_meta(name), official_state(lists, f"generator_{name}"))
    selva = network.velocity(x, 0.3, network.conditions(None, streams["sync"], streams["text"]))
    assert off_by(selva[:, ::8], want[f"{name}_flow_selva_t0.3"]) < 1e-4
    if f"{name}_flow_mmaudio_t0.3" in want:
        mmaudio = network.velocity(x, 0.3, network.conditions(**streams))
        assert off_by(mmaudio[:, ::8], want[f"{name}_flow_mmaudio_t0.3"]) < 1e-4
