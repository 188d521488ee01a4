"""The command line: what it prints where, what it leaves with, and one line for every usage error."""

import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from support.small_scenes import small_scenes

from benchmark.runs import RunDirectory
from foundation import media
from vgg_monoaudio.building.single_clips import SingleSettings, build_vggsound_test
from vgg_monoaudio.collecting.clips import find_clips

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Features, shared by the tests of this file: they go by content."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def evaluate(command, tiny, cache):
    """`eval` on the inter-class scenes, signal profile."""

    def run(*arguments, benchmark=tiny.path, profile=("--profile", "signal"), subset=("--subset", "inter")):
        where = ("--benchmark", benchmark, "--cache", cache, "--workers", 0, "--resamples", 50)
        return command("eval", *where, *profile, *subset, *arguments)

    return run


@pytest.fixture
def names(tiny):
    return [sample.sample_id for sample in tiny.benchmark.samples("inter")]


@pytest.fixture
def record(tmp_path, names):
    """Write a folder of recorded sounds, some of them spoilt."""

    def write(**spoilt):
        folder = tmp_path / "mine"
        for place, name in enumerate(names):
            sound = np.random.default_rng(place).uniform(-0.3, 0.3, 5 * 16_000).astype(np.float32)
            media.write_audio(folder / f"{name}.wav", sound, 16_000)
        for place, spoil in spoilt.items():
            spoil(folder / f"{names[int(place[1:])]}.wav")
        return folder

    return write


def damage(path):
    path.write_bytes(b"RIFF and so on")


def halve(path):
    path.write_bytes(path.read_bytes()[:80_000])


def remove(path):
    path.unlink()


def test_eval_goes_from_a_benchmark_to_tables_and_a_page(evaluate, tmp_path, tiny):
    done = evaluate("--model", "mixture", "--model", "humming")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"benchmark: tiny 2.0, in {tiny.path}"
    assert {line.split()[0] for line in lines if "4/4" in line} == {"mixture", "humming"}
    assert lines[-1] == "page:   results/report.html"
    for path in ("report.md", "report.csv", "report.tex", "report.html"):
        assert (tmp_path / "results" / path).stat().st_size > 0
    for model in ("mixture", "humming"):
        run = RunDirectory.locate(tmp_path / "results" / "runs", "tiny", "inter", model)
        assert run.read_metrics().counts.scored == 4


def test_single_clips_are_scored_with_the_controls_that_need_nothing_beside_the_target(command, tiny, tmp_path, cache):
    listed = tiny.sources[["clip_id", "label"]].assign(split="test")
    settings = SingleSettings(name="alone", duration_seconds=5.0)  # as `tiny`
    build_vggsound_test(listed, find_clips(tiny.clips), tmp_path / "alone", settings)
    done = command("eval", "--benchmark", tmp_path / "alone", "--profile", "signal", "--cache", cache, "--workers", 0)
    assert (done.status, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines() if "4/4" in line] == [
        "oracle", "shuffled", "noise", "silence",
    ]  # fmt: skip


def test_eval_again_computes_nothing(evaluate, tmp_path, cache, look):
    evaluate("--model", "humming")
    before = look.written(tmp_path / "results" / "runs") | look.written(cache)
    assert evaluate("--model", "humming").status == 0
    assert look.written(tmp_path / "results" / "runs") | look.written(cache) == before


def test_samples_that_failed_are_listed_and_the_status_is_1(evaluate, names):
    done = evaluate("--model", "moody", "--option", f"bad={names[2]}", "--option", "mood=breaks")
    assert done.status == 1
    told = done.err.splitlines()
    assert told[-2:] == ["1 samples failed:", f"  {names[2]} (generate): KeyError: 'frames'"]
    assert "3/4" in done.out


