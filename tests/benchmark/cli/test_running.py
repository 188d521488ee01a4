"""`generate`, `evaluate` and `eval`: which options reach the work, and how failures are told."""

import errno
import json
import shutil
from pathlib import Path

import pytest
import typer

from baselines import register_model
from benchmark.cli import running
from benchmark.cli.rows import Rows
from benchmark.runs import FailureRecord, RunDirectory

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture
def generate(command, tiny):
    return lambda model, *more: command("generate", model, "--benchmark", tiny.path, "--runs", "runs", *more)


def run_of(model, subset="inter"):
    return RunDirectory.locate(Path("runs"), "tiny", subset, model)


def test_a_model_answers_every_subset_unless_one_is_named(generate):
    lines = generate("humming").out.splitlines()[1:]
    assert lines == ["runs/tiny/inter/humming: 4 of 4 generated", "runs/tiny/intra/humming: 4 of 4 generated"]
    assert len(generate("humming", "--subset", "intra").out.splitlines()) == 2


def test_options_of_the_run_reach_it(generate):
    done = generate(
        "deviced", "--subset", "inter", "--seed", 7, "--limit", 2, "--device", "loud", "--run-name", "mine",
    )  # fmt: skip
    assert (done.status, done.out.splitlines()[-1]) == (0, "runs/tiny/inter/mine: 2 of 4 generated")
    record = run_of("mine").read_run()
    assert (record.seed, record.environment.device) == (7, "loud")


def test_options_of_the_model_reach_it(generate, tmp_path):
    generate("humming", "--subset", "inter", "--option", "level=0.25")
    assert run_of("humming").read_run().model.options == {"level": 0.25}


def test_the_batch_size_reaches_the_model(generate, models):
    models.ASKED.clear()
    generate("humming", "--subset", "inter", "--batch-size", 3)
    assert [len(asked) for asked in models.ASKED] == [3, 1]


@pytest.mark.parametrize(("given", "cores", "workers"), [((), 1, 1), ((), 0.24, None), (("--workers", 3), 1, 3)])
def test_many_scenes_are_decoded_by_processes_unless_told_otherwise(generate, monkeypatch, given, cores, workers):
    from benchmark import generation
    from benchmark.cli import running

    told = []
    monkeypatch.setattr(running, "WORTH_A_PROCESS", 4 / cores)
    monkeypatch.setattr(running, "available_cores", lambda: 1)
    run = generation.generate
    monkeypatch.setattr(generation, "generate", lambda *a, **o: told.append(o["workers"]) or run(*a, **o))
    assert generate("humming", "--subset", "inter", *given).status == 0
    assert told == [workers]


@pytest.mark.parametrize("size", ["0", "-1", "all", "1.5"])
def test_a_size_of_batch_that_is_none_is_refused(generate, size):
    refused = generate("humming", "--subset", "inter", "--batch-size", size)
    assert refused.status == 2
    assert f"--batch-size: expected 1 or more, or auto, got '{size}'" in refused.err


def test_a_fresh_run_takes_the_place_of_another(generate):
    generate("humming", "--subset", "inter", "--seed", 1)
    assert generate("humming", "--subset", "inter", "--seed", 2).status == 2
    assert generate("humming", "--subset", "inter", "--seed", 2, "--fresh").status == 0
    assert run_of("humming").read_run().seed == 2


def test_several_runs_are_scored_with_one_call_and_come_back_in_its_order(command, generate, tiny):
    for model in ("noise", "silence"):
        generate(model, "--subset", "inter")
    where = ("--benchmark", tiny.path, "--profile", "signal", "--workers", 0, "--resamples", 50, "--cache", "kept")
    paths = [run_of(model).path for model in ("silence", "noise")]
    done = command("evaluate", *paths, *where, "--json")
    assert [record["model"]["name"] for record in json.loads(done.out)] == ["silence", "noise"]


def test_the_scoring_choices_reach_the_record(command, generate, tiny):
    generate("noise", "--subset", "inter")
    where = ("--benchmark", tiny.path, "--profile", "signal", "--workers", 0, "--cache", "kept")
    words = ("--reference-video", "composed", "--bandwidth-from", "reference", "--resample-by", "sample")
    command("evaluate", run_of("noise").path, *where, *words, "--resamples", 60)
    scoring = run_of("noise").read_metrics().scoring
    assert (scoring.profile, scoring.resamples, scoring.reference_video) == ("signal", 60, "composed")
    assert (scoring.bandwidth_from, scoring.resample_by, scoring.bootstrap_seed) == ("reference", "sample", 0)


