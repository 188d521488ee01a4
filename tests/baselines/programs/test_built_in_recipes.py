"""The recipes that come with the suite: each against a stand-in with the official flags, files and outputs."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from support.recipes import official_checkout

from baselines import GenerationError, get_model, list_models, load_model
from baselines.programs import built_in as classes
from baselines.programs import by_recipe
from baselines.recipes import RECIPES, built_in, read_file
from baselines.registry import class_of, program_of
from foundation import media

RATES = {
    "controlfoley": 44_100, "mmaudio-demo": 44_100, "selva-demo": 16_000, "saganet": 44_100, "foleycrafter": 16_000,
    "hunyuanvideo-foley-xxl": 48_000, "hunyuanvideo-foley-xl": 48_000, "thinksound": 44_100, "prismaudio": 44_100,
}  # fmt: skip
NEGATIVE = {
    "controlfoley": "negative_prompt", "mmaudio-demo": "negative_prompt", "selva-demo": "negative_prompt",
    "saganet": "negative_prompt", "foleycrafter": "nprompt", "hunyuanvideo-foley-xxl": "neg_prompt",
    "hunyuanvideo-foley-xl": "neg_prompt",
}  # fmt: skip
SECONDS = 0.48  # of a film of 25 frames a second


class Speckles:
    """A segmenter that finds speckles, which a lossy encoder would blur, in every frame but the first."""

    weights, notes = {}, ["speckles"]

    def masks(self, frames, _prompt):
        found = np.random.default_rng(1).random((len(frames), *frames.shape[2:])) > 0.5
        found[0] = False
        return found


@pytest.fixture(autouse=True)
def tools_and_masks(tmp_path, monkeypatch):
    """No stand-in calls ffmpeg, and not every machine that tests has DEVA."""
    tool = tmp_path / "tools" / "ffmpeg"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    monkeypatch.setattr(by_recipe, "segmenter_of", lambda _wanted, _settings: Speckles())


@pytest.fixture
def program(tmp_path):
    """Makes a checkout of a recipe's program, and its model."""

    def make(name, mood="", at="", **options):
        place = official_checkout(getattr(classes, name).recipe, tmp_path)
        return place, load_model(name, **place.options(mood, at, **options))

    return make


def sound_of(answer, rate):
    """An answer's samples, whose rate must be this."""
    sound, told = answer if isinstance(answer, tuple) else (answer, rate)
    assert told == rate
    return sound


def test_every_recipe_with_steps_is_tried_here():
    models = [entry.name for entry in list_models() if "built_in" in str(entry.target)]
    assert sorted([*RATES, "audiox"]) == sorted(models)


