"""`train prepare`, `run`, `status`, `plot`, `export`, `recipes`, from clips to a table, with shrunk networks."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.small_training_runs import narrow, narrow_store
from support.tiny_models import shrunk
from support.trained_weights import SCORED_ON, scoring

from baselines.selva.training.own_weights import read_record
from baselines.selva.training.preparing import Prepared
from baselines.selva.training.recipe import RECIPES, read_recipe, recipe_names
from baselines.selva.training.run_folder import RunFolder
from baselines.selva.training.shards import Skipped
from benchmark.runs import RunDirectory, TrainedModelRecord

WEIGHTS = ("--random-weights", "--device", "cpu")
CHANGES = {
    "seconds": 0.64, "precision": '"fp32"', "steps": 2, "batch": 2, "warmup": 1, "every": 1, "checkpoint_every": 1,
    "validate_every": 2, "validation_clips": 2,
}  # fmt: skip


def write_recipe(path: Path, **more: object) -> Path:
    """A recipe of one's own: that for trials, with two steps of one segment a stage."""
    said = (RECIPES / "smoke.toml").read_text()
    for key, value in {**CHANGES, **more}.items():
        said = re.sub(rf"^{key} = [^#\n]*", f"{key} = {value} ", said, flags=re.MULTILINE)
    path.write_text(said)
    return path


@pytest.fixture
def run(command, tmp_path):
    """`train run` of narrow networks on a small store; further words are options."""
    with narrow():
        narrow_store(tmp_path / "store")
        write_recipe(tmp_path / "mine.toml")
        given = ("--recipe", "mine.toml", "--store", "store", "--out", "run", "--workers", 0, *WEIGHTS)
        yield lambda *more: command("train", "run", *given, *more)


def test_from_a_store_to_two_files(command, run, tmp_path):
    done = run()
    assert done.status == 0, done.err
    assert done.out.splitlines() == [
        "run: encoder 2 of 2 steps; generator 2 of 2 steps",
        "next: python -m benchmark train export run --out FOLDER",
    ]
    told = command("train", "status", "run").out
    assert told.count("finished step 2 of 2") == 2
    shown = json.loads(command("train", "status", "run", "--json").out)
    assert shown["stages"]["generator"]["snapshots"] == [1, 2]
    assert command("train", "plot", "run").out.strip() == "run/curves.png"
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")

    made = command("train", "export", "run", "--sigma", 0.07, "--step", 1, "--out", "model")
    assert made.status == 0, made.err
    parts = {"video_encoder": "video_enc_sup_5.pth", "generator": "generator_small_16k_sup_5.pth"}
    files = " ".join(f"--checkpoint {part}=model/{name}" for part, name in parts.items())
    assert made.out.splitlines()[1] == f'next: make eval MODEL=selva ARGS="{files} --random-weights"'
    record = read_record(tmp_path / "model" / "selva.json")
    assert (record.trained["generator"].step, record.trained["generator"].width) == (1, 0.07)
    assert (tmp_path / "model" / "README.md").is_file()
    refused = command("train", "export", "run", "--step", 7, "--out", "other")
    assert (refused.status, "7" in refused.message) == (2, True)


def test_the_standing_of_a_run_says_how_it_was_scored_in_words_and_as_json(command, tmp_path):
    folder = RunFolder.begun(tmp_path / "run", read_recipe("smoke"), "s" * 64, {}, scoring=scoring())
    folder.stage("encoder").curve.append(4, {"score_kl": 2.0}, scoring=scoring().id)
    assert f"scored on {SCORED_ON}\n" in command("train", "status", "run").out
    shown = json.loads(command("train", "status", "run", "--json").out)
    assert shown["stages"]["encoder"]["scoring"]["samples"] == 2
    assert shown["stages"]["encoder"]["scores"]["scoring"] == scoring().id


def test_the_same_command_goes_on_and_says_where_a_run_stands(run):
    first = run("--stop-after", 1)
    assert first.status == 0, first.err
    assert first.out == "run: encoder 1 of 2 steps; generator 0 of 2 steps\n"
    again = run()
    assert "encoder: goes on from step 1 of 2" in again.err
    assert "encoder 2 of 2 steps; generator 2 of 2 steps" in again.out


def test_a_recipe_that_is_edited_between_two_calls_goes_on_where_no_step_depends_on_it_and_else_says_what_to_do(
    run, tmp_path
):
    assert run("--stop-after", 1).status == 0
    mine = tmp_path / "mine.toml"
    write_recipe(mine, learning_rate=1e-3, summary='"other"')
    refused = run()
    assert refused.status == 2
    assert "encoder.learning_rate = 0.0001, and is asked to go on with 0.001; put 0.0001 back, or " in refused.message
    write_recipe(mine, steps=1)
    assert "encoder.steps = 2, and is asked to go on with 1; steps can be raised, not lowered; " in run().message
    write_recipe(mine, steps=3, summary='"longer"', checkpoint_every=3, validate_every=3)
    assert "encoder 3 of 3 steps; generator 3 of 3 steps" in run().out
    record = RunFolder(tmp_path / "run").read_record()
    assert record.recipe.summary == "longer"
    assert {change.key for change in record.changes} == {
        "encoder.steps", "generator.steps", "summary", "checkpoint_every", "validate_every",
    }  # fmt: skip


