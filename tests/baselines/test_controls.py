"""Controls: each answer is what its name says, whatever was asked before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from baselines import CONTROLS, TARGET_CONTROLS, GenerationError, Reference, Request, load_model
from baselines.controls import pink_noise
from foundation import media

SECONDS = 0.5
RATE = 16_000


def sound(seed: int, seconds: float = SECONDS, level: float = 0.1) -> np.ndarray:
    pcm = np.round(np.random.default_rng([seed, 99]).normal(0, level, round(seconds * RATE)).clip(-0.9, 0.9) * 32_768)
    return (pcm / 32_768).astype(np.float32)


CLIPS = {name: sound(seed, level=0.02 * (seed + 1)) for seed, name in enumerate("abcd")}


@pytest.fixture
def references(tmp_path) -> dict[str, Reference]:
    """All twelve ordered pairs of four clips."""
    for name, samples in CLIPS.items():
        media.write_audio(tmp_path / f"{name}.wav", samples, RATE)
    return {
        f"{t}__{p}": Reference(t, tmp_path / f"{t}.wav", tmp_path / f"{p}.wav") for t in CLIPS for p in CLIPS if t != p
    }


def request(sample_id: str, *, seed: int = 0, duration: float = SECONDS) -> Request:
    return Request(sample_id, Path("not looked at.mp4"), "prompt", "", duration, seed)


def answers(references: dict[str, Reference], name: str, **options) -> dict[str, np.ndarray]:
    control = load_model(name, references=references, **options)
    return {sample_id: control.generate(request(sample_id)) for sample_id in references}


@pytest.mark.parametrize("name", CONTROLS)
def test_every_answer_is_float32_of_the_length_asked_for(references, name):
    control = load_model(name, references=references)
    assert control.sample_rate == RATE
    for duration in (SECONDS, 0.25):
        answer = control.generate(request("a__b", duration=duration))
        assert answer.dtype == np.float32
        assert answer.shape == (round(duration * RATE),)


def test_oracle_is_the_target_itself(references):
    for sample_id, answer in answers(references, "oracle").items():
        np.testing.assert_array_equal(answer, CLIPS[sample_id[0]])


def test_distractor_is_the_paired_sound_itself(references):
    for sample_id, answer in answers(references, "distractor").items():
        np.testing.assert_array_equal(answer, CLIPS[sample_id[-1]])


def test_mixture_is_the_mean_of_both(references):
    for sample_id, answer in answers(references, "mixture").items():
        np.testing.assert_array_equal(answer, (CLIPS[sample_id[0]] + CLIPS[sample_id[-1]]) / 2)


def test_silence_is_zeros(references):
    assert not any(answer.any() for answer in answers(references, "silence").values())


# Shuffled


def origin(answer: np.ndarray) -> str:
    (name,) = [name for name, samples in CLIPS.items() if np.array_equal(samples, answer)]
    return name


def test_shuffled_is_never_a_sound_of_the_scene_but_any_other(references):
    shuffled = load_model("shuffled", references=references)
    for sample_id in references:
        taken = {origin(shuffled.generate(request(sample_id, seed=seed))) for seed in range(40)}
        assert taken == set(CLIPS) - {sample_id[0], sample_id[-1]}, "neither the target's nor the paired clip's"


def test_shuffled_takes_any_other_target_where_a_scene_has_no_paired_sound(references):
    alone = {key: replace(reference, paired_audio=None) for key, reference in references.items()}
    shuffled = load_model("shuffled", references=alone)
    taken = {origin(shuffled.generate(request("a__b", seed=seed))) for seed in range(40)}
    assert taken == set("bcd")


def test_shuffled_does_not_depend_on_the_order_of_requests_or_of_references(references):
    forwards = answers(references, "shuffled")
    turned = dict(reversed(references.items()))
    backwards = answers(turned, "shuffled")
    assert {key: origin(value) for key, value in forwards.items()} == {k: origin(v) for k, v in backwards.items()}


def test_shuffled_takes_the_target_of_smallest_hash_as_its_definition_has_it(references):
    """The letter of the clip for each sample; of version 0.1 where that is not the paired clip's."""
    shuffled = load_model("shuffled", references=references)
    taken = {seed: "".join(origin(shuffled.generate(request(key, seed=seed))) for key in references) for seed in (0, 9)}
    earlier = {0: "cbbadddbabbb", 9: "bdbcadbbbbba"}
    for seed, letters in taken.items():
        same = [now == then for now, then in zip(letters, earlier[seed], strict=True)]
        assert same == [key[-1] != then for key, then in zip(references, earlier[seed], strict=True)]
    assert taken == {0: "cbbcdaddabab", 9: "ddbcaabdbbaa"}