def failures(count):
    return [FailureRecord(sample=f"s{place}", stage="generate", reason="no answer") for place in range(count)]


def test_few_failures_are_all_named_many_are_counted(capsys):
    running.leave_with([])
    assert capsys.readouterr().err == ""
    for count, ends in ((10, ["  s9 (generate): no answer"]), (12, ["  and 2 more, in run.json and metrics.json"])):
        with pytest.raises(typer.Exit) as leaving:
            running.leave_with(failures(count))
        told = capsys.readouterr().err.splitlines()
        assert leaving.value.exit_code == 1
        assert (told[0], told[-1:]) == (f"{count} samples failed:", ends)
        assert sum("no answer" in line for line in told) == 10


def test_failures_beyond_the_limit_are_not_told(command, tiny):
    names = [sample.sample_id for sample in tiny.benchmark.samples("inter")]
    where = ("--benchmark", tiny.path, "--subset", "inter", "--profile", "signal", "--workers", 0, "--resamples", 50)
    moody = ("--model", "moody", "--option", f"bad={names[3]}", "--option", "mood=refuses")
    assert command("eval", *where, *moody).status == 1
    assert command("eval", *where, *moody, "--limit", 3).status == 0


@pytest.fixture
def evaluate(command, tiny):
    """`eval` on the inter-class scenes, by the signal profile."""
    where = ("--benchmark", tiny.path, "--subset", "inter", "--profile", "signal", "--workers", 0, "--resamples", 50)
    return lambda *more: command("eval", *where, *more)


def rows_of(done):
    return {line.split()[0] for line in done.out.splitlines() if "4/4" in line}


def test_a_model_that_cannot_be_loaded_costs_its_row(evaluate, models, tmp_path, monkeypatch):
    class Broken(models.Humming):
        def __init__(self):
            raise RuntimeError("no such library")

    register_model("broken")(Broken)
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path / "none"))
    done = evaluate("--model", "broken", "--model", "mmaudio-s-16k", "--model", "humming")
    assert (done.status, rows_of(done)) == (1, {"humming"})
    assert Path("results/report.html").is_file()
    told = done.err.splitlines()
    assert told[0].startswith("note: 5 checkpoints are missing")  # said before the others are run
    assert any(line.startswith("  to get them all python -m benchmark weights mmaudio-small-16k ") for line in told[:8])
    at = told.index("without scores, 2:")
    assert told[at + 1] == "  broken inter: RuntimeError: no such library"
    assert told[at + 2].startswith("  mmaudio-s-16k inter: 5 checkpoints are missing, about ")
    assert "Traceback (most recent call last):" in told[:at]


def test_a_subset_that_a_model_cannot_answer_costs_its_row(evaluate, models):
    class Choosy(models.Humming):
        def generate(self, request):
            raise models.GenerationError("no answer")

        generate_batch = None

    register_model("choosy")(Choosy)
    done = evaluate("--model", "choosy", "--model", "humming")
    assert (done.status, rows_of(done)) == (1, {"humming"})
    assert "  choosy inter: " in done.err
    assert evaluate("--model", "choosy").status == 2


def test_a_run_that_cannot_be_scored_costs_itself_alone(command, generate, tiny):
    for model in ("noise", "silence"):
        generate(model, "--subset", "inter")
    where = ("--benchmark", tiny.path, "--profile", "signal", "--workers", 0, "--resamples", 50, "--cache", "kept")
    next(run_of("noise").path.glob("audio/*")).unlink()
    paths = [run_of(model).path for model in ("noise", "silence")]
    done = command("evaluate", *paths, *where)
    assert (done.status, done.out.splitlines()[1:]) == (1, [f"{paths[1]}: 4 of 4 scored"])
    assert f"  {paths[0]}: {paths[0]}/audio: no generated file for 1 of 4 samples" in done.err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_or_fails_costs_every_row(number):
    rows = Rows()
    with rows.losing("one"):
        raise OSError(errno.ENOENT, "no such file", "x")
    with pytest.raises(OSError, match="no room"), rows.losing("two"):
        raise OSError(number, "no room", "x")
    assert list(rows.lost) == ["one"]


def test_where_there_is_no_row_the_first_reason_is_raised_and_others_are_told(capsys):
    rows = Rows()
    for name, reason in (("one", "a"), ("two", "b"), ("three", "a")):
        with rows.losing(name):
            raise ValueError(reason)
    rows.check_any(["a row"])
    with pytest.raises(ValueError, match=r"^a$"):
        rows.check_any([])
    assert capsys.readouterr().err == "two: b\n"