def test_generate_then_evaluate_is_eval_in_two_steps(command, tiny, tmp_path, cache, evaluate, look):
    made = command("generate", "humming", "--benchmark", tiny.path, "--subset", "inter", "--runs", "two")
    assert (made.status, made.out.splitlines()[-1]) == (0, "two/tiny/inter/humming: 4 of 4 generated")
    where = ("--benchmark", tiny.path, "--profile", "signal", "--cache", cache, "--workers", 0, "--resamples", 50)
    done = command("evaluate", "two/tiny/inter/humming", *where)
    assert (done.status, done.out.splitlines()[-1]) == (0, "two/tiny/inter/humming: 4 of 4 scored")
    evaluate("--model", "humming", "--runs", "one")
    for name in ("run.json", "metrics.json"):
        assert look.untimed(tmp_path / "two/tiny/inter/humming" / name) == look.untimed(
            tmp_path / "one/tiny/inter/humming" / name
        )

    as_json = command("evaluate", "two/tiny/inter/humming", *where, "--json")
    (record,) = json.loads(as_json.out)  # nothing else on stdout
    assert record == json.loads((tmp_path / "two/tiny/inter/humming/metrics.json").read_text())
    assert as_json.err.startswith("benchmark: tiny 2.0")


def test_a_limit_is_no_failure(evaluate):
    done = evaluate("--model", "humming", "--limit", 2)
    assert (done.status, done.err) == (0, "")
    assert "2/4" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "orcle"], "unknown model 'orcle'; did you mean oracle?"),
        (["--model", "zzzzzz"], "unknown model 'zzzzzz'; there are: oracle, mixture, distractor"),
        (["--profile", "papr"], "--profile: expected paper, open or signal, got 'papr'"),
        (["--subset", "outer"], "--subset: expected inter, intra or single, got 'outer'"),
        (["--reference-video", "scene"], "--reference-video: expected target or composed, got 'scene'"),
        (["--bandwidth-from", "both"], "--bandwidth-from: expected generated or reference, got 'both'"),
        (["--resample-by", "clip"], "--resample-by: expected source or sample, got 'clip'"),
        (["--resamples", "7"], "Invalid value for '--resamples': "),
        (["--modle", "oracle"], "No such option: --modle (Possible options: "),
        (["--model", "humming", "--option", "levle=1"], "model 'humming' has no option 'levle'; it has: level"),
        (["--model", "humming", "--option", "level"], "--option: expected key=value, got 'level'"),
        (["--model", "noise", "--option", "level=1"], "controls have no options, and 'level' was given for noise"),
        (["--model", "noise", "--folder", "mine"], "controls have no options, and 'folder' was given for noise"),
        (["--run-name", "mine"], "--run-name: names the run of one model, there are 6: oracle, "),
        (["--benchmark", "nowhere"], "nowhere: no benchmark there (no such folder); `make build-benchmark "),
        (["--model", "recorded", "--folder", "nowhere"], "folder: nowhere is not a folder"),
        (["--model", "recorded"], "model 'recorded' needs the option 'folder'"),
    ],
)  # fmt: skip
def test_a_usage_error_is_one_line_and_nothing_is_written(command, tiny, tmp_path, arguments, message):
    where = [] if "--benchmark" in arguments else ["--benchmark", tiny.path]
    profile = [] if "--profile" in arguments else ["--profile", "signal"]
    done = command("eval", *where, *profile, *arguments)
    assert done.status == 2
    assert done.message.startswith(message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["generate", "evaluate", "eval"])
@pytest.mark.parametrize("word", ["unknown", "profile"])
def test_wrong_words_are_found_before_the_demo_is_built(command, tmp_path, verb, word, monkeypatch):
    monkeypatch.setattr("benchmark.cli.asking.build_demo", None)
    arguments = {
        ("generate", "unknown"): ["generate", "orcle"],
        ("generate", "profile"): ["generate", "oracle", "--subset", "outer"],
        ("evaluate", "unknown"): ["evaluate", "nowhere"],
        ("evaluate", "profile"): ["evaluate", "nowhere", "--profile", "papr"],
        ("eval", "unknown"): ["eval", "--model", "orcle"],
        ("eval", "profile"): ["eval", "--profile", "papr"],
    }[verb, word]
    done = command(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.message


def test_profile_paper_without_weights_names_file_size_and_command_before_anything_is_generated(
    command, tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path / "weights"))
    done = command("eval", "--benchmark", tiny.path, "--model", "oracle")  # no demo: profile paper
    assert done.status == 2
    assert "Traceback" not in done.err
    assert done.err.startswith("error: 6 checkpoints are missing, about 8.43 GB together\n")
    for part in (
        str(tmp_path / "weights"),
        "profile paper",
        "python -m benchmark weights panns clap roberta-vocab roberta-merges imagebind synchformer\n",
        ",000,000 bytes",
    ):
        assert part in done.err
    assert list(tmp_path.iterdir()) == []


