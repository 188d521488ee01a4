"""ReWaS: what its program is given, which samples of which segment are kept, and what each failure costs."""

import json
import random
import re

import numpy as np
import pytest

from baselines import GenerationError, load_model
from baselines.programs import rewas
from baselines.programs.process import MissingProgram
from baselines.programs.rewas import PROGRAM, ReWaS, Segment, segment_frames, segments
from foundation import media
from foundation.checkpoints import MissingCheckpoint


@pytest.fixture
def checkout(checkout_of, monkeypatch):
    """A checkout whose segments are small: the stand-in does not look at them, and true ones take half a second."""
    monkeypatch.setattr(rewas, "SHORTER_SIDE", 48)
    return checkout_of(PROGRAM)


def written(index: int) -> np.ndarray:
    """The sound that the stand-in writes for a line of its list: 5.12 s of it."""
    return np.frombuffer(random.Random(index).randbytes(2 * 81_920), "<i2") / np.float32(32768)


def test_the_first_four_seconds_of_one_segment_meet_the_last_four_of_the_other(checkout, ask):
    sound = ReWaS(**checkout.settings()).generate(ask())
    assert (sound.shape, sound.dtype) == ((128_000,), np.float32)
    np.testing.assert_array_equal(sound[:64_000], written(0)[:64_000])
    np.testing.assert_array_equal(sound[64_000:], written(1)[16_000:80_000])


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        pytest.param(8.0, (Segment(0, 0, 64_000), Segment(75, 16_000, 64_000)), id="the benchmark"),
        pytest.param(5.0, (Segment(0, 0, 80_000),), id="one segment does"),
        pytest.param(10.0, (Segment(0, 0, 80_000), Segment(125, 0, 80_000)), id="no overlap"),
        pytest.param(6.0, (Segment(0, 0, 48_000), Segment(25, 32_000, 48_000)), id="much overlap"),
    ],
)
def test_segments_cover_a_scene_and_meet_in_its_middle(duration, expected):
    assert segments(duration, 16_000) == expected
    for part in expected:  # nothing beyond the five seconds that a segment shows
        assert part.first_sample + part.samples <= 80_000


def test_a_scene_longer_than_two_segments_is_refused():
    with pytest.raises(GenerationError, match="do not cover"):
        segments(10.5, 16_000)


def test_the_segments_show_the_seconds_from_0_and_from_3_at_25_fps(checkout_of, ask, film):
    checkout = checkout_of(PROGRAM)
    ReWaS(**checkout.settings()).generate(ask(fps=25))
    first, second = (checkout.notes / name for name in ("00000_a.mp4", "00000_b.mp4"))
    for path, start in ((first, 0), (second, 75)):
        info = media.probe(path).video
        assert (info.frames, info.frames_per_second, info.height, info.width) == (
            125,
            25,
            256,
            340,
        )  # 48x64: 341.3 wide, made even
        assert film.numbers(media.read_video(path, fps=25)) == list(range(start, start + 125))
        assert media.probe(path).audio is None  # the scene's own soundtrack does not concern the model


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param((96, 128), (256, 340), id="341 wide, made even"),
        pytest.param((98, 50), (500, 256), id="upright, 501 high, made even"),
        pytest.param((98, 130), (256, 338), id="98 x (256 / 98) is less than 256 in binary"),
        pytest.param((256, 300), (256, 300), id="as it is"),
    ],
)
def test_the_shorter_side_is_256_whatever_the_scene(film, tmp_path, size, expected):
    assert segment_frames(film.write(tmp_path / "x.mp4", seconds=0.2, size=size), 0.2).shape == (5, *expected, 3)


def test_a_real_scene_is_scaled_as_the_official_re_encoding_does(real_media):
    frames = segment_frames(real_media / "3qesirWAGt4_000020.mp4", 2.0)
    info = media.probe(real_media / "3qesirWAGt4_000020.mp4").video
    assert len(frames) == 50
    assert min(frames.shape[1:3]) == 256
    assert frames.shape[1] % 2 == frames.shape[2] % 2 == 0
    assert frames.shape[2] / frames.shape[1] == pytest.approx(info.width / info.height, abs=0.01)


def test_real_clips_come_out_joined_sample_by_sample(checkout, ask, real_media):
    from dataclasses import replace

    request = replace(ask(), video=real_media / "airplane_vgg.mp4")
    sound = ReWaS(**checkout.settings()).generate(request)
    np.testing.assert_array_equal(sound, np.concatenate([written(0)[:64_000], written(1)[16_000:80_000]]))


