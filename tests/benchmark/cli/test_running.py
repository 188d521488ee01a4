"""`generate`, `evaluate` and `eval`: which options reach the work, and how failures are told."""

import json
from pathlib import Path

import pytest
import typer

from benchmark.cli import running
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
    running._leave_with([])
    assert capsys.readouterr().err == ""
    for count, ends in ((10, ["  s9 (generate): no answer"]), (12, ["  and 2 more, in run.json and metrics.json"])):
        with pytest.raises(typer.Exit) as leaving:
            running._leave_with(failures(count))
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