def test_one_stage_can_be_trained_alone_and_the_second_needs_the_first(run):
    refused = run("--stage", "generator")
    assert (refused.status, "needs a finished encoder stage" in refused.message) == (2, True)
    assert "encoder 2 of 2 steps; generator 0 of 2 steps" in run("--stage", "encoder").out
    assert "encoder 2 of 2 steps; generator 2 of 2 steps" in run("--stage", "generator").out


def test_only_the_first_of_several_processes_speaks(run, monkeypatch):
    assert run().out != ""
    monkeypatch.setattr("baselines.selva.training.running.train", lambda *_, report, **__: report("at work") or ran())
    assert run().err == "at work\n"
    monkeypatch.setenv("RANK", "1")
    silent = run()
    assert (silent.status, silent.out, silent.err) == (0, "", "")


def ran() -> RunFolder:
    return RunFolder(Path("run"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("vae=v.pth", "--checkpoint vae: only a validation uses it; give --validate-on too"),
        ("vocodr=v.pth", "--checkpoint vocodr: expected one of clip, generator, synchformer, t5, "),
        ("video_encoder=v.pth", "that is the option --video-encoder"),
    ],
)
def test_a_file_for_a_part_that_nothing_uses_is_refused(run, given, message):
    done = run("--checkpoint", given)
    assert (done.status, message in done.message) == (2, True), done.err


def test_a_run_is_scored_as_often_on_as_many_samples_and_by_the_profile_that_was_asked_for(run, tiny, monkeypatch):
    given = {}

    def train(*_, validate, validate_scores_every, **__):
        given.update(vars(validate), every=validate_scores_every)
        return ran()

    assert run().status == 0
    monkeypatch.setattr("baselines.selva.training.running.train", train)
    asked = ("--validate-every", 7, "--limit", 3, "--validate-subset", "intra", "--checkpoint", "vae=v.pth")
    done = run("--validate-on", tiny.path, *asked)
    assert (done.status, "v.pth: no such file" in done.message) == (2, True), done.err  # missed before any step
    done = run("--validate-on", tiny.path, *asked[:-2])
    assert done.status == 0, done.err
    assert (given["every"], given["limit"], given["subset"], given["keep_audio"]) == (7, 3, "intra", False)
    assert (given["choices"].profile, given["folder"]) == ("signal", Path("run/validation"))
    assert given["options"]["random_weights"] is True


def test_clips_that_cannot_be_used_are_named_and_the_status_says_so(command, tmp_path, monkeypatch):
    asked = {}

    def prepare(clips, lists, out, *, options, **more):
        asked.update(clips=clips, lists=lists, rates=options.rates, picture=options.picture, **more)
        with narrow():
            store = narrow_store(out)
        skipped = [Skipped(id=f"clip{n}", label="rain", kind="silent", reason="peak 0") for n in range(12)]
        return Prepared(out, store.record, tuple(skipped))

    monkeypatch.setattr("baselines.selva.training.preparing.prepare", prepare)
    given = ("--clips", "films", "--list", "a.csv", "--list", "b.tsv", "--out", "store", "--lossless")
    done = command(
        "train", "prepare", *given, "--rate", "44k", "--rate", "16k", "--mmaudio-features", "f", "--mmaudio-list", "l"
    )
    assert done.status == 1
    told = done.out.splitlines()
    assert told[0] == "store: 8 clips to train with, 3 held out"
    assert "sup-5.toml to own.toml, set seconds = 0.64, generator.batch = 8 there, then python -m benchmark" in told[1]
    lines = done.err.splitlines()
    assert (lines[0], lines[-1]) == ("12 clips were left out:", "  and 2 more, in store/clips.csv")
    assert len(lines) == 12
    assert (asked["clips"], asked["lists"]) == (Path("films"), [Path("a.csv"), Path("b.tsv")])
    assert (asked["rates"], asked["picture"]) == (("44k", "16k"), "lossless")
    assert asked["mmaudio_features"] == (Path("f"), Path("l"))


@pytest.mark.slow(minutes=6)  # ten models are made on the way, with vocabularies of the real size
def test_from_clips_to_a_table(command, tiny, tmp_path):
    rows = [f"{clip},{label}" for clip, label in zip(tiny.sources["clip_id"], tiny.sources["label"], strict=True)]
    (tmp_path / "train.csv").write_text("\n".join(["id,label", *rows[:2], "nowhere0001_000001,rain"]))
    (tmp_path / "held-out.csv").write_text("\n".join(["id,label", *rows[2:]]))
    write_recipe(tmp_path / "mine.toml", variant='"tiny_16k"')
    with shrunk():
        from_clips_to_a_table(command, tiny, tmp_path)


