"""The run directory: records that survive a round trip, refuse what they cannot mean, and are never half written."""

import json
from pathlib import Path

import pytest

from benchmark import runs
from benchmark.runs import (
    BenchmarkRecord,
    CommitRecord,
    CountsRecord,
    EnvironmentRecord,
    FailureRecord,
    MetricsRecord,
    MetricValue,
    ModelRecord,
    RunDirectory,
    RunRecord,
    ScoringRecord,
    UnusableRun,
    folder_name,
)

DATA = Path(__file__).parent / "data"
SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"

BENCHMARK = BenchmarkRecord(name="tiny", version="1.0", subset="inter", fingerprint="5ff", samples=4)
MODEL = ModelRecord(
    name="humming", kind="model", options={"level": 0.2}, sample_rate=16_000, weights_sha256={"network": "ab"},
    notes=["text tower of another release"],
)  # fmt: skip
SHARED = {
    "benchmark": BENCHMARK,
    "model": MODEL,
    "commit": CommitRecord(sha="3f1c0de", dirty=True),
    "environment": EnvironmentRecord(python="3.11.7", platform="Linux", device="cpu", packages={"numpy": "1.26.4"}),
    "failures": [FailureRecord(sample="bell__gong", stage="generate", reason="video has 7.4 s of 8.0 s")],
}
RUN = RunRecord(
    status="finished", fingerprint="0c7", seed=3, duration_seconds=8.0, counts=CountsRecord(expected=4, generated=3),
    started="2026-01-02T03:04:05+00:00", finished="2026-01-02T03:14:05+00:00", generation_seconds=600.125, **SHARED,
)  # fmt: skip
METRICS = MetricsRecord(
    status="partial",
    fingerprint="c73",
    scoring=ScoringRecord(
        profile="signal", reference_video="target", bandwidth_from="generated", resample_by="source", resamples=1000,
        bootstrap_seed=0, backbones={"signal": "v1"},
    ),
    counts=CountsRecord(expected=4, generated=3, scored=3),
    metrics={
        "kl": MetricValue(value=0.1 + 0.2, ci95=(0.1, 0.7), n=3, unit="nat", better="lower", version=1),
        "inception_score": MetricValue(
            value=None, n=3, unit="", better="higher", version=1, reason="needs 10 samples, there are 3"
        ),
    },
    scored_at="2026-01-02T03:15:05+00:00",
    **SHARED,
)  # fmt: skip


@pytest.fixture
def run(tmp_path):
    return RunDirectory.locate(tmp_path, "tiny", "inter", "humming")


def test_paths_are_those_of_the_documented_layout(tmp_path, run):
    below = {name: getattr(run, name).relative_to(tmp_path) for name in ("run_json", "metrics_json", "samples_parquet")}
    assert [str(path) for path in below.values()] == [
        "tiny/inter/humming/run.json", "tiny/inter/humming/metrics.json", "tiny/inter/humming/samples.parquet",
    ]  # fmt: skip
    assert str(run.audio("bell__gong").relative_to(tmp_path)) == "tiny/inter/humming/audio/bell__gong.wav"


def test_records_come_back_as_they_were_written(run):
    run.write(RUN)
    run.write(METRICS)
    assert run.read_run() == RUN
    assert run.read_metrics() == METRICS
    assert json.loads(run.run_json.read_text())["schema"] == 1
    assert run.read_metrics().metrics["kl"].value == 0.1 + 0.2  # to the last bit


