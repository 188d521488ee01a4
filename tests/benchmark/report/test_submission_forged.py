"""Submissions changed by hand, or damaged: every change of a number is found, and nothing ends in an error."""

import json
import math
import os
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmark import generate
from benchmark.bounded import read_parquet
from benchmark.choices import Choices
from benchmark.evaluation import evaluate
from benchmark.report import submission, submit_check, submitted
from benchmark.runs import RunDirectory
from benchmark.scored import write_scored

FILES = ("run.json", "metrics.json", "samples.parquet")
NOT_CHECKED = (("run.json", "generation_seconds"),)  # how long a run took follows from nothing else that it holds


@pytest.fixture(scope="module")
def honest(scored, tmp_path_factory):
    """A control on twelve scenes, scored by profile signal."""
    folder = tmp_path_factory.mktemp("honest")
    run = generate(scored[1], "noise", subset="inter", runs=folder)
    choices = Choices(profile="signal", resample_by="sample", resamples=100)
    evaluate(run, scored[1], choices, cache=scored[2], workers=0)
    return run


@pytest.fixture
def copy(honest, tmp_path):
    """A copy of it to be changed; its audio is the same."""
    run = RunDirectory(tmp_path / "sent")
    (run.path / "audio").mkdir(parents=True)
    for path in (honest.path / "audio").iterdir():
        (run.path / "audio" / path.name).hardlink_to(path)
    restore(honest, run)
    return run


def restore(honest, run):
    for name in FILES:
        shutil.copyfile(honest.path / name, run.path / name)


@pytest.fixture
def scored_again(honest, monkeypatch):
    """What scoring the audio gives, without doing it each time."""
    record = honest.read_metrics()

    def evaluate(run, *arguments, **options):
        run.read_run()
        write_scored(run, record, pd.read_parquet(honest.samples_parquet))
        return record

    monkeypatch.setattr("benchmark.evaluation.evaluate", evaluate)
    probed = {path.name: submission.probe(path) for path in (honest.path / "audio").iterdir()}
    monkeypatch.setattr(submission, "probe", lambda path: probed[path.name])


def failed(run, **options):
    return {check.name: check.detail for check in submit_check(run, **options) if check.status == "failed"}