def from_clips_to_a_table(command, tiny, tmp_path):
    lists = ("--list", "train.csv", "--validation-list", "held-out.csv")
    done = command("train", "prepare", "--clips", tiny.clips, *lists, "--out", "store", "--seconds", 0.64, *WEIGHTS)
    assert done.status == 1, done.err
    assert "  nowhere0001_000001: no such file" in done.err
    assert "store: 2 clips to train with, 2 held out" in done.out

    run = ("train", "run", "--recipe", "mine.toml", "--store", "store", "--out", "run", "--workers", 0, *WEIGHTS)
    scored = ("--validate-on", tiny.path, "--validate-every", 2, "--limit", 2)
    done = command(*run, *scored)
    assert done.status == 0, done.err
    for stage in ("encoder", "generator"):
        record = json.loads((tmp_path / "run" / "validation" / stage / "step-2" / "validation.json").read_text())
        assert (record["status"], record["values"]["samples_scored"]) == ("scored", 2.0), record

    told = command("train", "status", "run").out
    assert "desync" in told
    shown = json.loads(command("train", "status", "run", "--json").out)
    assert shown["stages"]["generator"]["scores"]["values"].keys() >= {"kl", "clap", "desync", "audio_win_rate"}
    done = command("train", "export", "run", "--sigma", 0.05, "--out", "model")
    assert done.status == 0, done.err
    words = done.out.splitlines()[1].partition('ARGS="')[2].rstrip('"').split()
    assert words[-2:] == ["--option", "variant=tiny_16k"]
    ask = ("eval", "--model", "selva", "--benchmark", tiny.path, "--subset", "inter", "--profile", "signal", *WEIGHTS)
    ask += (*words[:-2], "--limit", 2, "--option", "steps=2", "--workers", 0, "--resamples", 40, "--allow-unverified")
    done = command(*ask, *words[-2:])
    assert done.status == 0, done.err
    note = "trained by recipe mine, 2 + 2 steps, EMA width 0.05, from random weights"
    assert note in " ".join(done.out.split())
    record = RunDirectory.locate(tmp_path / "results" / "runs", "tiny", "inter", "selva-s-16k").read_run()
    assert isinstance(record.model, TrainedModelRecord)
    assert note in record.model.notes
    assert record.model.training["recipe"]["name"] == "mine"
    sums = {part: file["sha256"] for part, file in record.model.training["files"].items()}
    assert sums == {part: record.model.weights_sha256[part] for part in ("video_encoder", "generator")}

    refused = command(*ask, "--fresh")
    assert refused.status == 2
    assert "variant=tiny_16k" in refused.message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--store", "nowhere"), "nowhere"),
        (("run", "--store", "s", "--recipe", "sup-4"), "recipe: expected a .toml file or one of"),
        (("run", "--store", "s", "--stage", "decoder"), "--stage: expected encoder or generator, got 'decoder'"),
        (("run", "--store", "s", "--profile", "papers"), "--profile: expected paper, open or signal, got 'papers'"),
        (("status", "nowhere"), "nowhere: not a training run"),
        (("plot", "nowhere"), "nowhere: not a training run"),
        (("plot", "nowhere", "--out", "curves.jpg"), "--out: expected a file that ends in .png, .svg, .pdf"),
        (("export", "r", "--out", "model", "--sigma", 0), "--sigma: expected more than 0 and less than 0.28, got 0"),
        (("export", "nowhere", "--out", "model"), "nowhere: not a training run"),
        (
            ("prepare", "--clips", ".", "--list", "l.csv", "--out", "o", "--rate", "16k", "--rate", "48k"),
            "--rate: expected 16k or 44k, got '48k'",
        ),
        (
            ("prepare", "--clips", ".", "--list", "l.csv", "--out", "o", "--mmaudio-list", "l.tsv"),
            "--mmaudio-features and --mmaudio-list: go together",
        ),
        (("prepare", "--clips", ".", "--list", "nowhere.csv", "--out", "o", "--random-weights"), "nowhere.csv"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(command, words, message, tmp_path):
    done = command("train", *words)
    assert done.status == 2
    assert message in done.message
    assert list(tmp_path.iterdir()) == []


def test_every_recipe_is_listed_with_what_it_makes(command, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # a line per recipe
    lines = command("train", "recipes").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == recipe_names()
    (line,) = [line for line in lines if line.startswith("l-44k")]
    assert "large_44k" in line
    assert "50,000 + 25,000" in line


def test_help_of_each_verb_imports_no_torch():
    verbs = ("", "prepare", "run", "status", "plot", "export", "recipes")
    program = f"""
import sys
from typer.testing import CliRunner
from benchmark.cli import app
for verb in {verbs!r}:
    assert CliRunner().invoke(app, ["train", *filter(None, [verb]), "--help"]).exit_code == 0
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
