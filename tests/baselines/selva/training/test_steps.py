"""What a step computes: which frames, whose text and teacher, and what belongs to it."""

from dataclasses import replace

import pytest
import torch
from support.small_training import WIDTH, seeded
from support.small_training_runs import narrow, narrow_store, small_recipe

from baselines.mmaudio.frames import sync_input
from baselines.mmaudio.lengths import FORMATS, lengths_for
from baselines.mmaudio.transformer import MMDiT
from baselines.selva.training import steps
from baselines.selva.training.batches import TrainingBatches
from baselines.selva.training.mixing import mix_clips
from baselines.selva.video_encoder import TextVideoEncoder
from metrics.backbones.synchformer import VideoExtractor


@pytest.fixture(autouse=True)
def _narrow():
    with narrow():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return narrow_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def encoder_step():
    return steps.EncoderStep(seeded(TextVideoEncoder(5)), seeded(VideoExtractor(), 1))


@pytest.fixture
def generator_step():
    lengths = lengths_for(0.64, FORMATS["16k"])
    return steps.GeneratorStep(seeded(MMDiT.from_variant("small_16k")), seeded(TextVideoEncoder(5)), lengths)


def batch_of(store, stage, **changes):
    return TrainingBatches(store, small_recipe(**changes), stage)[0]


def test_a_mix_shows_each_clip_on_the_side_that_was_drawn(store):
    batch = replace(batch_of(store, "encoder"), ratio=0.5, on_the_right=(False, True, False, True), mixed=(True,) * 4)
    left, right = (sync_input(mix_clips(batch.frames, ratio=0.5, side=side)) for side in ("left", "right"))
    seen = steps.mixed_input(batch)
    assert torch.equal(seen[::2], left[::2])
    assert torch.equal(seen[1::2], right[1::2])
    assert float(seen.min()) >= -1
    assert float(seen.max()) <= 1


def test_frames_normalised_twice_are_mixed_exactly_and_then_stretched_once_more(store):
    """With columns that are of one colour the mix is known; the clip that stays alone is normalised once."""
    batch = replace(batch_of(store, "encoder"), ratio=0.5, on_the_right=(False,) * 4, mixed=(True, True, True, False))
    levels = torch.tensor([0, 51, 153, 255], dtype=torch.uint8)  # -1, -0.6, 0.2, 1
    batch = replace(batch, frames=levels[:, None, None, None, None].expand_as(batch.frames).contiguous())
    seen, half = steps.mixed_input(batch, "twice"), batch.frames.shape[-1] // 2
    sides = [(float(clip[..., 0].mean()), float(clip[..., half:].mean())) for clip in seen]
    wanted = [(-3.0, 1.0), (-2.2, -0.6), (-0.6, -2.2), (1.0, 1.0)]
    assert sides == [pytest.approx(pair, abs=1e-4) for pair in wanted]
    whole = replace(batch, ratio=1.0)  # nothing of another clip is seen, so nothing was mixed
    assert torch.equal(steps.mixed_input(whole, "twice"), steps.mixed_input(whole))


def test_what_is_normalised_twice_is_not_rounded_to_grey_levels(store):
    batch = replace(batch_of(store, "encoder"), ratio=0.3, on_the_right=(False,) * 4, mixed=(True,) * 4)
    once, twice = (steps.mixed_input(batch, normalised) for normalised in ("once", "twice"))
    off = ((twice + 1) / 2 - once).abs()  # rounding; what bicubic filters overshoot is clipped on the way to levels
    assert 0 < float(off.median()) < 1 / 255


def test_options_of_the_recipe_reach_the_losses(store, monkeypatch):
    options = {}
    for stage, name in (("encoder_stage", "feature_loss"), ("generator_stage", "flow_loss")):
        given = lambda network, *inputs, **more: options.update(more) or torch.zeros(4)  # noqa: E731
        monkeypatch.setattr(getattr(steps, stage), name, given)
    monkeypatch.setattr(
        steps, "mixed_input", lambda batch, normalised: options.update({"n": normalised}) or batch.frames
    )
    student, teacher = seeded(TextVideoEncoder(5)), seeded(VideoExtractor(), 1)
    step = steps.EncoderStep(student, teacher, loss="mean absolute error", normalised="twice")
    step(batch_of(store, "encoder"))
    assert (options["loss"], options.pop("n")) == ("mean absolute error", "twice")
    lengths = lengths_for(0.64, FORMATS["16k"])
    network = seeded(MMDiT.from_variant("small_16k"))
    step = steps.GeneratorStep(network, student, lengths, target="x1", normalised="twice")
    monkeypatch.setattr(step, "_beside", (lambda picture, *_: torch.zeros(len(picture), 8, WIDTH),))
    step(batch_of(store, "generator"))
    assert (options["target"], options["n"]) == ("x1", "twice")