def numbers(content, way=()):
    """Yield the way to each number of a record."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (*way, key)
        yield from numbers(value, (*way, key))


def put(content, way, change):
    *before, last = way
    for key in before:
        content = content[key]
    content[last] = change(content[last])


def test_an_honest_run_passes_with_and_without_the_benchmark(honest, scored):
    assert failed(honest) == {}
    assert failed(honest, benchmark_dir=scored[1], cache=scored[2]) == {}


def test_every_number_of_both_records_is_found_when_changed(honest, copy, scored, scored_again):
    changed = 0
    for name in ("run.json", "metrics.json"):
        text = (honest.path / name).read_text()
        for way in numbers(json.loads(text)):
            if (name, *way) in NOT_CHECKED or (way[0] == "metrics" and way[1] not in ("inception_score", "kl", "kad")):
                continue
            content = json.loads(text)
            put(content, way, lambda number: number + 1 if isinstance(number, int) else number * 1.001 + 0.001)
            (copy.path / name).write_text(json.dumps(content))
            assert failed(copy, benchmark_dir=scored[1]), (name, way)
            changed += 1
        (copy.path / name).write_text(text)
    assert changed > 25


def test_every_score_of_a_sample_is_found_when_changed_without_audio_or_benchmark(honest, copy):
    table = pd.read_parquet(honest.samples_parquet)
    for name in table.select_dtypes("float").columns:
        if table[name].isna().all():
            continue
        other = table.copy()
        other.loc[3, name] = 1 - other.loc[3, name] if "win" in name else other.loc[3, name] * 1.01 + 0.001
        other.to_parquet(copy.samples_parquet, index=False)
        assert "means" in failed(copy), name


def test_scores_exchanged_between_samples_are_found_by_scoring_the_audio(honest, copy, scored, scored_again):
    """Mean and count stay as they are, and the interval too where the two scenes share no clip."""
    table = pd.read_parquet(honest.samples_parquet)
    table.loc[[0, 1], "kl"] = table.loc[[1, 0], "kl"].to_numpy()
    table.to_parquet(copy.samples_parquet, index=False)
    assert "kl" in failed(copy, benchmark_dir=scored[1])["recomputed"]


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("clap", 1.5, "has clap 1.5, expected a finite number from -1 to 1"),
        ("desync", math.inf, "has desync inf, expected a finite number from 0 to 2"),
        ("kl", math.nan, "is scored and has no kl"),
        ("kl", "high", "column kl holds "),
        ("luck", 1.0, "column 'luck' of samples.parquet is none of a metric that was scored"),
    ],
)
def test_scores_that_a_metric_cannot_have_are_found(honest, copy, column, value, fault):
    table = pd.read_parquet(honest.samples_parquet)
    table[column] = table.get(column, pd.Series(0.0, table.index)).astype(object if isinstance(value, str) else float)
    table.loc[2, column] = value
    if isinstance(value, str):
        table[column] = table[column].astype(str)
    table.to_parquet(copy.samples_parquet, index=False)
    assert fault in failed(copy)["scores"]


@pytest.mark.parametrize(
    ("way", "value", "check"),
    [
        (("metrics", "fad", "value"), float("nan"), "scores"),
        (("metrics", "kl", "value"), float("inf"), "scores"),
        (("metrics", "fad", "value"), -3.0, "scores"),
        (("scoring", "resamples"), 10**12, "intervals"),
        (("scoring", "confidence"), 2.0, "intervals"),
        (("scored_at",), "yesterday", "agreement"),
        (("counts", "expected"), 10**30, "agreement"),
    ],
)
def test_values_that_no_record_has_are_found_and_cost_neither_time_nor_memory(honest, copy, way, value, check):
    content = json.loads(honest.metrics_json.read_text())
    put(content, way, lambda _: value)
    copy.metrics_json.write_text(json.dumps(content))
    assert check in failed(copy)


@pytest.mark.parametrize(
    ("name", "way", "value", "check"),
    [
        ("metrics.json", ("metrics", "kl", "ci95", 0), 0.123, "intervals"),
        ("metrics.json", ("metrics", "clap", "ci95"), None, "intervals"),
        ("metrics.json", ("metrics", "clap", "reason"), "no interval: bad luck", "intervals"),
        ("metrics.json", ("scoring", "bootstrap_seed"), 1, "intervals"),
        ("metrics.json", ("scoring", "resamples"), 101, "intervals"),
        ("metrics.json", ("metrics", "clap", "n"), 11, "means"),
        ("metrics.json", ("metrics", "fad", "n"), 11, "scores"),
        ("metrics.json", ("metrics", "fad", "ci95", 0), 1e9, "scores"),
        ("metrics.json", ("metrics", "kl", "standard_deviation"), 0.1, "scores"),
        ("metrics.json", ("metrics", "imagebind", "reason"), None, "scores"),
        ("metrics.json", ("counts", "generated"), 11, "agreement"),
        ("metrics.json", ("status",), "partial", "agreement"),
        ("run.json", ("counts", "generated"), 13, "agreement"),
        ("run.json", ("generation_seconds",), -1.0, "agreement"),
        ("run.json", ("seed",), 1, "agreement"),
        ("run.json", ("duration_seconds",), 5.5, "audio"),
    ],
)
def test_what_follows_from_the_rest_is_found_without_audio_scored_or_benchmark(honest, copy, name, way, value, check):
    content = json.loads((honest.path / name).read_text())
    put(content, way, lambda _: value)
    (copy.path / name).write_text(json.dumps(content))
    assert check in failed(copy)


def test_rows_that_are_not_those_of_the_manifest_or_of_the_failures_are_found(honest, copy, scored):
    table = pd.read_parquet(honest.samples_parquet)
    table.assign(label="dog barking").to_parquet(copy.samples_parquet, index=False)
    assert "in the manifest 'playing harp'" in failed(copy, benchmark_dir=scored[1], recompute=False)["benchmark"]
    table.loc[2, "reason"] = "sounded odd"
    table.to_parquet(copy.samples_parquet, index=False)
    assert "is scored in samples.parquet ('sounded odd'), and not so in metrics.json" in failed(copy)["agreement"]


def test_a_metric_that_was_left_out_is_found(honest, copy):
    content = json.loads(honest.metrics_json.read_text())
    del content["metrics"]["fad"]
    copy.metrics_json.write_text(json.dumps(content))
    assert failed(copy)["scores"] == "metric fad is missing in metrics.json"


def test_an_address_of_code_that_a_submission_names_is_not_imported(honest, copy, tmp_path):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    for name in ("run.json", "metrics.json"):
        content = json.loads((honest.path / name).read_text())
        content["model"]["name"] = f"{tmp_path}/evil.py:Evil"
        (copy.path / name).write_text(json.dumps(content))
    assert submitted.fingerprint_of(copy.read_run()) is None
    failed(copy)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_empty_or_absent_or_a_pipe_is_a_failed_check(honest, copy, name):
    path, whole = copy.path / name, (honest.path / name).read_bytes()
    for part in (b"", whole[:1], whole[: len(whole) // 2], whole[:-2], b"[" * 100_000, b"null", b"\xff\xfe\x00"):
        path.write_bytes(part)
        assert name in failed(copy)["schema"]
    path.unlink()
    assert f"{name}: no such file" in failed(copy)["schema"]
    os.mkfifo(path)
    assert f"{name}: no such file" in failed(copy)["schema"]


def test_what_a_submission_says_reaches_the_terminal_on_one_line(honest, copy):
    content = json.loads(honest.metrics_json.read_text())
    content["metrics"]["\x1b[2Jsparkle\n" + 5000 * "x"] = content["metrics"]["kl"]
    copy.metrics_json.write_text(json.dumps(content))
    detail = failed(copy)["agreement"]
    assert detail.isprintable()
    assert len(detail) < submission.LISTED * (submission.LONGEST + 10)


def test_a_table_that_unpacks_to_more_than_memory_is_refused(tmp_path):
    path = tmp_path / "bomb.parquet"
    text = pa.DictionaryArray.from_arrays(
        np.zeros(50_000, np.int32), ["x" * 2_000_000]
    )  # written once, meant 50,000 times
    parquet.write_table(pa.table({"sample_id": text}), path, store_schema=False)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ValueError, match=r"100,000,000,000 bytes when unpacked, expected at most 536,870,912"):
        read_parquet(path)
    pd.DataFrame({"a": np.zeros(1_000_001, np.int8)}).to_parquet(path)
    with pytest.raises(ValueError, match=r"1,000,001 rows, expected at most 1,000,000"):
        read_parquet(path)
    pd.DataFrame({"a": [[1, 2]]}).to_parquet(path)
    with pytest.raises(ValueError, match="column a holds list<"):
        read_parquet(path)


def test_200_damaged_submissions_end_in_findings_and_never_in_an_error(honest, copy, scored, scored_again):
    rng = np.random.default_rng(11)
    for round_ in range(200):
        name = FILES[round_ % 3]
        whole = bytearray((honest.path / name).read_bytes())
        at = int(rng.integers(len(whole)))
        kind = int(rng.integers(4))
        if kind == 0:
            whole[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del whole[at : at + int(rng.integers(1, 64))]
        elif kind == 2:
            whole[at:at] = rng.bytes(int(rng.integers(1, 16)))
        else:
            whole[at : at + 8] = rng.bytes(8)
        (copy.path / name).write_bytes(whole)
        checks = submit_check(copy, benchmark_dir=scored[1] if round_ % 4 == 0 else None)
        assert all(check.detail.isprintable() for check in checks)
        restore(honest, copy)
    assert failed(copy) == {}
