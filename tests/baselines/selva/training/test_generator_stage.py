"""The second stage: what is trained, the flow loss, dropped conditions, equality with the published code."""

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from support.reference_weights import filled, given, off_by, official_state
from support.small_training import TEXT_WIDTH, WIDTH, copied, moved, narrowed, norms, seeded

from baselines.mmaudio.lengths import lengths_for
from baselines.mmaudio.transformer import MMDiT
from baselines.selva.training.generator_stage import drop_conditions, flow_loss, trainable_parameters
from baselines.selva.training.schedule import optimiser
from baselines.selva.training.stages import freeze, trained_parameters

LISTS = Path(__file__).parents[2] / "mmaudio" / "data" / "state_dicts.tsv"

TRAINED = [
    "sync_pos_emb",
    *(f"sync_input_proj.{name}" for name in ("0.weight", "0.bias", "2.w1.weight", "2.w2.weight", "2.w3.weight")),
    *(f"joint_blocks.{i}.latent_block.adaLN_modulation.1.{leaf}" for i in range(4) for leaf in ("weight", "bias")),
    *(f"fused_blocks.{i}.adaLN_modulation.1.{leaf}" for i in range(8) for leaf in ("weight", "bias")),
]


@pytest.fixture(scope="module")
def tiny() -> MMDiT:
    with narrowed():
        network = seeded(MMDiT.from_variant("tiny_16k"))
    freeze(network, trainable_parameters(network))
    return network


def inputs(network: MMDiT, batch: int = 2) -> dict:
    lengths = lengths_for(0.8, network.audio)
    latent = (batch, lengths.latent, network.audio.latent_channels)
    return {
        "latent": given("latent", *latent),
        "noise": given("noise", *latent),
        "t": given("time", batch).sigmoid(),
        "sync": given("sync", batch, lengths.sync, WIDTH),
        "text": given("text", batch, 77, TEXT_WIDTH),
        "lengths": lengths,
    }


def test_exactly_the_parts_that_receive_the_video_feature_are_trained():
    with torch.device("meta"):
        network = MMDiT.from_variant("small_16k")
    assert set(trainable_parameters(network)) == set(TRAINED)
    assert len(trainable_parameters(network)) == 30
    assert sum(p.numel() for p in trained_parameters(network, TRAINED)) == 22_058_944


@pytest.mark.parametrize(("variant", "blocks"), [("small_44k", 12), ("medium_44k", 12), ("large_44k", 21)])
def test_of_larger_networks_the_same_parts_are_trained(variant, blocks):
    with torch.device("meta"):
        network = MMDiT.from_variant(variant)
    assert len(trainable_parameters(network)) == 6 + 2 * blocks


def test_after_ten_steps_all_that_is_trained_has_moved_and_nothing_else(tiny):
    network, before = deepcopy(tiny), copied(tiny)
    names = trainable_parameters(network)
    rule = optimiser(trained_parameters(network, names), 1e-4)
    for _ in range(10):
        rule.zero_grad()
        flow_loss(network, **inputs(network)).mean().backward()
        rule.step()
    assert moved(network, before) == set(names)


def test_the_loss_is_the_squared_error_of_the_velocity_on_the_straight_way():
    asked = []

    def velocity(latent, t, conditions):
        asked.append((latent, t, conditions))
        return torch.full_like(latent, 0.5)

    network = SimpleNamespace(
        latent_mean=torch.tensor([1.0, -1.0]),
        latent_std=torch.tensor([2.0, 4.0]),
        velocity=velocity,
        conditions=lambda *given, lengths: (*given, lengths),
    )
    latent, noise = torch.tensor([[[3.0, 3.0]], [[1.0, 7.0]]]), torch.tensor([[[0.0, 1.0]], [[2.0, 0.0]]])
    t = torch.tensor([0.0, 0.25])
    loss = flow_loss(network, latent, noise, t, sync="sync", text="text")
    sound = torch.tensor([[[1.0, 1.0]], [[0.0, 2.0]]])  # normalised: (3 - 1) / 2, (3 + 1) / 4, ...
    assert torch.equal(asked[0][0], torch.tensor([[[0.0, 1.0]], [[1.5, 0.5]]]))
    assert torch.equal(asked[0][1], t)
    assert asked[0][2] == (None, "sync", "text", None)
    # True velocities: (1, 0) and (-2, 2); each is predicted as 0.5.
    assert torch.equal(sound - noise, torch.tensor([[[1.0, 0.0]], [[-2.0, 2.0]]]))
    assert loss.tolist() == [(0.25 + 0.25) / 2, (6.25 + 2.25) / 2]
    # The sounds that lead on from there, x_t + (1 - t) v, are (0.5, 1.5) and (1.875, 0.875), for (1, 1) and (0, 2).
    loss = flow_loss(network, latent, noise, t, sync="sync", text="text", target="x1")
    assert loss.tolist() == [(0.25 + 0.25) / 2, (1.875**2 + 1.125**2) / 2]


