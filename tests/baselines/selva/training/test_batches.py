"""What a batch holds: whose text, whose features, what is mixed, and that processes share it out in whole pairs."""

import pytest
import torch
from support.small_training_runs import narrow, narrow_store, small_recipe

from baselines.selva.training.batches import TrainingBatches, ValidationBatches, dealt
from baselines.selva.training.store import DamagedClip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return narrow_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(autouse=True)
def _narrow():
    with narrow():
        yield


def training(store, stage="generator", recipe=None, **options):
    return TrainingBatches(store, recipe or small_recipe(), stage, **options)


def same(first, second):
    """Whether two batches are equal to the bit."""
    for name, value in vars(first).items():
        other = getattr(second, name)
        if not (torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other):
            return False
    return True


@pytest.mark.parametrize("stage", ["encoder", "generator"])
def test_every_row_holds_what_the_store_has_of_its_own_clip(store, stage):
    recipe = small_recipe(encoder__text_dropout=0.0)
    batch = training(store, stage, recipe)[0]
    clips = {clip.id: clip for clip in store.clips("train")}
    for row, name in enumerate(batch.ids):
        clip = clips[name]
        states = store.t5_states(clip.label)
        assert torch.equal(batch.frames[row], store.frames(clip))
        assert torch.equal(batch.text[row][batch.mask[row]], states)
        assert batch.mask[row].sum() == len(states)
        if stage == "generator":
            assert torch.equal(batch.clip_text[row], store.clip_text(clip.label))


def test_a_latent_is_drawn_around_its_clips_mean(store):
    batch = training(store)[0]
    clips = {clip.id: clip for clip in store.clips("train")}
    for row, name in enumerate(batch.ids):
        mean, deviation = store.latent(clips[name], "16k")
        drawn = (batch.latent[row] - mean) / deviation
        assert abs(float(drawn.mean())) < 0.3  # 400 normal numbers
        assert float(drawn.std()) == pytest.approx(1, abs=0.2)
        assert not torch.allclose(batch.noise[row], drawn)


def test_times_lie_strictly_between_noise_and_sound(store):
    times = torch.cat([training(store)[number].t for number in range(20)])
    assert 0 < times.min() < 0.4 < 0.6 < times.max() < 1


def test_a_batch_is_the_same_whenever_it_is_asked_for(store):
    batches = training(store)
    assert same(batches[3], training(store)[3])
    assert not same(batches[3], batches[4])


@pytest.mark.parametrize("stage", ["encoder", "generator"])
@pytest.mark.parametrize("world", [2, 4])
def test_processes_draw_for_their_pairs_what_one_would_draw(store, stage, world):
    recipe = small_recipe(encoder__batch=8, generator__batch=8, generator__mixing__share=0.3)
    whole = training(store, stage, recipe)[1]
    seen = []
    for rank in range(world):
        part = training(store, stage, recipe, rank=rank, world=world)[1]
        places = dealt(8, rank, world)
        expected = whole.rows(places)
        longest = part.text.shape[1]  # each part is padded to its own longest text
        assert part.ids == expected.ids
        assert torch.equal(part.text, expected.text[:, :longest])
        assert not expected.mask[:, longest:].any()
        for name in ("frames", "ratio", "mixed", "on_the_right", *(("latent", "noise", "t") * (stage == "generator"))):
            mine, theirs = getattr(part, name), getattr(expected, name)
            assert torch.equal(mine, theirs) if isinstance(mine, torch.Tensor) else mine == theirs, name
        seen += places
    assert sorted(seen) == list(range(8))


def test_parts_of_a_batch_keep_every_clip_beside_its_partner():
    for rank in range(2):
        places = dealt(12, rank, 2)
        assert all(places[i] + places[-1 - i] == 11 for i in range(len(places)))


def test_parts_for_accumulation_are_whole_pairs(store):
    batch = training(store, recipe=small_recipe(generator__batch=8))[0]
    partners = dict(zip(batch.ids, reversed(batch.ids), strict=True))
    parts = list(batch.parts(4))
    assert [len(part.ids) for part in parts] == [4, 4]
    assert sorted(name for part in parts for name in part.ids) == sorted(batch.ids)
    for part in parts:
        assert [partners[name] for name in part.ids] == list(reversed(part.ids))
        for row, name in enumerate(part.ids):
            assert torch.equal(part.frames[row], batch.frames[batch.ids.index(name)])


def test_of_a_share_the_first_clips_of_the_whole_batch_are_mixed(store):
    recipe = small_recipe(generator__batch=8, generator__mixing__share=0.4)
    batch = training(store, recipe=recipe)[0]
    assert batch.mixed == (True, True, True, False, False, False, False, False)


def test_conditions_are_dropped_as_often_as_the_recipe_says(store):
    recipe = small_recipe(generator__video_dropout=0.5, generator__text_dropout=0.0)
    batches = [training(store, recipe=recipe)[number] for number in range(40)]
    video = torch.cat([batch.drop_video for batch in batches]).float()
    assert 0.35 < video.mean() < 0.65  # 160 chances
    assert not torch.cat([batch.drop_text for batch in batches]).any()


def test_a_dropped_text_of_the_first_stage_is_the_empty_one(store):
    recipe = small_recipe(encoder__text_dropout=1.0)
    batch = training(store, "encoder", recipe)[0]
    assert torch.equal(batch.text, store.t5_states("").expand(4, -1, -1))


def test_held_out_batches_are_fixed_and_nothing_is_dropped(store):
    recipe = small_recipe(generator__video_dropout=1.0, generator__text_dropout=1.0)
    batches = ValidationBatches(store, recipe, "generator")
    assert len(batches) == 1
    assert same(batches[0], ValidationBatches(store, recipe, "generator")[0])
    assert not (batches[0].drop_video | batches[0].drop_text).any()
    held_out = [clip.id for clip in store.clips("validation")]
    assert batches[0].ids == tuple(held_out[:2])  # of three, the last has no partner


def test_a_clip_that_cannot_be_read_is_handed_on_as_what_it_is(store, monkeypatch):
    error = DamagedClip("shards/00000.safetensors: clip clip03 is damaged")

    def broken(clip):
        raise error

    monkeypatch.setattr(store, "frames", broken)
    assert training(store)[0] is error
    assert ValidationBatches(store, small_recipe(), "encoder")[0] is error


def test_a_batch_that_cannot_be_dealt_is_refused():
    with pytest.raises(ValueError, match=r"4 clips cannot be dealt to 3 processes in whole pairs; expected a multiple"):
        dealt(4, 0, 3)


def test_a_store_without_held_out_clips_is_refused(store, monkeypatch):
    monkeypatch.setattr(store, "clips", lambda _split: ("clip00",))
    with pytest.raises(ValueError, match="expected at least 2 clips for validation, got 1"):
        ValidationBatches(store, small_recipe(), "encoder")