def test_shuffled_goes_through_the_references_once_for_all_requests(references):
    class Watched(dict):
        passes = 0

        def __iter__(self):
            Watched.passes += 1
            return super().__iter__()

        def items(self):
            Watched.passes += 1
            return super().items()

        def values(self):
            Watched.passes += 1
            return super().values()

    shuffled = load_model("shuffled", references=Watched(references))
    shuffled.generate(request("a__b"))
    first = Watched.passes
    for sample_id in references:
        shuffled.generate(request(sample_id))
    assert Watched.passes == first


@pytest.mark.parametrize("clips", ["a", "ab"])
def test_shuffled_needs_a_third_clip(references, clips):
    few = {key: value for key, value in references.items() if value.target_id in clips}
    with pytest.raises(GenerationError, match="target is one of this scene's two clips; a third is needed"):
        load_model("shuffled", references=few).generate(request("a__b"))


# Noise


def test_noise_is_as_loud_as_the_target(references):
    for sample_id, answer in answers(references, "noise").items():
        target = CLIPS[sample_id[0]]
        assert np.sqrt(np.mean(answer.astype(float) ** 2)) == pytest.approx(
            np.sqrt(np.mean(target.astype(float) ** 2)), rel=1e-3
        )
        assert abs(np.corrcoef(answer, target)[0, 1]) < 0.06  # five standard deviations of 1 / sqrt(8,000)


def test_noise_comes_from_the_seed_alone(references):
    noise = load_model("noise", references=references)
    first = noise.generate(request("a__b", seed=1))
    other = noise.generate(request("a__b", seed=2))
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1
    np.testing.assert_array_equal(first, load_model("noise", references=references).generate(request("a__b", seed=1)))


def test_noise_under_a_silent_target_is_silent(references, tmp_path):
    media.write_audio(tmp_path / "a.wav", np.zeros(8_000), RATE)
    assert not load_model("noise", references=references).generate(request("a__b")).any()


def test_noise_stays_within_full_scale(references, tmp_path):
    media.write_audio(tmp_path / "a.wav", np.sign(sound(1)) * 0.99, RATE)
    assert np.abs(load_model("noise", references=references).generate(request("a__b"))).max() <= 1


def test_pink_noise_has_the_same_power_in_every_octave():
    noise = pink_noise(2**17, np.random.default_rng(5))
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = np.array([power[2**k : 2 ** (k + 1)].sum() for k in range(9, 16)])
    # The narrowest band has 512 lines: a standard deviation of 4%.
    np.testing.assert_allclose(octaves / octaves.mean(), 1, atol=0.15)
    assert np.mean(noise**2) == pytest.approx(1)
    assert np.mean(noise) == pytest.approx(0, abs=1e-12)


# Refusals


@pytest.mark.parametrize("name", [name for name in CONTROLS if name != "silence"])
def test_a_sample_without_a_reference_has_no_answer(references, name):
    with pytest.raises(GenerationError, match="no reference for sample 'x__y'"):
        load_model(name, references=references).generate(request("x__y"))


@pytest.mark.parametrize("name", [name for name in CONTROLS if name != "silence"])
def test_a_sound_that_is_too_short_is_named_and_not_padded(references, name):
    with pytest.raises(GenerationError, match=r"[abcd]\.wav: 0\.50 s of sound, 0\.75 s needed"):
        load_model(name, references=references).generate(request("a__b", duration=0.75))


@pytest.mark.parametrize("name", ["oracle", "mixture", "distractor"])
def test_a_sound_that_is_gone_is_named(references, tmp_path, name):
    for clip in tmp_path.iterdir():
        clip.unlink()
    with pytest.raises(GenerationError, match=r"[ab]\.wav: no such file"):
        load_model(name, references=references).generate(request("a__b"))


@pytest.mark.parametrize("name", TARGET_CONTROLS)
def test_a_control_of_the_target_says_that_there_is_no_reference_sound(name):
    control = load_model(name, references={"a": Reference("a", None, None), "b": Reference("b", None, None)})
    with pytest.raises(GenerationError, match="no reference sounds"):
        control.generate(Request("a", Path("film.mp4"), "a dog", "", 1.0, 0))