def test_the_program_gets_its_defaults_but_for_the_list_and_the_folder(checkout, ask):
    ReWaS(**checkout.settings()).generate(ask())
    (given,) = checkout.noted("parsed")
    assert given.pop("testlist").endswith("list.json")
    assert given.pop("save_path").endswith("out")
    assert given == {
        "ckpt_path": "ckpts/audioldm_m_rewas_vggsound.ckpt", "phi_ckpt_path": "ckpts/phi_vggsound.ckpt",
        "synchformer_exp": "24-01-04T16-39-21", "config": "configs/audioldm_m_rewas.yaml",
        "model_name": "audioldm-m-full", "control_type": "energy_video", "file_path": None, "batchsize": 1,
        "ddim_steps": 200, "guidance_scale": 3, "duration": 5.0, "n_candidate_gen_per_cond": 1, "seed": 42,
        "re_encode": False, "datadir": "/path/to/video",
    }  # fmt: skip


@pytest.mark.parametrize("prompt", ['it\'s a "dog"', "two\nlines", "--seed 1", "-", "ünï 狗", "$(touch x) `y` ; *"])
def test_a_prompt_reaches_the_program_unchanged(checkout, ask, prompt):
    ReWaS(**checkout.settings()).generate(ask(name="a b'c\"ü", prompt=prompt, duration=2.0))
    assert [item["prompt"] for item in checkout.noted("items")] == [prompt]


def test_work_folders_may_have_any_name(checkout, ask, tmp_path):
    ReWaS(**checkout.settings(work_dir=tmp_path / "a b'c\"ü")).generate(ask(duration=2.0))
    assert "a b'c\"ü" in checkout.noted("items")[0]["video_name"]
    assert list((tmp_path / "a b'c\"ü").iterdir()) == []


def test_a_batch_starts_the_program_once_and_every_segment_has_a_name_of_its_own(checkout, ask):
    answers = ReWaS(**checkout.settings()).generate_batch([ask("x", "one"), ask("y", "two")])
    assert len(checkout.noted("parsed")) == 1
    names = [item["video_name"] for item in checkout.noted("items")]
    assert len(set(names)) == 4
    np.testing.assert_array_equal(answers[1][64_000:], written(3)[16_000:80_000])


BAD = {
    "crash": r"status 1; its last lines: .*RuntimeError: CUDA error at two .*tried twice",
    "killed": "killed by SIGKILL, as the system does when memory is full.*tried twice",
    "full": r"No space left on device.*tried twice",
    "nothing": "the program wrote no generated_00001_a_0.wav",
    "garbage": "not a media file, or damaged",
    "rate": "has 44100 Hz, expected 16000",
    "short": "has 1000 samples, at least 32000 needed",
    "cut": "generated_00001_a_0.wav: truncated",
    "not a number": "sample 0 is not finite",
}


@pytest.mark.parametrize("seed", ["x", 1.5, True])
def test_a_seed_that_is_no_whole_number_is_refused(checkout, seed):
    with pytest.raises(ValueError, match="seed: expected a whole number, got"):
        ReWaS(**checkout.settings(), seed=seed)


@pytest.mark.parametrize("mood", BAD)
def test_what_goes_wrong_with_one_sample_costs_that_sample_alone(checkout, ask, mood):
    requests = [ask(name, prompt, duration=2.0) for name, prompt in zip("xyz", ("one", "two", "three"), strict=True)]
    first, second, third = ReWaS(**checkout.settings(mood, "two")).generate_batch(requests)
    assert first.shape == third.shape == (32_000,)
    assert isinstance(second, GenerationError)
    assert re.search(BAD[mood], str(second), re.DOTALL), str(second)


def test_a_crash_takes_no_blame_for_what_an_earlier_sample_left(checkout, ask):
    requests = [ask(name, prompt, duration=1.0) for name, prompt in zip("wxyz", ("0", "1", "2", "3"), strict=True)]
    moods = json.dumps({"0": "garbage", "2": "crash"})
    answers = ReWaS(**checkout.settings(env={"STAND_IN_MOODS": moods})).generate_batch(requests)
    assert "not a media file" in str(answers[0])
    assert answers[1].shape == answers[3].shape == (16_000,)
    assert "CUDA error at 2" in str(answers[2])
    assert [item["prompt"] for item in checkout.noted("items")] == ["0", "1", "2", "2", "3"]


def test_progress_is_told_in_samples_of_the_batch_and_goes_on_after_a_crash(checkout, ask):
    model, seen = ReWaS(**checkout.settings("crash once", "two")), []
    model.on_progress = seen.append
    model.generate_batch([ask(name, name, duration=6.0) for name in ("one", "two", "three")])
    assert seen == sorted(seen)
    assert seen[-1] == 3
    assert len(checkout.noted("parsed")) == 2