def test_weights_that_profile_and_models_lack_are_named_together(command, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path / "weights"))
    models = ("--model", "mmaudio-s-16k", "--model", "oracle", "--model", "mmaudio-s-44k")
    done = command("eval", "--benchmark", tiny.path, "--profile", "paper", *models)
    assert done.status == 2
    lines = done.err.splitlines()
    named = [line.split()[0] for line in lines[1:-2]]
    assert lines[0].startswith(f"error: {len(named)} checkpoints are missing, about ")
    assert {"panns", "synchformer", "mmaudio-small-16k", "mmaudio-small-44k"} <= set(named)
    assert lines[-1] == f"  to get them all python -m benchmark weights {' '.join(named)}"
    (shared,) = [line for line in lines if line.startswith("  synchformer ")]
    assert shared.endswith("; for DeSync (profile paper), mmaudio-s-16k, mmaudio-s-44k")


@pytest.mark.parametrize("column", ["filename", "paired_label", "sha256"])
def test_a_manifest_without_a_column_is_one_line(evaluate, tiny, tmp_path, column):
    shutil.copytree(tiny.path, tmp_path / "tiny")
    manifest = tmp_path / "tiny" / "inter" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(column, "other", 1))
    done = evaluate("--model", "oracle", benchmark=tmp_path / "tiny")
    assert done.status == 2
    assert done.message.startswith(f"{manifest}: column {column!r} is missing; a manifest has filename, label, ")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (remove, "no file for 1 of 4 samples, the first is {name}; add them, narrow with --subset, or pass"),
        (damage, "1 recorded files cannot be used, the first: {path}: not a media file, or damaged; fix"),
        (halve, "1 recorded files cannot be used, the first: {path}: truncated: 80000 of 160044 bytes; fix"),
    ],
)  # fmt: skip
def test_a_recorded_file_that_is_missing_or_damaged_is_one_line_or_on_demand_left_out(
    evaluate, record, names, spoil, message
):
    folder = record(_1=spoil)
    done = evaluate("--model", "recorded", "--folder", folder)
    path = folder / f"{names[1]}.wav"
    assert done.status == 2
    assert message.format(name=names[1], path=path) in done.message
    done = evaluate("--model", "recorded", "--folder", folder, "--allow-missing")
    assert done.status == 1
    assert names[1] in done.err
    assert "3/4" in done.out


def test_an_empty_folder_of_recorded_sounds_is_one_line(evaluate, tmp_path):
    (tmp_path / "mine").mkdir()
    done = evaluate("--model", "recorded", "--folder", "mine")
    assert done.status == 2
    assert done.message.startswith("folder: mine holds no sound (.wav, .flac, ")


def test_recorded_sounds_under_a_name_of_their_own_are_scored(evaluate, record, tmp_path):
    done = evaluate("--model", "recorded", "--folder", record(), "--run-name", "my-model", "--limit", 3)
    assert (done.status, done.err) == (0, "")
    assert RunDirectory.locate(tmp_path / "results/runs", "tiny", "inter", "my-model").read_metrics().counts.scored == 3


def test_a_sample_without_its_generated_file_is_one_line(command, tiny, names):
    command("generate", "humming", "--benchmark", tiny.path, "--subset", "inter", "--runs", "runs")
    run = RunDirectory.locate(Path("runs"), "tiny", "inter", "humming")
    run.audio(names[1]).unlink()
    done = command("evaluate", run.path, "--benchmark", tiny.path, "--profile", "signal")
    assert done.status == 2
    assert "no generated file for 1 of 4 samples, the first is " + names[1] in done.message