def test_every_model_is_checked_before_the_first_is_run(evaluate, models):
    evaluate("--model", "humming", "--seed", 1)
    models.ASKED.clear()
    done = evaluate("--model", "deviced", "--model", "humming", "--seed", 2)
    assert (done.status, models.ASKED) == (2, [])
    assert "with seed 1, not 2; pass --fresh" in done.message


def test_runs_of_an_earlier_version_are_left_alone_and_the_advice_serves_several_models(
    evaluate, command, tiny, tmp_path
):
    models = ("--model", "humming", "--model", "noise")
    evaluate(*models)
    upgraded = tmp_path / "upgraded"
    shutil.copytree(tiny.path, upgraded)
    record = upgraded / "benchmark.json"
    record.write_text(record.read_text().replace('"version": "2.0"', '"version": "2.1"'))
    asked = ("eval", *models, "--subset", "inter", "--benchmark", upgraded, "--profile", "signal", "--resamples", 40)
    done = command(*asked)
    assert done.status == 2
    run = Path("results", "runs", "tiny", "inter", "humming")
    assert done.message == (
        f"{run}: holds answers of humming to tiny 2.0, not 2.1; pass --fresh to replace them, or --runs "
        "results/runs-2.1 to keep both"
    )
    scored = command("evaluate", run, "--benchmark", upgraded, "--profile", "signal")
    assert (scored.status, "generated for an earlier build of tiny 2.0" in scored.message) == (2, True)
    assert command(*asked, "--runs", "results/runs-2.1").status == 0
    assert (tmp_path / run / "run.json").is_file()


def test_a_limit_below_what_a_run_holds_is_said_to_take_nothing_away(generate):
    generate("humming", "--subset", "inter")
    done = generate("humming", "--subset", "inter", "--limit", 2)
    assert done.err == (
        "note: runs/tiny/inter/humming: holds answers to 4 samples already, --limit 2 takes none away; "
        "pass --fresh to have the first alone\n"
    )
    assert generate("humming", "--subset", "inter", "--limit", 4).err == ""
    assert generate("humming", "--subset", "inter", "--limit", 2, "--fresh").err == ""


def test_a_length_that_a_model_does_not_make_is_refused_before_it_is_loaded(evaluate, models, monkeypatch):
    monkeypatch.setattr(models.Humming, "longest_seconds", 4.0, raising=False)
    assert evaluate("--model", "humming").message == "model 'humming' makes at most 4 s, 5 s asked for"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--runs", "file"], "file: {here}/file is a file where a folder should be; give another place"),
        (["--cache", "file/x"], "file/x: {here}/file is a file where a folder should be; give another place"),
        (["--out", "there"], "there.csv: a folder; give the path of a file"),
        (["--out", "x" * 250], "a name of 253 bytes, at most 234 can be written; give a shorter one"),
    ],
)
def test_places_that_cannot_be_written_are_said_before_a_model_is_asked(evaluate, models, tmp_path, more, message):
    Path("file").touch()
    Path("there.csv").mkdir()
    models.ASKED.clear()
    done = evaluate("--model", "humming", *more)
    assert (done.status, models.ASKED) == (2, [])
    assert done.message.endswith(message.format(here=tmp_path))


def test_a_disk_without_room_for_the_answers_is_said_before_a_model_is_asked(generate, models, monkeypatch):
    models.ASKED.clear()
    free = 4 * 5 * 16_000 * 2 - 1
    monkeypatch.setattr("shutil.disk_usage", lambda _place: type("Usage", (), {"free": free}))
    assert "free, 4 answers of humming take at least 0.6 MB" in generate("humming", "--subset", "inter").message
    assert models.ASKED == []


def test_each_seed_is_a_run_of_its_own_and_the_first_keeps_the_name(generate):
    done = generate("humming", "--subset", "inter", "--seed", 5, "--seeds", 3)
    names = ["humming", "humming@seed6", "humming@seed7"]
    assert done.out.splitlines()[1:] == [f"runs/tiny/inter/{name}: 4 of 4 generated" for name in names]
    assert [run_of(name).read_run().seed for name in names] == [5, 6, 7]
    assert generate("humming", "--subset", "inter", "--seed", 5, "--run-name", "mine", "--seeds", 2).status == 0
    assert run_of("mine@seed6").read_run().seed == 6


