import json
import shutil

import pandas as pd
import pytest

from benchmark.report import export_model_index, submit_check
from benchmark.report.submission import LISTED
from benchmark.runs import RunDirectory
from foundation.media import write_audio
from metrics.registry import list_metrics
from vgg_monoaudio.dataset import load_benchmark


def test_the_export_holds_every_value_of_metrics_json(world, tmp_path):
    runs = [world.write_run(tmp_path, "tiny-foley", subset) for subset in ("inter", "intra")]
    (entry,) = export_model_index(runs)["model-index"]
    assert entry["name"] == "tiny-foley"
    assert [result["dataset"]["config"] for result in entry["results"]] == ["inter", "intra"]
    for run, result in zip(runs, entry["results"], strict=True):
        stored = run.read_metrics().metrics
        shown = {metric["type"]: metric for metric in result["metrics"]}
        assert set(shown) == {name for name, value in stored.items() if value.value is not None}
        for name, metric in shown.items():
            assert metric["value"] == stored[name].value
            assert metric["args"]["ci95"] == list(stored[name].ci95)
            assert metric["args"]["profile"] == "signal"


def test_the_export_is_read_by_the_hub_library_of_model_cards(world, tmp_path):
    hub = pytest.importorskip("huggingface_hub.repocard_data", reason="no huggingface_hub")
    name, results = hub.model_index_to_eval_results(
        json.loads(json.dumps(export_model_index([world.write_run(tmp_path, "tiny-foley")])))["model-index"]
    )
    assert name == "tiny-foley"
    assert len(results) == len([metric for metric in list_metrics() if metric.name != "imagebind"])


def test_the_export_wants_one_model_with_trained_weights(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("tiny-foley", "old-foley")]
    with pytest.raises(ValueError, match="name one of old-foley, tiny-foley"):
        export_model_index(runs)
    assert export_model_index(runs, "old-foley")["model-index"][0]["name"] == "old-foley"
    random = world.write_run(tmp_path / "r", "grand-foley", "inter", world.Settings(untrained=True))
    with pytest.raises(ValueError, match="random weights"):
        export_model_index([random])


@pytest.fixture(scope="module")
def benchmark_dir(world, tmp_path_factory):
    return world.write_benchmark(tmp_path_factory.mktemp("sent") / "demo")


@pytest.fixture
def sent(world, tmp_path, benchmark_dir):
    """A faultless run directory on the benchmark."""
    mark = load_benchmark(benchmark_dir).fingerprint("inter")
    return world.write_run(tmp_path, "tiny-foley", "inter", world.Settings(fingerprint=mark), audio=True)


def answers(run, **options):
    return {check.name: check for check in submit_check(run, **options)}


def test_a_faultless_run_passes(sent, benchmark_dir):
    found = answers(sent, benchmark_dir=benchmark_dir, recompute=False)
    assert {name: check.status for name, check in found.items() if name != "recomputed"} == dict.fromkeys(
        ("schema", "status", "agreement", "coverage", "audio", "means", "benchmark"), "passed"
    )


def test_a_value_that_its_samples_do_not_give_is_found(sent):
    text = json.loads(sent.metrics_json.read_text())
    text["metrics"]["clap"]["value"] += 0.01
    sent.metrics_json.write_text(json.dumps(text))
    assert answers(sent)["means"].detail.startswith("clap is ")
    assert answers(sent)["means"].status == "failed"


def test_missing_audio_foreign_audio_and_short_audio_are_found(sent, world):
    ids = world.sample_ids("inter")
    sent.audio(ids[0]).unlink()
    write_audio(sent.path / "audio" / "foreign.wav", world.tone(200), 16_000)
    write_audio(sent.audio(ids[1]), world.tone(200, seconds=1.0), 16_000)
    sent.audio(ids[2]).write_bytes(b"no sound")
    found = answers(sent)
    assert f"{ids[0]} is scored but has no audio" in found["coverage"].detail
    assert "audio/foreign.wav belongs to no sample" in found["coverage"].detail
    assert "1.00 s, expected 2 s" in found["audio"].detail
    assert f"audio/{ids[2]}.wav" in found["audio"].detail


