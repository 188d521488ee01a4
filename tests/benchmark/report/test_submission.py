import json
import shutil

import pandas as pd
import pytest

from benchmark.report import submit_check
from benchmark.report.submission import LISTED
from benchmark.runs import RunDirectory
from benchmark.scored import write_scored
from foundation.media import write_audio, write_video


@pytest.fixture
def benchmark_dir(scored):
    return scored[1]


@pytest.fixture
def sent(scored, tmp_path):
    """A faultless run directory on the benchmark: twelve samples of 5 s."""
    return RunDirectory(shutil.copytree(scored[0][0].path, tmp_path / "inter" / "sent"))


def ids_of(run):
    return list(pd.read_parquet(run.samples_parquet)["sample_id"])


def answers(run, **options):
    return {check.name: check for check in submit_check(run, **options)}


def test_a_faultless_run_passes(sent, benchmark_dir):
    found = answers(sent, benchmark_dir=benchmark_dir, recompute=False)
    assert {name: check.status for name, check in found.items() if name != "recomputed"} == dict.fromkeys(
        ("schema", "status", "agreement", "coverage", "audio", "scores", "means", "intervals", "benchmark"), "passed"
    )


def test_a_value_that_its_samples_do_not_give_is_found(sent):
    text = json.loads(sent.metrics_json.read_text())
    text["metrics"]["clap"]["value"] += 0.01
    sent.metrics_json.write_text(json.dumps(text))
    assert answers(sent)["means"].detail.startswith("clap is ")
    assert answers(sent)["means"].status == "failed"


def test_missing_audio_foreign_audio_and_short_audio_are_found(sent, world):
    ids = ids_of(sent)
    sent.audio(ids[0]).unlink()
    write_audio(sent.path / "audio" / "foreign.wav", world.tone(200), 16_000)
    write_audio(sent.audio(ids[1]), world.tone(200, seconds=1.0), 16_000)
    sent.audio(ids[2]).write_bytes(b"no sound")
    found = answers(sent)
    assert f"{ids[0]} is scored but has no audio" in found["coverage"].detail
    assert "audio/foreign.wav belongs to no sample" in found["coverage"].detail
    assert "1.00 s, expected 5 s" in found["audio"].detail
    assert f"audio/{ids[2]}.wav" in found["audio"].detail


def test_what_a_killed_writer_left_is_no_stray_answer(sent, killed_writers):
    killed_writers(sent.path / "audio", "a.wav").touch()
    assert answers(sent)["coverage"].status == "passed"


def test_a_sample_left_out_without_reason_is_found(sent):
    table = pd.read_parquet(sent.samples_parquet)
    table.loc[0, "status"] = "failed"
    table.to_parquet(sent.samples_parquet)
    assert "neither scored nor listed among the failures" in answers(sent)["coverage"].detail
    table.iloc[1:].to_parquet(sent.samples_parquet)
    assert "11 rows for 12 expected samples" in answers(sent)["coverage"].detail


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
    assert found["agreement"].detail.startswith("model differs between run.json and metrics.json")


def test_another_benchmark_is_found(world, tmp_path, benchmark_dir):
    run = world.write_run(tmp_path, "tiny-foley")
    found = answers(run, benchmark_dir=benchmark_dir)
    assert "not the one that the run answers" in found["benchmark"].detail
    assert found["recomputed"].status == "skipped"


def test_many_problems_are_counted_rather_than_listed(sent):
    for path in (sent.path / "audio").glob("*.wav"):
        path.unlink()
    assert answers(sent)["coverage"].detail.endswith(f"and {12 - LISTED} more")


def test_audio_that_was_exchanged_after_scoring_is_found(sent, benchmark_dir, monkeypatch):
    record = sent.read_metrics().model_copy(update={"fingerprint": "of other audio"})

    def evaluate(copy, *arguments, **options):
        write_scored(copy, record, pd.read_parquet(sent.samples_parquet))
        return record

    monkeypatch.setattr("benchmark.evaluation.evaluate", evaluate)
    assert "the fingerprint differs" in answers(sent, benchmark_dir=benchmark_dir)["recomputed"].detail


@pytest.mark.parametrize("wrong", [False, True])
def test_numbers_computed_again_are_compared_with_those_submitted(sent, benchmark_dir, monkeypatch, wrong):
    seen = []

    def evaluate(copy, folder, choices, **options):
        seen.append((sorted(path.name for path in copy.path.iterdir()), choices.profile))
        record = sent.read_metrics()
        if wrong:
            changed = record.metrics["fad"].model_copy(update={"value": record.metrics["fad"].value * 1.001})
            record = record.model_copy(update={"metrics": {**record.metrics, "fad": changed}})
        write_scored(copy, record, pd.read_parquet(sent.samples_parquet))
        return record

    monkeypatch.setattr("benchmark.evaluation.evaluate", evaluate)
    found = answers(sent, benchmark_dir=benchmark_dir)["recomputed"]
    assert seen == [(["run.json"], "signal")]  # neither metrics nor scores that were sent are believed
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
    low, high = text["metrics"]["fad"]["ci95"]
    text["metrics"]["fad"]["value"] = 0.9 * low + 0.1 * high  # a better score than earned, within its interval
    copy.metrics_json.write_text(json.dumps(text))
    checks = answers(copy, benchmark_dir=folder, cache=cache)
    assert [name for name, check in checks.items() if check.status == "failed"] == ["recomputed"]
    assert checks["recomputed"].detail.startswith("fad is ")