def test_a_clip_that_is_not_mixed_is_seen_alone(store):
    batch = replace(batch_of(store, "encoder"), mixed=(True, False, True, True))
    assert torch.equal(steps.mixed_input(batch)[1], sync_input(batch.frames[1]))


def test_the_teacher_sees_each_clip_alone(store, encoder_step, monkeypatch):
    seen = []
    usual = steps.encoder_stage.teacher_features
    monkeypatch.setattr(
        steps.encoder_stage, "teacher_features", lambda network, frames: seen.append(frames) or usual(network, frames)
    )
    batch = batch_of(store, "encoder")
    computed = encoder_step(batch)
    assert torch.equal(seen[0], sync_input(batch.frames))
    (teacher,) = encoder_step._beside
    kept = replace(batch, teacher=usual(teacher, sync_input(batch.frames)))
    assert torch.equal(encoder_step(kept), computed)
    assert len(seen) == 1  # features that the batch brings are not computed


def test_the_loss_of_a_clip_changes_with_its_own_text_and_not_with_its_partners(store, encoder_step):
    batch = batch_of(store, "encoder")
    before = encoder_step(batch)
    other = batch.text.clone()
    other[0] += 1
    after = encoder_step(replace(batch, text=other))
    assert (before != after).tolist() == [True, False, False, False]


def test_only_what_is_trained_receives_a_gradient(store, encoder_step, generator_step):
    for step, stage in ((encoder_step, "encoder"), (generator_step, "generator")):
        step(batch_of(store, stage, generator__video_dropout=0.0)).mean().backward()
        assert {name for name, value in step.network.named_parameters() if value.grad is not None} == set(step.trained)
    assert all(parameter.grad is None for parameter in generator_step.encoder.parameters())


def test_networks_that_help_are_no_part_of_a_step(encoder_step, generator_step):
    for step in (encoder_step, generator_step):
        assert {name.partition(".")[0] for name in step.state_dict()} == {"network"}
        assert [name for name, _ in step.named_children()] == ["network"]


def test_features_of_many_clips_are_those_of_a_few(store, generator_step, monkeypatch):
    batch = batch_of(store, "generator")
    whole = generator_step.features(batch)
    monkeypatch.setattr(steps, "_CLIPS_AT_ONCE", 3)
    torch.testing.assert_close(generator_step.features(batch), whole)
    assert whole.shape == (4, 8, WIDTH)


def test_the_frozen_encoder_looks_with_the_clips_own_text(store, generator_step):
    batch = batch_of(store, "generator")
    alone = generator_step.encoder(steps.mixed_input(batch)[1:2], batch.text[1:2], batch.mask[1:2])
    torch.testing.assert_close(generator_step.features(batch)[1:2], alone)


def test_dropped_conditions_reach_the_flow_as_null_features(store, generator_step, monkeypatch):
    seen = {}
    usual = steps.generator_stage.flow_loss

    def watched(network, *inputs, **conditions):
        seen.update(conditions)
        return usual(network, *inputs, **conditions)

    monkeypatch.setattr(steps.generator_stage, "flow_loss", watched)
    batch = batch_of(store, "generator")
    dropped = torch.tensor([True, False, False, False])
    generator_step(replace(batch, drop_video=dropped, drop_text=~dropped))
    assert torch.equal(seen["sync"][0], generator_step.network.null_sync.expand(8, -1))
    assert torch.equal(seen["sync"][1:], generator_step.features(batch)[1:])
    assert torch.equal(seen["text"][0], batch.clip_text[0])
    assert torch.equal(seen["text"][1], generator_step.network.empty_string_feat)