@pytest.mark.parametrize("name", RATES)
def test_a_program_that_refuses_strange_flags_answers_each_prompt_with_its_sound(name, program, ask):
    place, model = program(name)
    second = replace(ask("b", "gong", duration=SECONDS), seed=8, negative_prompt='-rain\'s "x"')
    answers = model.generate_batch([ask("a", "bell", duration=SECONDS), second])
    for answer, level in zip(answers, (0.25, 0.5), strict=True):
        sound = sound_of(answer, RATES[name])
        assert sound.dtype == np.float32
        assert sound.size == round(SECONDS * RATES[name])
        np.testing.assert_allclose(sound[: sound.size // 2], level, atol=1e-4)
    recipe = class_of(get_model(name)).recipe
    assert len(place.parsed()) == 2 * len(recipe.steps)  # told another seed, or another negative prompt
    if recipe.takes_seed:
        assert [int(start["seed"]) for start in place.parsed() if "seed" in start] == [7, 8]
    if name in NEGATIVE:
        assert [start.get(NEGATIVE[name], "") for start in place.parsed()] == ["", '-rain\'s "x"']
    assert all(f"sha256 {recipe.sha256}" in note for note in model.notes if note.startswith("recipe "))


@pytest.mark.parametrize("name", ["thinksound", "prismaudio"])
def test_that_a_program_takes_no_negative_prompt_is_noted(name, program):
    _place, model = program(name)
    assert "the program takes no negative prompts; they are left out" in model.notes


def test_a_seed_is_brought_within_what_the_program_takes(program, ask):
    place, model = program("thinksound")
    model.generate(replace(ask("a", duration=SECONDS), seed=2**62 + 5))
    assert place.parsed()[-1]["seed"] == "5"  # 2^62 is a multiple of 2^32


@pytest.mark.parametrize(("name", "starts"), [("thinksound", 2), ("foleycrafter", 1), ("hunyuanvideo-foley-xxl", 1)])
def test_requests_that_a_program_is_told_the_same_of_share_a_start(name, starts, program, ask):
    options = {} if name.startswith("hunyuan") else {"seed": 42}
    place, model = program(name, **options)
    prompts = ("bell", "bell") if name == "foleycrafter" else ("bell", "gong")
    requests = [ask(name, prompt, duration=SECONDS) for name, prompt in zip("ab", prompts, strict=True)]
    seen = []
    model.on_progress = seen.append
    answers = model.generate_batch(requests)
    assert not any(isinstance(answer, GenerationError) for answer in answers)
    assert len(place.parsed()) == starts
    assert seen[-1] == 2
    assert any("answers depend on --batch-size" in note for note in model.notes)


def test_a_film_of_the_mask_is_pure_and_is_counted(program, ask):
    place, model = program("saganet")
    model.generate(ask("a", duration=SECONDS))
    film = media.read_video(place.notes / "mask.mp4", fps=25)
    wanted = Speckles().masks(film, "")[:, np.newaxis]
    assert film.shape[0] == 12
    np.testing.assert_array_equal(film, np.where(wanted, 255, 0).repeat(3, 1))  # its reader takes 2 for white
    assert (place.log.parent / "saganet.masks.jsonl").read_text().count('"empty_masks": 1') == 1
    assert "speckles" in model.notes


def test_a_scene_that_is_longer_is_cut_for_programs_that_answer_all_of_it(program, ask, film, tmp_path):
    film.write(tmp_path / "long.mp4", seconds=1.0)
    place, model = program("foleycrafter")
    assert sound_of(model.generate(ask("long", duration=SECONDS)), 16_000).size == round(SECONDS * 16_000)
    assert json.loads((place.notes / "seconds.jsonl").read_text()) == SECONDS


def test_what_is_missing_at_the_end_of_whole_latents_is_silence_and_noted(program, ask):
    _place, model = program("thinksound")
    sound = model.generate(ask("a", "bell", duration=SECONDS))
    made = round(44100 / 64 / 32 * SECONDS) * 2048
    assert made < sound.size
    assert sound[made - 1] == pytest.approx(0.25, abs=1e-4)
    assert not sound[made:].any()
    assert "up to 0.05 s missing at an end are made up with silence" in model.notes


def test_a_file_that_is_not_there_is_named_with_the_way_to_get_it(tmp_path):
    from baselines.programs.process import MissingProgram

    place = official_checkout(classes.controlfoley.recipe, tmp_path)
    (place.folder / "model_weights" / "ext_weights" / "v1-44.pth").unlink()
    with pytest.raises(MissingProgram, match=r"(?s)v1-44\.pth is missing.*hf download YJX-Xiaomi/ControlFoley"):
        load_model("controlfoley", **place.options())


def test_weights_are_hashed_for_the_record(program):
    _place, model = program("controlfoley")
    assert len(model.weights) == 5
    assert {len(weights.sha256) for weights in model.weights.values()} == {64}
    assert not any(weights.verified for weights in model.weights.values())


@pytest.mark.parametrize(
    "name", [name for name in built_in() if not read_file(RECIPES / f"{name}.toml").content.get("template")]
)
def test_a_recipe_says_where_it_is_from_and_what_it_needs(name):
    recipe = getattr(classes, name).recipe
    assert recipe.name == name
    assert recipe.imports
    assert len(recipe.commit) == 7
    assert recipe.repository.startswith("https://github.com/")
    if recipe.role == "model":
        entry = get_model(name)
        assert program_of(entry).name == name
        assert (entry.revision, entry.licence) == (recipe.commit, recipe.licence)
