"""MMAudio from file to sound, with its networks shrunk; the full size once, slowly."""

import numpy as np
import pytest
import torch
from support.tiny_models import NoStore, asking, differ, film, made_by_options

from baselines import GenerationError, Generator
from baselines.mmaudio import MMAudio
from baselines.mmaudio.lengths import lengths_for
from baselines.mmaudio.synthesis import Brief
from foundation.checkpoints import MissingCheckpoint


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return film(tmp_path_factory.mktemp("films") / "v.mp4")


@pytest.fixture(scope="module")
def tiny():
    with made_by_options(MMAudio) as model:
        yield model


@pytest.fixture(scope="module")
def sound(tiny, video):
    """What the small model answers to what `asking` asks of the video, not to be written to."""
    sound = tiny().generate(asking(video))
    sound.flags.writeable = False
    return sound


@pytest.fixture
def fresh(tiny):
    """Makes a shrunk model that remembers nothing, of the weights that all of this file share."""
    return lambda **options: MMAudio(variant="tiny_16k", steps=2, device="cpu", random_weights=True, **options)


def test_it_is_a_generator_that_says_it_is_untrained(tiny):
    assert isinstance(tiny(), Generator)
    assert tiny().untrained
    assert tiny().sample_rate == 16_000
    assert tiny(variant="tiny_44k").sample_rate == 44_100


@pytest.mark.parametrize(
    ("variant", "seconds", "samples"),
    [("tiny_16k", 0.64, 10_240), ("tiny_16k", 0.83, 13_280), ("tiny_44k", 0.83, 36_603)],
)
def test_sound_lasts_exactly_as_long_as_asked(tiny, video, variant, seconds, samples):
    sound = tiny(variant=variant).generate(asking(video, seconds=seconds))
    assert sound.shape == (samples,)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0 < np.abs(sound).max() <= 1


def test_seed_prompt_negative_prompt_and_picture_each_change_the_sound(tiny, sound, video, tmp_path):
    np.testing.assert_array_equal(tiny().generate(asking(video)), sound)
    changed = [
        asking(video, seed=8),
        asking(video, "rain"),
        asking(video, negative="rain"),
        asking(film(tmp_path / "other.mp4", seed=5)),
    ]
    for request in changed:
        assert differ(sound, tiny().generate(request)), request


def test_null_features_replace_the_picture(tiny, sound, video, tmp_path):
    other = film(tmp_path / "other.mp4", seed=5)
    blind = tiny(null_clip=True, null_sync=True)
    np.testing.assert_array_equal(blind.generate(asking(video)), blind.generate(asking(other)))
    for options in ({"null_clip": True}, {"null_sync": True}):
        half_blind = tiny(**options).generate(asking(video))
        assert differ(half_blind, sound), options
        assert differ(half_blind, tiny(**options).generate(asking(other))), "the other stream still sees"


def test_sync_frames_decide_what_is_seen_and_the_notes_say_so(tiny, sound, video):
    cropped, squashed = tiny(), tiny(sync_frames="squash")
    assert differ(sound, squashed.generate(asking(video)))
    assert "centre crop" in cropped.notes[0]
    assert "whole frame" in squashed.notes[0]
    assert tiny(null_clip=True, null_sync=True).notes == [
        "no Synchformer features (null)",
        "no CLIP image features (null)",
    ]


def test_guidance_and_steps_matter(tiny, sound, video):
    for options in ({"guidance": 0.0}, {"guidance": 2.0}, {"steps": 5}):
        assert differ(sound, tiny(**options).generate(asking(video))), options


def test_bfloat16_stays_close_to_float32(tiny, sound, video):
    rounded = tiny(dtype="bf16").generate(asking(video))
    assert rounded.dtype == np.float32
    assert 0 < np.abs(sound - rounded).mean() < 0.2 * np.abs(sound).mean()


def test_a_second_prompt_decodes_no_video(tiny, video, monkeypatch):
    from baselines.mmaudio import frames

    model = tiny(steps=1)
    model.generate(asking(video, "dog barking"))
    monkeypatch.setattr(frames, "read_frames", None)
    model.generate(asking(video, "rain"))


@pytest.mark.parametrize("prompt", ["", "word " * 500, "Hund bellt, 犬が吠える 🐕"])
def test_every_prompt_is_answered(tiny, video, prompt):
    assert np.isfinite(tiny().generate(asking(video, prompt))).all()


def test_a_portrait_video_is_answered(tiny, tmp_path):
    assert np.isfinite(tiny().generate(asking(film(tmp_path / "tall.mp4", size=(96, 64))))).all()


