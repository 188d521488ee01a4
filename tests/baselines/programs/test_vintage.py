"""VinTAGe: one process per scene, its own defaults, the first eight of its ten seconds."""

import random
import re
import threading
from dataclasses import replace

import numpy as np
import pytest

from baselines import GenerationError, Request, get_model
from baselines.programs.process import MissingProgram
from baselines.programs.vintage import PROGRAM, VinTAGe


@pytest.fixture
def checkout(checkout_of):
    return checkout_of(PROGRAM)


def written(seed: int = 0) -> np.ndarray:
    return np.frombuffer(random.Random(seed).randbytes(2 * 163_840), "<i2") / np.float32(32768)


def test_the_first_eight_seconds_are_kept_sample_by_sample(checkout, ask):
    sound = VinTAGe(**checkout.settings()).generate(ask())
    assert (sound.shape, sound.dtype) == ((128_000,), np.float32)
    np.testing.assert_array_equal(sound, written()[:128_000])


def test_the_program_gets_the_defaults_of_ode_sampling(checkout, ask):
    VinTAGe(**checkout.settings()).generate(ask(duration=1.0))
    (given,) = checkout.noted("parsed")
    folder = given.pop("save_dir").removesuffix("/out")
    assert given.pop("vid_feat_dir") == f"{folder}/feats"  # a fresh one: features are kept by stem
    assert re.fullmatch(rf"{folder}/scene_[0-9a-f]{{16}}\.mp4", given.pop("vid_path"))
    assert given == {
        "text_prompt": "bell", "cross_att_vis_text": True, "s_vis": 2.5, "s_txt": 2.5, "num_sampling_steps": 250,
        "sampling_method": "dopri5", "atol": 1e-6, "rtol": 1e-3, "path_type": "Linear", "prediction": "velocity",
        "seed": 0, "ckpt": "ckpts/VTComb_0300000.pt", "model": "SiT-XL/2", "save_suffix": "",
        "recalculate_feat": False, "use_masking": False, "txt_wt": -1, "target_length": 1024, "vae": "mse",
    }  # fmt: skip


def test_guidance_and_seed_are_options_and_noted(checkout, ask):
    model = VinTAGe(**checkout.settings(), s_vis=7.5, s_txt=1, seed=3)
    sound = model.generate(ask(duration=1.0))
    (given,) = checkout.noted("parsed")
    assert (given["s_vis"], given["s_txt"], given["seed"]) == (7.5, 1.0, 3)
    assert model.notes[-1] == "guidance s-vis 7.5, s-txt 1; the program's seed 3 for every scene"
    np.testing.assert_array_equal(sound, written(3)[:16_000])


def test_both_readings_of_the_defaults_have_a_name():
    assert get_model("vintage").options == {"s_vis": 2.5, "s_txt": 2.5}
    assert get_model("vintage-readme").options == {"s_vis": 7.5, "s_txt": 7.5}


@pytest.mark.parametrize("prompt", ['it\'s a "dog"', "two\nlines", "--seed=1", "-", "ünï 狗", "$(touch x) `y` ; *"])
def test_a_prompt_reaches_the_program_unchanged_and_any_scene_its_shell(checkout, ask, prompt):
    VinTAGe(**checkout.settings()).generate(ask(name="a b'c\"ü; $x", prompt=prompt, duration=1.0))
    assert checkout.noted("parsed")[0]["text_prompt"] == prompt


def test_two_scenes_never_share_a_stem(checkout, ask):
    model = VinTAGe(**checkout.settings())
    for name in ("same", "same too"):
        model.generate(ask(name, duration=1.0))
    first, second = (given["vid_path"].rsplit("/", 1)[1] for given in checkout.noted("parsed"))
    assert first != second


def test_two_processes_are_never_at_work_in_one_checkout(checkout, ask):
    requests = [ask("x", duration=1.0), ask("y", duration=1.0)]
    model = VinTAGe(**checkout.settings(env={"STAND_IN_SECONDS": "0.3"}))
    sounds = {}
    threads = [
        threading.Thread(target=lambda r: sounds.update({r.sample_id: model.generate(r)}), args=(request,))
        for request in requests
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sounds) == ["x", "y"]
    assert checkout.noted("frames of others") == [[], []]
    assert len(checkout.noted("parsed")) == 2