def test_a_program_that_hangs_is_stopped_and_costs_the_sample_it_hung_at(checkout, ask, limits):
    limits.end_at(checkout.notes / "hangs.jsonl")
    requests = [ask(name, prompt, duration=1.0) for name, prompt in (("x", "one"), ("y", "two"), ("z", "three"))]
    model = ReWaS(**checkout.settings("hang", "two", time_limit_seconds=4))
    first, second, third = model.generate_batch(requests)
    assert first.shape == third.shape == (16_000,)
    assert "finished nothing for 4 s and was stopped" in str(second)


def test_a_crash_that_does_not_come_back_costs_nothing_and_nothing_is_done_twice(checkout, ask):
    requests = [ask(name, prompt, duration=1.0) for name, prompt in (("x", "one"), ("y", "two"), ("z", "three"))]
    answers = ReWaS(**checkout.settings("crash once", "two")).generate_batch(requests)
    assert [answer.shape for answer in answers] == [(16_000,)] * 3
    assert [item["prompt"] for item in checkout.noted("items")] == ["one", "two", "two", "three"]


def test_a_program_that_ends_badly_after_its_work_has_done_its_work(checkout, ask):
    assert ReWaS(**checkout.settings("late")).generate(ask(duration=1.0)).shape == (16_000,)
    assert len(checkout.noted("parsed")) == 1


def test_a_broken_program_is_not_started_for_every_sample_of_a_batch(checkout, ask):
    requests = [ask(f"s{k}", "one", duration=1.0) for k in range(6)]
    answers = ReWaS(**checkout.settings("broken")).generate_batch(requests)
    assert all("ImportError: no module named torch" in str(answer) for answer in answers)
    assert checkout.log.read_text().count("\n$ ") == 4


def test_a_scene_that_cannot_be_read_fails_alone(checkout, ask, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    bad, good = ReWaS(**checkout.settings()).generate_batch([ask("broken", duration=1.0), ask("y", duration=1.0)])
    assert "not a media file" in str(bad)
    assert good.shape == (16_000,)


def test_the_record_names_program_weights_and_seed(checkout):
    model = ReWaS(**checkout.settings())
    assert list(model.weights) == ["rewas", "rewas-phi", "rewas-synchformer"]
    assert {weights.verified for weights in model.weights.values()} == {False}
    assert model.notes[0].startswith("https://github.com/naver-ai/rewas @ ")
    assert model.notes[1] == "every segment is drawn from the program's seed 42, its default"


def test_the_harness_keeps_what_came_out_and_asks_for_the_rest_alone(benchmark_of_two, checkout, tmp_path):
    from benchmark import generate

    def run(mood):
        options = checkout.settings(mood, "dog") | {"env": None, "log": str(checkout.log)}
        env = checkout.settings(mood, "dog")["env"]
        with pytest.MonkeyPatch.context() as patch:  # not as an option: another mood is not another model
            for name, value in env.items():
                patch.setenv(name, value)
            made = generate(
                benchmark_of_two, "rewas", subset="inter", runs=tmp_path / "runs", batch_size=8,
                options={key: str(value) if key == "checkout" else value for key, value in options.items()},
            )  # fmt: skip
        return made.read_run()

    record = run("garbage")
    assert (record.counts.generated, len(record.failures)) == (1, 1)
    assert "not a media file" in record.failures[0].reason
    assert sorted(record.model.weights_sha256) == ["rewas", "rewas-phi", "rewas-synchformer"]
    assert record.model.unverified_weights
    before = len(checkout.noted("items"))
    record = run("")
    assert (record.counts.generated, record.failures) == (2, [])
    assert [item["prompt"] for item in checkout.noted("items")[before:]] == ["dog"]


def test_checkpoints_of_the_weights_folder_are_pointed_to(checkout, ask, tmp_path):
    (tmp_path / "weights" / "rewas").mkdir(parents=True)
    stored = tmp_path / "weights" / "rewas" / "phi_vggsound.ckpt"
    (checkout.folder / "ckpts" / "phi_vggsound.ckpt").rename(stored)
    ReWaS(**checkout.settings()).generate(ask(duration=1.0))
    assert checkout.noted("parsed")[0]["phi_ckpt_path"] == str(stored)


def test_a_checkpoint_that_is_nowhere_is_named_before_anything_runs(checkout):
    (checkout.folder / "ckpts" / "24-01-04T16-39-21.pt").unlink()
    with pytest.raises(MissingCheckpoint, match=r"(?s)rewas-synchformer.*rewas needs it.*link it to .*24-01-04"):
        ReWaS(**checkout.settings())


def test_without_settings_the_message_says_where_to_write_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        MissingProgram, match=r"(?s)its checkout is.*models.toml, table \[rewas\].*doctor --model rewas"
    ):
        load_model("rewas")