def found_in(run):
    """What is wrong with a run, by check."""
    return {name: check.detail for name, check in answers(run).items() if check.status == "failed"}


def rewrite(run, **changes):
    """Change fields of metrics.json, dots between the levels."""
    content = json.loads(run.metrics_json.read_text())
    for path, value in changes.items():
        *levels, last = path.split("__")
        place = content
        for level in levels:
            place = place[level]
        place[last] = value
    run.metrics_json.write_text(json.dumps(content))


def test_a_run_that_did_not_finish_is_found(sent):
    text = json.loads(sent.run_json.read_text())
    sent.run_json.write_text(json.dumps({**text, "status": "failed"}))
    assert found_in(sent) == {"status": "its status in run.json is failed"}


def test_a_metric_of_another_definition_and_one_unknown_here_are_found(sent):
    text = json.loads(sent.metrics_json.read_text())
    rewrite(sent, metrics__fad__version=7, metrics__sparkle=text["metrics"]["kl"])
    problems = found_in(sent)["agreement"]
    assert "metric fad differs from the one here in direction, unit or version (7)" in problems
    assert "metric sparkle is unknown here" in problems


def test_counts_that_disagree_are_found(sent):
    rewrite(sent, counts__expected=6, counts__scored=3)
    problems = found_in(sent)
    assert problems["agreement"].startswith("12 samples are expected in run.json, 6 in metrics.json; 12 samples in the")
    assert "samples.parquet has 12 rows for 6 expected samples" in problems["coverage"]
    assert "12 samples are scored in samples.parquet, 3 in metrics.json" in problems["coverage"]


def test_a_sample_that_is_listed_twice_is_found(sent):
    table = pd.read_parquet(sent.samples_parquet)
    pd.concat([table, table.iloc[:1]]).to_parquet(sent.samples_parquet)
    assert found_in(sent)["coverage"].startswith("samples.parquet lists a sample twice")


def test_a_value_without_a_column_and_a_value_over_other_samples_are_found(sent):
    table = pd.read_parquet(sent.samples_parquet).drop(columns="kl")
    table.loc[0, "clap"] = float("nan")
    table.to_parquet(sent.samples_parquet)
    problems = found_in(sent)["means"]
    assert "kl has a value but no column in samples.parquet" in problems
    assert "clap is over 12 samples, samples.parquet has 11" in problems


def test_a_film_without_sound_in_place_of_an_answer_is_found(sent, world):
    answer = sent.audio(ids_of(sent)[3])
    film = answer.with_suffix(".mp4")
    write_video(film, [world.scene_frame(0, 1, frame) for frame in range(125)], fps=25)
    film.replace(answer)
    assert found_in(sent) == {"audio": f"audio/{answer.name}: no audio stream"}


def test_a_subset_that_the_benchmark_lacks_and_another_order_of_samples_are_found(sent, world, benchmark_dir, tmp_path):
    table = pd.read_parquet(sent.samples_parquet)
    table.iloc[::-1].to_parquet(sent.samples_parquet)
    detail = answers(sent, benchmark_dir=benchmark_dir)["benchmark"].detail
    assert detail == "samples.parquet does not list the samples of the manifest in its order"
    foreign = world.write_run(tmp_path / "other", "tiny-foley", "inter", audio=True)
    for path in (foreign.run_json, foreign.metrics_json):
        path.write_text(path.read_text().replace('"subset": "inter"', '"subset": "single"'))
    assert answers(foreign, benchmark_dir=benchmark_dir)["benchmark"].detail == f"{benchmark_dir} has no subset single"


def test_what_was_not_checked_says_why(sent, benchmark_dir):
    assert answers(sent)["benchmark"].detail == "no benchmark directory was given"
    found = answers(sent, benchmark_dir=benchmark_dir, recompute=False)["recomputed"]
    assert (found.status, found.detail) == ("skipped", "not requested")


def test_a_path_serves_as_well_as_a_run_directory(sent):
    assert submit_check(str(sent.path)) == submit_check(sent.path) == submit_check(sent)


def test_an_option_that_there_is_not_is_refused_before_the_run_is_read(tmp_path):
    with pytest.raises(TypeError, match="there is no option 'recompite'; did you mean recompute"):
        submit_check(tmp_path, recompite=False)