def test_a_run_record_of_another_version_is_one_line(evaluate, tmp_path):
    evaluate("--model", "humming")
    path = tmp_path / "results" / "runs" / "tiny" / "inter" / "humming" / "run.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    done = evaluate("--model", "humming")
    assert done.status == 2
    assert "schema 2, this version reads 1; pass --fresh" in done.message
    assert evaluate("--model", "humming", "--fresh").status == 0


def test_a_run_record_that_was_cut_is_made_again_and_said(evaluate, tmp_path, caplog):
    evaluate("--model", "humming")
    path = tmp_path / "results" / "runs" / "tiny" / "inter" / "humming" / "run.json"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    assert evaluate("--model", "humming").status == 0
    assert "run.json: empty, cut or damaged" in caplog.text
    assert json.loads(path.read_text())["fingerprint"] == json.loads(whole)["fingerprint"]


def test_a_run_of_another_seed_is_one_line(evaluate):
    evaluate("--model", "humming")
    done = evaluate("--model", "humming", "--seed", 1)
    assert done.status == 2
    assert done.message.endswith(
        "holds answers of humming with seed 0, not 1; pass --fresh to replace them, or keep both: --run-name for one "
        "model, another folder as --runs for several"
    )
    assert evaluate("--model", "humming", "--seed", 1, "--run-name", "second").status == 0


def test_a_folder_that_may_not_be_written_is_one_line(evaluate, tmp_path):
    (tmp_path / "runs").write_text("a file where a folder should be")
    done = evaluate("--model", "humming", "--runs", "runs")
    assert done.status == 2
    assert "runs" in done.message


def test_a_benchmark_that_is_merely_called_demo_is_scored_by_the_paper_s_profile(command, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path / "weights"))
    other = tmp_path / "other"
    shutil.copytree(tiny.path, other)
    record = json.loads((other / "benchmark.json").read_text())
    (other / "benchmark.json").write_text(json.dumps({**record, "name": "demo"}))
    done = command("eval", "--benchmark", other, "--model", "oracle")
    assert done.status == 2
    assert "(profile paper)" in done.err


def test_without_a_benchmark_the_full_one_is_taken_where_it_is(command, tiny, tmp_path, cache):
    shutil.copytree(tiny.path, tmp_path / "data" / "vgg-monoaudio")
    done = command(
        "eval", "--model", "silence", "--subset", "inter", "--profile", "signal", "--cache", cache, "--workers", 0,
        "--resamples", 50,
    )  # fmt: skip
    assert (done.status, done.out.splitlines()[0]) == (0, "benchmark: tiny 2.0, in data/vgg-monoaudio")


def test_build_is_a_face_of_the_builder(command, tiny, tmp_path):
    tiny.sources.to_csv(tmp_path / "list.csv", index=False)
    refused = command("build", "--sources", tiny.clips, "--labels", "list.csv", "--out", "made")
    assert refused.status == 2  # the clips are 5 s long, the command line builds scenes of 8 s
    assert "error: 4 of 4 clips cannot be used" in refused.err
    assert "bell00000001_000010.mp4: too short: 5.2" in refused.err
    assert not (tmp_path / "made").exists()
    assert command("build", "--labels", "list.csv").message.endswith(
        "--labels goes with --sources, the folder of the clips that it lists"
    )


def test_verify_tells_files_that_changed(command, tiny, tmp_path):
    with small_scenes():  # the size that those of `tiny` are to have
        done = command("verify", tiny.path)
    assert (done.status, done.out) == (0, f"{tiny.path}: 8 scenes and 4 sources are as they were built\n")
    shutil.copytree(tiny.path, tmp_path / "tiny")
    scene = next((tmp_path / "tiny" / "inter" / "video").iterdir())
    scene.write_bytes(scene.read_bytes()[:-9])
    with small_scenes():
        done = command("verify", "tiny")
    assert done.status == 2
    assert scene.name in done.err
    assert len(done.err.splitlines()) == 1  # and no other