def test_a_sample_left_out_without_reason_is_found(sent):
    table = pd.read_parquet(sent.samples_parquet)
    table.loc[0, "status"] = "failed"
    table.to_parquet(sent.samples_parquet)
    assert "neither scored nor listed among the failures" in answers(sent)["coverage"].detail
    table.iloc[1:].to_parquet(sent.samples_parquet)
    assert "4 rows, metrics.json expects 5" in answers(sent)["coverage"].detail


def test_files_that_cannot_be_read_fail_the_schema(sent):
    sent.samples_parquet.write_bytes(b"nothing")
    assert answers(sent)["schema"].status == "failed"
    sent.metrics_json.write_text('{"schema": 1}')
    assert "not a record this version reads" in answers(sent)["schema"].detail


def test_random_and_unverified_weights_and_mixed_records_are_found(world, tmp_path):
    run = world.write_run(tmp_path, "tiny-foley", "inter", world.Settings(untrained=True, unverified=True), audio=True)
    text = json.loads(run.run_json.read_text())
    text["model"]["name"] = "another"
    run.run_json.write_text(json.dumps(text))
    found = answers(run)
    assert found["status"].detail == "the weights are random; a checkpoint's hash was not verified"
    assert found["agreement"].detail == "model differs between run.json and metrics.json"


def test_another_benchmark_is_found(world, tmp_path, benchmark_dir):
    run = world.write_run(tmp_path, "tiny-foley", audio=True)
    found = answers(run, benchmark_dir=benchmark_dir)
    assert "not the one that the run answers" in found["benchmark"].detail
    assert found["recomputed"].status == "skipped"


def test_many_problems_are_counted_rather_than_listed(sent):
    for path in (sent.path / "audio").glob("*.wav"):
        path.unlink()
    assert answers(sent)["coverage"].detail.endswith(f"and {5 - LISTED} more")


def test_audio_that_was_exchanged_after_scoring_is_found(sent, benchmark_dir, monkeypatch):
    record = sent.read_metrics().model_copy(update={"fingerprint": "of other audio"})
    monkeypatch.setattr("benchmark.evaluation.evaluate", lambda *arguments, **options: record)
    assert "the fingerprint differs" in answers(sent, benchmark_dir=benchmark_dir)["recomputed"].detail


@pytest.mark.parametrize("wrong", [False, True])
def test_numbers_computed_anew_are_compared_with_those_sent(sent, benchmark_dir, monkeypatch, wrong):
    seen = []

    def evaluate(copy, folder, choices, **options):
        seen.append((sorted(path.name for path in copy.path.iterdir()), choices.profile))
        record = sent.read_metrics()
        if not wrong:
            return record
        changed = record.metrics["fad"].model_copy(update={"value": record.metrics["fad"].value * 1.001})
        return record.model_copy(update={"metrics": {**record.metrics, "fad": changed}})

    monkeypatch.setattr("benchmark.evaluation.evaluate", evaluate)
    found = answers(sent, benchmark_dir=benchmark_dir)["recomputed"]
    assert seen == [(["audio", "run.json"], "signal")]  # neither metrics nor scores that were sent are believed
    assert found.status == ("failed" if wrong else "passed")
    assert ("fad is" in found.detail) == wrong


def test_a_run_that_was_really_scored_passes_every_check_from_its_audio_alone(scored):
    runs, folder, _ = scored
    found = answers(runs[0], benchmark_dir=folder)
    assert {name: check.status for name, check in found.items() if check.status != "passed"} == {}
    assert found["recomputed"].detail == "the audio gives the numbers of metrics.json"


def test_scores_that_the_audio_does_not_give_are_found_by_scoring_it_again(scored, tmp_path):
    runs, folder, cache = scored
    copy = RunDirectory(shutil.copytree(runs[0].path, tmp_path / "inter" / "sent"))
    text = json.loads(copy.metrics_json.read_text())
    text["metrics"]["fad"]["value"] *= 0.9  # a better score than earned
    copy.metrics_json.write_text(json.dumps(text))
    checks = answers(copy, benchmark_dir=folder, cache=cache)
    assert [name for name, check in checks.items() if check.status == "failed"] == ["recomputed"]
    assert checks["recomputed"].detail.startswith("fad is ")