def test_records_of_the_first_version_are_read_for_ever():
    """Committed files, as version 1 wrote them: when this fails, SCHEMA_VERSION has to move."""
    old = RunDirectory(DATA / "version_1")
    assert old.read_run() == RUN
    assert old.read_metrics() == METRICS


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda record: {**record, "schema": 2}, r"schema 2, this version reads 1; "),
        (lambda record: {**record, "schema": "one"}, r"schema 'one', this version reads 1; "),
        (lambda record: {key: record[key] for key in record if key != "counts"}, r"counts: Field required; "),
        (lambda record: {**record, "mood": "good"}, r"mood: Extra inputs are not permitted; "),
        (lambda record: {**record, "status": "asleep"}, r"status: Input should be "),
        (lambda record: {**record, "counts": {"expected": "many", "generated": 1}}, r"counts\.expected: Input should "),
        (lambda record: [], r"the whole file: Input should be an object; "),
    ],
    ids=["future", "no number", "missing field", "unknown field", "unknown status", "wrong type", "no object"],
)
@pytest.mark.parametrize("kind", ["run", "metrics"])
def test_a_record_this_version_cannot_read_is_refused_with_its_field_and_a_way_out(run, kind, edit, message):
    run.write(RUN)
    run.write(METRICS)
    path = run.path / f"{kind}.json"
    path.write_text(json.dumps(edit(json.loads(path.read_text()))))
    way_out = {"run": "pass --fresh to make the run again", "metrics": "remove it and score the run again"}[kind]
    with pytest.raises(UnusableRun, match=rf"{kind}\.json: .*{message}.*{way_out}$"):
        getattr(run, f"read_{kind}")()


@pytest.mark.parametrize("content", [b"", b'{"schema": 1, "status": "fin', b"\xff\xfe\x00"])
def test_a_broken_record_is_refused(run, content):
    run.path.mkdir(parents=True)
    run.run_json.write_bytes(content)
    with pytest.raises(UnusableRun, match=r"run\.json: not a record this version reads: .*pass --fresh"):
        run.read_run()


def test_an_absent_record_is_refused(run):
    with pytest.raises(UnusableRun, match=r"run\.json: no such file; run `python -m benchmark eval` first"):
        run.read_run()


def test_the_committed_schemas_are_those_of_the_code():
    committed = {path.name: path.read_text() for path in SCHEMAS.glob("*.json")}
    assert committed == runs.json_schemas(), "run `python -m benchmark schemas`"


def test_the_schemas_describe_what_is_written():
    for record, name in ((RUN, "run.schema.json"), (METRICS, "metrics.schema.json")):
        schema = json.loads(runs.json_schemas()[name])
        written = json.loads(record.model_dump_json(by_alias=True))
        assert schema["properties"].keys() == written.keys() == set(schema["required"])
        assert schema["properties"]["schema"]["const"] == 1
        assert schema["additionalProperties"] is False


def test_a_record_is_of_the_benchmark_whose_samples_were_asked_for(tiny):
    built = tiny.benchmark
    record = BENCHMARK.model_copy(update={"fingerprint": built.fingerprint("inter")})
    assert record.is_of(built)
    for other in ({"fingerprint": built.fingerprint("intra")}, {"subset": "single"}, {"subset": "intra"}):
        assert not record.model_copy(update=other).is_of(built)


def test_scored_runs_are_found_in_the_order_of_their_paths(tmp_path):
    for name in ("silence", "oracle", "noise"):
        RunDirectory.locate(tmp_path, "tiny", "inter", name).write(METRICS if name != "noise" else RUN)
    assert [run.path.name for run in runs.find_runs(tmp_path)] == ["oracle", "silence"]
    assert runs.find_runs(tmp_path / "nowhere") == []


def test_the_environment_names_what_numbers_depend_on():
    environment = runs.current_environment("cpu")
    assert environment.packages.keys() >= {"numpy", "torch", "scipy", "scikit-learn", "av"}
    assert environment.device == "cpu"


def test_a_long_name_of_a_model_becomes_a_folder_of_its_own_that_can_be_written():
    assert folder_name("team/net") == "team-net"
    assert folder_name("x" * 200) == "x" * 200
    first, second = folder_name("ü" * 300), folder_name("ü" * 300 + "2")
    assert first != second
    assert first.startswith("ü" * 90)
    assert all(190 < len(name.encode()) <= 200 for name in (first, second))