def test_a_work_folder_that_its_shell_would_misread_is_refused_with_the_option(checkout, ask, tmp_path):
    with pytest.raises(ValueError, match=r"work_dir: vintage hands paths in .*/a b to a shell unquoted; give a folder"):
        VinTAGe(**checkout.settings(work_dir=tmp_path / "a b"))


def test_frames_of_a_process_that_was_stopped_are_not_taken_for_the_next_scenes(checkout, ask):
    model = VinTAGe(**checkout.settings("stopped", "bell"))
    with pytest.raises(GenerationError, match="killed by SIGKILL"):
        model.generate(ask(duration=1.0))
    assert list((checkout.folder / "outputs" / "tmp_frames").iterdir()) != []
    assert model.generate(ask("y", "gong", duration=1.0)).shape == (16_000,)
    assert checkout.noted("frames of others") == [[], [], []]


def test_a_scene_that_cannot_be_read_is_named_because_the_program_would_go_on_without_it(checkout, ask, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    with pytest.raises(GenerationError, match=r"broken\.mp4: not a media file"):
        VinTAGe(**checkout.settings()).generate(ask("broken"))
    with pytest.raises(GenerationError, match="no such file"):
        VinTAGe(**checkout.settings()).generate(Request("x", tmp_path / "absent.mp4", "bell", "", 1.0, 0))
    assert checkout.noted("parsed") == []


def test_without_ffmpeg_it_is_refused_because_the_program_would_answer_the_text_alone(checkout):
    with pytest.raises(MissingProgram, match="vintage: it calls ffmpeg, which is not on its PATH"):
        VinTAGe(**checkout.settings(env={"PATH": "/absent"}))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"s_vis": "x"}, "s_vis: expected a number, got 'x'"),
        ({"s_txt": float("nan")}, "s_txt: expected a number, got nan"),
        ({"seed": 1.5}, "seed: expected a whole number, got 1.5"),
    ],
)
def test_an_option_that_cannot_be_is_refused(checkout, options, reason):
    with pytest.raises(ValueError, match=reason):
        VinTAGe(**checkout.settings(), **options)


def test_the_first_eight_seconds_of_real_clips_are_kept(checkout, ask, real_media):
    request = replace(ask(duration=1.0), video=real_media / "airplane_vgg.mp4", duration=8.0)
    np.testing.assert_array_equal(VinTAGe(**checkout.settings()).generate(request), written()[:128_000])


BAD = {
    "crash": r"RuntimeError: CUDA error at bell .*tried twice",
    "killed": "killed by SIGKILL.*tried twice",
    "full": "No space left on device.*tried twice",
    "nothing": r"the program wrote no vid_scene_\w+.wav",
    "garbage": "not a media file",
    "rate": "has 44100 Hz, expected 16000",
    "short": "has 1000 samples, at least 16000 needed",
    "cut": r"vid_scene_\w+.wav: truncated",
    "not a number": "sample 0 is not finite",
    "broken": "ImportError: no module named torch.*tried twice",
}


@pytest.mark.parametrize("mood", BAD)
def test_what_goes_wrong_is_named_and_the_next_sample_works(checkout, ask, mood):
    model = VinTAGe(**checkout.settings(mood, "bell"))
    with pytest.raises(GenerationError, match=f"(?s){BAD[mood]}"):
        model.generate(ask(duration=1.0))
    if mood != "broken":
        assert model.generate(ask("y", "gong", duration=1.0)).shape == (16_000,)


def test_a_program_that_hangs_is_stopped_twice_and_named(checkout, ask, limits):
    limits.end_at(checkout.notes / "hangs.jsonl")
    model = VinTAGe(**checkout.settings("hang", "bell", time_limit_seconds=2))
    with pytest.raises(GenerationError, match=r"finished nothing for 2 s and was stopped.*tried twice"):
        model.generate(ask(duration=1.0))
    assert len(checkout.noted("parsed")) == 2


def test_more_than_ten_seconds_are_refused(checkout, ask):
    with pytest.raises(GenerationError, match=r"makes 10 s, 10\.5 s are asked for"):
        VinTAGe(**checkout.settings()).generate(ask(duration=10.5))