def test_one_seed_is_the_default_and_less_is_refused(generate):
    assert len(generate("humming", "--subset", "inter").out.splitlines()) == 2
    assert generate("humming", "--subset", "inter", "--seeds", 0).status == 2


def test_recorded_sounds_have_no_seeds(generate, tmp_path):
    refused = generate("recorded", "--folder", tmp_path, "--seeds", 2)
    assert (refused.status, "--seeds: recorded sounds are the same with every seed" in refused.err) == (2, True)


def test_a_seed_whose_run_is_another_is_refused_before_the_first_answers(generate):
    generate("humming", "--subset", "inter", "--run-name", "humming@seed1")
    refused = generate("humming", "--subset", "inter", "--seeds", 2)
    assert refused.status == 2
    assert not run_of("humming").path.exists()


def test_the_seeds_of_a_model_are_one_row_of_the_report(evaluate):
    done = evaluate("--model", "humming", "--seeds", 2)
    report = Path("results/report.md").read_text()
    assert (done.status, report.count("| humming")) == (0, 1)
    assert "| humming (2 seeds) |" in report
    assert "- humming (Inter-class): seeds 0, 1." in report


def test_a_seed_that_fails_costs_itself_and_the_row_says_so(evaluate, monkeypatch):
    from benchmark import evaluation

    score = evaluation.evaluate

    def failing(run, *given, **more):
        if run.path.name == "humming@seed1":
            raise evaluation.NothingToScore("no sample is left")
        return score(run, *given, **more)

    monkeypatch.setattr(evaluation, "evaluate", failing)
    done = evaluate("--model", "humming", "--seeds", 3)
    assert done.status == 1
    assert "  humming inter seed 1: no sample is left" in done.err
    told = "- humming (Inter-class): seeds 0, 2; seed 1 not scored, and not in the mean."
    assert told in Path("results/report.md").read_text()


def test_rows_that_are_there_stay_in_the_report_unless_only_narrows(evaluate):
    evaluate("--model", "noise", "--model", "silence")
    done = evaluate("--model", "humming")
    assert (done.status, done.err, rows_of(done)) == (0, "", {"humming", "noise", "silence"})
    assert rows_of(evaluate("--model", "humming", "--only")) == {"humming"}
    assert "noise" not in Path("results/report.md").read_text()


def test_earlier_runs_that_cannot_share_the_table_are_left_out_and_named_with_the_reason(evaluate, command, tiny):
    evaluate("--model", "noise", "--model", "silence")
    evaluate("--model", "oracle", "--reference-video", "composed", "--only")
    made = {
        name: RunDirectory.locate(Path("results/runs"), "tiny", "inter", name) for name in ("silence", "distractor")
    }
    other = made["silence"]
    record = other.read_metrics()
    elsewhere = record.benchmark.model_copy(update={"version": "0.9"})
    other.write(record.model_copy(update={"benchmark": elsewhere}))
    evaluate("--model", "distractor", "--only")
    made["distractor"].metrics_json.write_text("{")
    done = evaluate("--model", "humming")
    assert (done.status, rows_of(done)) == (0, {"humming", "noise"})
    told = done.err.splitlines()
    assert "not in this table: inter/oracle: reference video composed, here target" in told
    assert f"not in this table: inter/silence: benchmark version 0.9, here {record.benchmark.version}" in told
    assert any(
        line.startswith("not in this table: inter/distractor: ") and "metrics.json: cut" in line for line in told
    )


def test_a_row_that_was_lost_now_is_not_shown_as_it_was_before(evaluate, monkeypatch):
    from benchmark import evaluation

    evaluate("--model", "humming", "--model", "noise")
    score = evaluation.evaluate

    def failing(run, *given, **more):
        if run.path.name == "humming":
            raise evaluation.NothingToScore("no sample is left")
        return score(run, *given, **more)

    monkeypatch.setattr(evaluation, "evaluate", failing)
    done = evaluate("--model", "humming", "--model", "silence")
    assert (done.status, rows_of(done)) == (1, {"noise", "silence"})


@pytest.mark.parametrize(
    "words",
    [("--extended", "--metrics", "loudness"), ("--profile", "signal", "--metrics", "pq"), ("--profile", "open")],
)
def test_what_cannot_be_scored_is_said_before_the_demo_is_built(command, monkeypatch, tmp_path, words):
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setattr("benchmark.cli.asking.build_demo", lambda: pytest.fail("the demo was built"))
    assert command("eval", *words).status == 2
    assert not (tmp_path / "data").exists()