def test_a_samples_loss_does_not_depend_on_its_batch(tiny):
    both, alone = inputs(tiny), inputs(tiny)
    alone.update({name: value[1:] for name, value in both.items() if name != "lengths"})
    torch.testing.assert_close(flow_loss(tiny, **alone), flow_loss(tiny, **both)[1:])


def test_without_a_picture_for_clip_the_null_feature_stands_in(tiny):
    options = inputs(tiny)
    null = tiny.null_clip.expand(2, options["lengths"].clip, -1)
    torch.testing.assert_close(flow_loss(tiny, **options, clip=null), flow_loss(tiny, **options))
    other = given("clip", *null.shape)
    assert not torch.allclose(flow_loss(tiny, **options, clip=other), flow_loss(tiny, **options))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"noise": torch.zeros(1, 25, 20)}, r"got \(2, 25, 20\), \(1, 25, 20\) and \(2,\)"),
        ({"t": torch.tensor(0.5)}, r"and \(\)"),
        ({"t": torch.zeros(2, 1)}, r"and \(2, 1\)"),
        ({"latent": torch.zeros(25, 20), "noise": torch.zeros(25, 20)}, r"expected \(b, n, c\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(tiny, changed, message):
    with pytest.raises(ValueError, match=message):
        flow_loss(tiny, **{**inputs(tiny), **changed})


def test_dropped_conditions_are_the_null_features_and_the_others_stay(tiny):
    sync, text = (inputs(tiny)[name] for name in ("sync", "text"))
    before = sync.clone(), text.clone()
    drop_video, drop_text = torch.tensor([True, False]), torch.tensor([False, True])
    seen, read = drop_conditions(tiny, sync, text, drop_video=drop_video, drop_text=drop_text)
    assert torch.equal(seen[0], tiny.null_sync.expand(len(sync[0]), -1))
    assert torch.equal(seen[1], sync[1])
    assert torch.equal(read[0], text[0])
    assert torch.equal(read[1], tiny.empty_string_feat)
    assert torch.equal(sync, before[0])
    assert torch.equal(text, before[1])


def test_dropping_both_gives_the_loss_of_guidances_null_conditions(tiny):
    options, every = inputs(tiny), torch.tensor([True, True])
    sync, text = drop_conditions(tiny, options["sync"], options["text"], drop_video=every, drop_text=every)
    null = tiny.null_conditions(2, lengths=options["lengths"])
    sound = (options["latent"] - tiny.latent_mean) / tiny.latent_std
    t = options["t"][:, None, None]
    velocity = tiny.velocity((1 - t) * options["noise"] + t * sound, options["t"], null)
    want = (velocity - sound + options["noise"]).square().mean(dim=(1, 2))
    torch.testing.assert_close(flow_loss(tiny, **{**options, "sync": sync, "text": text}), want)


@pytest.mark.parametrize("name", ["drop_video", "drop_text"])
@pytest.mark.parametrize("choice", [torch.tensor([1.0, 0.0]), torch.tensor([True]), torch.tensor(True)])
def test_a_choice_for_each_sample_is_asked_for(tiny, name, choice):
    options, none = inputs(tiny), torch.tensor([False, False])
    with pytest.raises(ValueError, match=rf"{name}: expected bool \(2,\)"):
        drop_conditions(tiny, options["sync"], options["text"], **{"drop_video": none, "drop_text": none, name: choice})


def test_loss_and_gradients_equal_the_published_code(golden):
    want = golden("generator_loss")
    with torch.device("meta"):
        network = MMDiT.from_variant("small_16k")
    network = filled(network, official_state(LISTS, "generator_small_16k"))
    freeze(network, trainable_parameters(network))
    mean, spread, draw, noise = (
        given(name, 2, 250, 20) for name in ("posterior_mean", "posterior_spread", "posterior_draw", "flow_noise")
    )
    latent, t = mean + spread.abs() * draw, given("flow_time", 2).sigmoid()
    sync, text = given("stage2_sync_f", 2, 192, 768), given("stage2_clip_text_f", 2, 77, 1024)
    losses = flow_loss(network, latent, noise, t, sync=sync, text=text)
    assert off_by(losses.detach(), want["loss"]) < 1e-4
    losses.mean().backward()
    in_order = [name for name, _ in network.named_parameters() if name in set(TRAINED)]
    ratio = norms(trained_parameters(network, in_order)) / torch.as_tensor(want["gradient_norms"])
    assert (ratio - 1).abs().max() < 2e-4
    sync, text = drop_conditions(
        network, sync, text, drop_video=torch.tensor([True, False]), drop_text=torch.tensor([False, True])
    )
    with torch.no_grad():
        assert off_by(flow_loss(network, latent, noise, t, sync=sync, text=text), want["loss_dropped"]) < 1e-4
