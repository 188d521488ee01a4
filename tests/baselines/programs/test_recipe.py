"""A recipe of one's own: what it may say, what is refused with file, key and value, and how it is run and recorded."""

import json
import sys

import numpy as np
import pytest
from support.recipes import official_checkout
from typer.testing import CliRunner

from baselines import GenerationError, Request, UnknownModel, get_model, load_model
from baselines.programs.recipe import read_recipe
from baselines.registry import OwnModel, class_of, option_names

MINE = """
extends = "mmaudio-fork"
name = "mine"
summary = "my fork of MMAudio"
repository = "https://example.org/mine"
commit = "abc1234"
instructions = "https://example.org/mine#readme"
code_licence = "MIT"
licence = "MIT"
longest_seconds = 12.0

[parameters]
variant = "small_16k"
"""
WHOLE = """
name = "whole"
summary = "a program"
repository = "https://example.org/whole"
commit = "abc1234"
instructions = "https://example.org/whole#readme"
code_licence = "MIT"
licence = "MIT"
own_seed = 0
{more}
[[steps]]
entry = "run.py"
arguments = ["{prompt}", {arguments}]
[output]
path = "{path}"
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


def whole(tmp_path, more="", arguments='"{video}"', path="{stem}.wav"):
    place = tmp_path / "whole.toml"
    place.write_text(WHOLE.replace("{more}", more).replace("{arguments}", arguments).replace("{path}", path))
    return place


def test_a_fork_of_mmaudio_takes_eight_lines(mine, tmp_path, ask):
    entry = get_model(str(mine))
    assert isinstance(entry, OwnModel)
    assert (entry.name, entry.file, entry.revision) == ("mine", mine, "abc1234")
    assert entry == get_model(str(mine))
    place = official_checkout(read_recipe(mine), tmp_path)
    place.name = "mmaudio-demo"
    model = load_model(str(mine), **place.options(), cfg_strength=7)
    sound, rate = model.generate(ask("a", "bell", duration=0.48))
    assert (rate, sound.size) == (16_000, 7_680)
    assert place.parsed()[0]["cfg_strength"] == 7.0


def test_its_options_are_its_parameters_its_seed_and_where_it_is(mine):
    assert option_names(get_model(str(mine)))[:5] == ["cfg_strength", "num_steps", "variant", "seed", "checkout"]
    assert class_of(get_model(str(mine))).longest_seconds == 12.0


def test_its_hash_follows_the_files_that_say_it_and_its_driver(mine, tmp_path):
    before = get_model(str(mine)).source_sha256
    mine.write_text(MINE.replace("12.0", "10.0"))
    assert get_model(str(mine)).source_sha256 != before
    driven = tmp_path / "driven.toml"
    content = WHOLE.split("own_seed")[0].replace("whole", "driven")
    driven.write_text(f'{content}checkout_holds = "x"\n[driver]\nfile = "speak.py"\n')
    (tmp_path / "speak.py").write_text("1\n")
    first = read_recipe(driven).sha256
    (tmp_path / "speak.py").write_text("2\n")
    assert read_recipe(driven).sha256 != first


REFUSED = {
    "an unknown key": ({"more": 'colour = "red"'}, "colour: no such key, got 'red'"),
    "a wrong kind": ({"more": "sample_rate = 16000.5"}, "sample_rate: expected a whole number, got 16000.5"),
    "a place that there is not": (
        {"arguments": '"{vidoe}"'}, r"steps\.0\.arguments: there is no place \{vidoe\} here; there are: .*video",
    ),
    "a place of one request for all": (
        {"more": "together = true"}, r"steps\.0\.arguments: there is no place \{video\} here",
    ),
    "a place in capitals": (
        {"arguments": '"--p={Prompt}"'}, r"steps\.0\.arguments: '--p=\{Prompt\}' has a brace of no place",
    ),
    "a place that does not end": ({"path": "{stem.wav"}, r"output\.path: '\{stem\.wav' has a brace of no place"),
    "a prompt that is told although": (
        {"more": "prompted = false"}, r"prompted: expected true where a text has \{prompt\}",
    ),
    "a table that is not written": ({"arguments": '"{csv}"'}, r"steps\.0\.arguments: there is no place \{csv\} here"),
    "one output for all": (
        {"more": "together = true", "arguments": '"{videos}"', "path": "x.wav"},
        r"output\.path: expected \{stem\} or \{row\} in it, .*got 'x\.wav'",
    ),
    "an output elsewhere": ({"path": "../{stem}.wav"}, r"output\.path: expected a path below \{output\}, got '\.\./"),
    "a seed that is told twice": ({"arguments": '"{seed}"'}, r"own_seed: expected where no text has \{seed\}"),
    "a reserved parameter": (
        {"more": 'parameters.seed = 1'}, r"parameters\.seed: that name has a meaning of its own",
    ),
    "a base that there is not": ({"more": 'extends = "mmaudio"'}, "extends: expected a .toml file or one of audiox"),
    "a hash": ({"more": 'sha256 = "0"'}, "sha256: no such key"),
    "steps and a driver": ({"more": 'driver.file = "x.py"'}, "steps: expected steps, or a driver in their place"),
    "not TOML": ({"more": "x ="}, "not TOML: Invalid value"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_recipe_gets_wrong_is_named_with_its_file(tmp_path, case):
    changes, message = REFUSED[case]
    with pytest.raises(ValueError, match=rf"whole\.toml: {message}"):
        read_recipe(whole(tmp_path, **changes))


def test_what_is_missing_is_named(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('name = "x"\n')
    with pytest.raises(ValueError, match=r"x\.toml: summary: is missing"):
        read_recipe(path)


def test_recipes_that_extend_one_another_are_refused(tmp_path):
    (tmp_path / "a.toml").write_text('extends = "b.toml"')
    (tmp_path / "b.toml").write_text('extends = "a.toml"')
    with pytest.raises(ValueError, match=r"b\.toml: extends: 'a\.toml' extends this one in turn"):
        read_recipe(tmp_path / "a.toml")


def test_a_recipe_with_the_name_of_a_registered_model_is_refused(mine):
    mine.write_text(MINE.replace('name = "mine"', 'name = "controlfoley"'))
    with pytest.raises(ValueError, match=r"mine\.toml: name: 'controlfoley' is a registered model"):
        get_model(str(mine))


def test_a_recipe_that_there_is_not_is_answered_with_a_near_one(tmp_path):
    with pytest.raises(UnknownModel, match=r"thinksounds\.toml: no such recipe; did you mean --model thinksound\?"):
        get_model(str(tmp_path / "thinksounds.toml"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed: expected 0 to 9223372036854775807, which the program takes, got -1"),
        ({"num_steps": "many"}, "num_steps: expected a value like 25, got 'many'"),
        ({"colour": "red"}, "model 'mine' has no option 'colour'"),
    ],
)
def test_an_option_that_cannot_be_is_refused(mine, options, message):
    with pytest.raises(ValueError, match=message):
        load_model(str(mine), **options)


FAULTS = {
    "crash": "CUDA error at gong.*tried twice",
    "nothing": r"the program wrote no 00000\.flac",
    "short": r"00000\.flac has 3920 samples, at least 7680 needed",
}


@pytest.mark.parametrize("mood", FAULTS)
def test_what_goes_wrong_at_a_sample_costs_that_one_alone(mine, tmp_path, ask, mood):
    place = official_checkout(read_recipe(mine), tmp_path)
    place.name = "mmaudio-demo"
    model = load_model(str(mine), **place.options(mood, "gong"))
    good, bad = model.generate_batch([ask("a", "bell", duration=0.48), ask("b", "gong", duration=0.48)])
    assert not isinstance(good, GenerationError)
    with pytest.raises(GenerationError, match=f"(?s){FAULTS[mood]}"):
        raise bad


def test_two_files_that_fit_are_a_failure_and_none_is_guessed(mine, tmp_path, ask):
    mine.write_text(f'{MINE}\n[output]\npath = "*{{stem}}.flac"\n')
    place = official_checkout(read_recipe(mine), tmp_path)
    place.name = "mmaudio-demo"
    with pytest.raises(GenerationError, match=r"2 files fit \*00000\.flac, expected one"):
        load_model(str(mine), **place.options("two", "bell")).generate(ask("a", "bell", duration=0.48))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "the program wrote no 0.wav, nor any other file where it was told to"),
        (["out/a.wav", "log.txt"], "the program wrote no 0.wav, but log.txt, out/a.wav; see output.path of the recipe"),
        ([f"{n}.txt" for n in range(1, 8)], "wrote no 0.wav, but 1.txt, 2.txt, 3.txt, 4.txt, 5.txt and 2 more; see"),
    ],
)
def test_where_the_wanted_file_is_absent_those_that_are_there_are_named(tmp_path, ask, names, said):
    path = whole(tmp_path, arguments='"{videos}", "{output}"', path="{row}.wav")
    program = (
        "import pathlib, sys\n"
        f"for name in {names!r}:\n"
        "    file = pathlib.Path(sys.argv[3], name)\n"
        "    file.parent.mkdir(exist_ok=True); file.touch()\n"
    )
    (tmp_path / "run.py").write_text(program)
    model = load_model(str(path), checkout=str(tmp_path), python=sys.executable)
    with pytest.raises(GenerationError) as failed:
        model.generate(ask("s", "bell", duration=0.48))
    assert said in str(failed.value)


def test_a_file_that_fits_two_scenes_is_of_neither(tmp_path, ask):
    path = whole(tmp_path, more="together = true", arguments='"{videos}", "{output}"', path="{row}*.wav")
    program = (
        "import sys, wave\n"
        "for row in range(1, 11):\n"  # of the first scene, row 0, it makes nothing
        "    with wave.open(f'{sys.argv[3]}/{row}{row}.wav', 'wb') as file:\n"
        "        file.setparams((1, 2, 16000, 0, 'NONE', None)); file.writeframes(bytes(2 * 7680))\n"
    )
    (tmp_path / "run.py").write_text(program)
    model = load_model(str(path), checkout=str(tmp_path), python=sys.executable)
    first, second, *others = model.generate_batch([ask(f"s{row}", "bell", duration=0.48) for row in range(11)])
    with pytest.raises(GenerationError, match=r"the program wrote no 0\*\.wav"):
        raise first
    with pytest.raises(GenerationError, match=r"1010\.wav fits 1\*\.wav and another scene's name"):
        raise second
    assert [isinstance(answer, GenerationError) for answer in others] == [False] * 8 + [True]


def test_a_program_that_is_not_told_the_prompt_says_so(tmp_path):
    path = whole(tmp_path, more="prompted = false")
    path.write_text(path.read_text().replace('"{prompt}", ', ""))
    (tmp_path / "run.py").touch()
    model = load_model(str(path), checkout=str(tmp_path), python=sys.executable)
    assert "the program is not told the prompt: it answers every text alike" in model.notes
    path.write_text(path.read_text().replace("prompted = false", ""))
    with pytest.raises(ValueError, match=r"prompted: expected true where a text has \{prompt\}"):
        read_recipe(path)


def test_an_editors_mark_in_front_does_no_harm(tmp_path):
    path = whole(tmp_path)
    path.write_text("\ufeff" + path.read_text())
    assert read_recipe(path).name == "whole"


def test_a_batch_that_dies_once_goes_on_with_what_is_left(tmp_path, ask):
    from baselines.programs import built_in as classes

    place = official_checkout(classes.thinksound.recipe, tmp_path)
    model = load_model("thinksound", **place.options("crash once", "gong", seed=1))
    requests = [ask(name, prompt, duration=0.48) for name, prompt in (("a", "bell"), ("b", "gong"), ("c", "rain"))]
    answers = model.generate_batch(requests)
    assert [float(np.round(answer[10], 3)) for answer in answers] == [0.25, 0.5, 0.125]
    assert len(place.parsed()) == 4  # two steps, and both again


def test_a_scene_that_cannot_be_read_is_not_handed_over(mine, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    place = official_checkout(read_recipe(mine), tmp_path)
    with pytest.raises(GenerationError, match=r"broken\.mp4: not a media file"):
        load_model(str(mine), **place.options()).generate(Request("a", tmp_path / "broken.mp4", "bell", "", 1.0, 0))
    assert place.parsed() == []


def test_a_run_records_the_hash_and_does_not_go_on_with_a_changed_recipe(mine, tmp_path, benchmark_of_two):
    import benchmark
    from benchmark.runs import UnusableRun

    place = official_checkout(read_recipe(mine), tmp_path)
    place.name = "mmaudio-demo"
    ask = {"subset": "inter", "runs": tmp_path / "runs", "options": place.options()}
    run = benchmark.generate(benchmark_of_two, str(mine), **ask, limit=1)
    model = json.loads(run.run_json.read_text())["model"]
    assert model["source_sha256"] == get_model(str(mine)).source_sha256
    assert (model["name"], run.path.name) == ("mine", "mine")
    assert model["notes"][0] == "https://example.org/mine @ unknown (the adapter was written against abc1234)"
    mine.write_text(f"{MINE}# changed\n")
    with pytest.raises(UnusableRun, match="made with another version of its file"):
        benchmark.generate(benchmark_of_two, str(mine), **ask)


def test_the_doctor_knows_a_recipe_and_what_its_files_are(mine, tmp_path, monkeypatch):
    from benchmark.cli import app, doctor_program

    monkeypatch.setattr(doctor_program, "own_gpu", str)  # it would import torch
    monkeypatch.chdir(tmp_path)
    mine.write_text(f'{MINE}\n[[files]]\npath = "w.pth"\nget = "ask its author"\n')
    answer = CliRunner().invoke(app, ["doctor", "--model", "mine.toml"])
    assert answer.exit_code == 2
    assert f"recipe: {mine}, sha256 " in answer.stdout
    assert "table [mine]" in answer.stdout
    assert "missing  w.pth: not in the checkout\n         -> ask its author" in answer.stdout