def test_a_video_that_is_too_short_or_corrupt_names_sample_and_file(tiny, video, tmp_path):
    with pytest.raises(GenerationError, match=r"v: .*v\.mp4: too short: 2\.00 s of video, 3\.00 s needed"):
        tiny().generate(asking(video, seconds=3.0))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(video.read_bytes()[:300])
    with pytest.raises(GenerationError, match=r"broken: .*broken\.mp4"):
        tiny().generate(asking(broken))
    with pytest.raises(GenerationError, match="no such file"):
        tiny().generate(asking(tmp_path / "absent.mp4"))
    with pytest.raises(GenerationError, match=r"v: .*at least 0\.64 s"):
        tiny().generate(asking(video, seconds=0.5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "huge"}, "variant: expected one of small_16k"),
        ({"sync_frames": "stretch"}, "sync_frames: expected one of centre-crop, squash"),
        ({"steps": 0}, "steps: expected at least 1"),
        ({"dtype": "fp16"}, "dtype: expected one of fp32, bf16, got 'fp16'"),
        ({"checkpoint": {"vocodr": "x"}}, "no part 'vocodr'; the parts are generator"),
        pytest.param(
            {"device": "cuda"},
            "torch sees no GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_an_option_out_of_range_is_named_before_anything_is_loaded(options, message):
    with pytest.raises(ValueError, match=message):
        MMAudio(**{"random_weights": True, **options})


def test_without_weights_the_message_says_how_to_get_them(tmp_path):
    with pytest.raises(MissingCheckpoint, match=r"for mmaudio small_16k(.|\n)*benchmark weights .*dfn5b-clip"):
        MMAudio(weights_dir=tmp_path, device="cpu")


@pytest.mark.slow
def test_the_full_size_answers_a_real_clip(real_media):
    model = MMAudio(random_weights=True, null_clip=True, steps=2, device="cpu")
    sound = model.generate(asking(real_media / "3qesirWAGt4_000020.mp4", seconds=2.0))
    assert sound.shape == (32_000,)
    assert np.isfinite(sound).all()


def test_on_a_cpu_no_bit_depends_on_the_batch_nor_on_who_decodes(fresh, tmp_path):
    films = [film(tmp_path / f"{seed}.mp4", seed=seed) for seed in (1, 2)]
    requests = [
        asking(films[0], "dog barking", seed=1),
        asking(films[1], "train passing", negative="dog barking", seed=2),
        asking(films[0], "rain", seconds=0.64, seed=3),
        asking(films[1], "", seed=4),
    ]
    one_by_one, model = fresh(store=NoStore()), fresh(store=NoStore())
    alone = [one_by_one.generate(request) for request in requests]
    assert len({sound[:1000].tobytes() for sound in alone}) == 4
    prepared = [model.prepare(request) for request in requests]
    assert {name: frames.shape[1:] for name, frames in prepared[0].items()} == {
        "clip": (3, 384, 384), "sync": (3, 224, 224),
    }  # fmt: skip
    for sounds in (model.generate_batch(requests), model.generate_prepared(requests, prepared)):
        for sound, expected in zip(sounds, alone, strict=True):
            np.testing.assert_array_equal(sound, expected)


def test_streams_that_no_network_sees_are_not_decoded(tiny, video):
    assert list(tiny(null_clip=True).prepare.streams) == ["sync"]
    blind = tiny(null_clip=True, null_sync=True)
    assert not blind.needs_preparing(asking(video))
    assert len(blind.generate_prepared([asking(video)], [{}])) == 1


def test_only_the_features_that_are_not_kept_are_computed(fresh, video, tmp_path):
    """Another crop for Synchformer costs no second pass of CLIP, whose arithmetic is five times all the rest."""
    fresh(features_dir=tmp_path).generate(asking(video))
    model = fresh(features_dir=tmp_path, sync_frames="squash")
    expected = fresh(sync_frames="squash").generate(asking(video))
    model._clip = None  # calling it would fail
    np.testing.assert_array_equal(model.generate(asking(video)), expected)


@pytest.mark.parametrize("guidance", [4.5, 0.5])
def test_a_batch_that_is_filled_up_samples_what_it_did(tiny, guidance):
    synthesiser = tiny(guidance=guidance).synthesiser
    lengths = lengths_for(0.64, synthesiser.audio)
    torch.manual_seed(0)
    text = torch.nn.functional.normalize(torch.randn(2, 77, 1024), dim=-1)
    brief = Brief(torch.randn(2, lengths.sync, 768), None, text, [None, text[0]], lengths, [1, 2])
    noise, conditions = synthesiser.noise([1, 2], lengths), synthesiser._conditions(brief, slice(0, 2))
    expected = synthesiser._sampled(noise, *conditions.tensors())
    more_noise, more = synthesiser._filled_up(noise, conditions, 5)
    assert len(more_noise) == 5
    torch.testing.assert_close(synthesiser._sampled(more_noise, *more.tensors())[:2], expected, atol=1e-5, rtol=0)
