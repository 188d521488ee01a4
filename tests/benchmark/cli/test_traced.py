"""`--trace` of generate, evaluate and eval."""

import json

from benchmark.runs import RunDirectory
from foundation import events


def stages(path):
    return {event["name"] for event in json.loads(path.read_text()) if event["ph"] == "X"}


def test_generate_and_evaluate_write_what_each_did(command, tiny, tmp_path):
    where = ("--benchmark", tiny.path)
    done = command("generate", "noise", *where, "--subset", "inter", "--trace", "traces/generate.json")
    assert done.status == 0
    assert stages(tmp_path / "traces" / "generate.json") == {"generate", "write"}
    run = RunDirectory.locate(tmp_path / "results" / "runs", tiny.benchmark.name, "inter", "noise").path
    score = ("--profile", "signal", "--workers", 0, "--resamples", 50, "--cache", "kept")
    assert command("evaluate", run, *where, *score, "--trace", "evaluate.json").status == 0
    assert stages(tmp_path / "evaluate.json") == {"decode", "keep", "score"}
    assert events._listeners == ()


def test_eval_writes_one_file_of_all(command, tiny, tmp_path):
    where = ("--benchmark", tiny.path, "--subset", "inter", "--profile", "signal", "--workers", 0, "--resamples", 50)
    assert command("eval", *where, "--model", "noise", "--limit", 2, "--trace", "all.jsonl").status in (0, 1)
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in lines} == {"generate", "write", "decode", "keep", "score"}
    names = {sample.sample_id for sample in tiny.benchmark.samples("inter")[:2]}
    assert {line["sample"] for line in lines if line["stage"] == "write"} == names


def test_a_trace_that_cannot_be_written_is_one_line_before_the_work(command, tiny, tmp_path):
    (tmp_path / "there").mkdir()
    done = command("generate", "noise", "--benchmark", tiny.path, "--trace", "there")
    assert done.status == 2
    assert done.message == "there: a folder; give the path of a file"
    assert not (tmp_path / "results").exists()