def test_lists_are_json_on_demand(command):
    models = json.loads(command("list-models", "--json").out)
    assert [model["name"] for model in models][:6] == [
        "oracle", "mixture", "distractor", "shuffled", "noise", "silence",
    ]  # fmt: skip
    assert {"name", "kind", "licence", "summary", "missing"} <= models[0].keys()
    metrics = json.loads(command("list-metrics", "--json").out)
    assert {"fad", "kl", "clap", "desync"} <= {metric["name"] for metric in metrics}
    assert "oracle" in command("list-models").out
    assert "desync" in command("list-metrics").out


def test_schemas_are_written_where_they_are_wanted(command, tmp_path):
    done = command("schemas", "--out", "there")
    names = ("run", "metrics", "benchmark", "training-run", "selva", "reproduction")
    assert (done.status, done.out.split()) == (0, [f"there/{name}.schema.json" for name in names])
    assert json.loads((tmp_path / "there" / "run.schema.json").read_text())["title"] == "RunRecord"


def test_help_shows_every_command(command):
    done = command("--help")
    assert done.status == 0
    for name in ("build", "verify", "generate", "evaluate", "eval", "list-models", "list-metrics", "weights", "report"):
        assert f" {name} " in done.out


LEAN = """
import socket, sys
def refuse(*arguments, **named):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from benchmark.cli import app
from benchmark.exits import run
heavy = ("torch", "torchaudio", "transformers", "sklearn", "matplotlib", "av")
for arguments, status in {cases}:
    sys.argv = ["benchmark", *arguments]
    left_with = 0
    try:
        run(app)
    except SystemExit as leaving:
        left_with = leaving.code
    assert left_with == status, (arguments, left_with)
    assert not (found := [name for name in heavy if name in sys.modules]), (arguments, found)
"""


def test_help_and_lists_import_nothing_heavy_and_ask_no_network(tmp_path):
    cases = [
        (["--help"], 0), (["eval", "--help"], 0), (["list-models"], 0), (["list-metrics"], 0),
        (["list-metrics", "--json", "--extended"], 0), (["list-sources"], 0), (["weights"], 0),
        (["eval", "--model", "orcle"], 2),
    ]  # fmt: skip
    program = LEAN.format(cases=cases)  # one process: what one of them imports is there after all of them
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: ") == 2
    assert "did you mean oracle?" in done.stderr


EVERY_HELP = """
import contextlib, io, sys
from benchmark.cli import app
heavy = ("torch", "sklearn", "matplotlib", "av", "pandas", "scipy", "fastapi", "sqlalchemy", "uvicorn", "krippendorff")
verbs = [[command.name] for command in (*app.registered_commands, *app.registered_groups)]
verbs += [[group.name, one.name] for group in app.registered_groups for one in group.typer_instance.registered_commands]
for verb in verbs:
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        app([*verb, "--help"], standalone_mode=False)
    assert "Usage" in shown.getvalue(), verb
    print(*verb, [name for name in heavy if name in sys.modules])
"""


def test_no_verb_needs_more_than_its_own_words_to_show_its_help(tmp_path):
    done = subprocess.run([sys.executable, "-c", EVERY_HELP], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert len(done.stdout.splitlines()) > 25
    assert [line for line in done.stdout.splitlines() if not line.endswith(" []")] == []


def test_importing_the_packages_imports_nothing_heavy():
    heavy = "[name for name in ('torch', 'sklearn', 'matplotlib', 'av', 'pandas', 'typer') if name in sys.modules]"
    for package in ("benchmark", "foundation.media", "foundation.checkpoints", "baselines"):
        program = f"import sys, {package}; print({heavy})"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]", package


def test_a_model_of_an_installed_package_is_found_by_a_real_process(environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "list-models"], capture_output=True, text=True, cwd=tmp_path,
        env={**environment, "COLUMNS": "200"}, check=True,
    )  # fmt: skip
    assert "humming" in done.stdout
    assert "from harness-models" in done.stdout


def test_the_version_is_that_of_the_package(command):
    done = command("--version")
    assert (done.status, done.out) == (0, f"vgg-monoaudio {metadata.version('vgg-monoaudio')}\n")
