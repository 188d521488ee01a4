"""The run directory: records that survive a round trip, refuse what they cannot mean, and are never half written."""

import json
from pathlib import Path

import pytest

from benchmark import runs
from benchmark.cli.listing import all_schemas
from benchmark.runs import (
    BenchmarkRecord,
    CommitRecord,
    CountsRecord,
    DamagedRecord,
    EnvironmentRecord,
    FailureRecord,
    MetricsRecord,
    MetricValue,
    ModelRecord,
    RunDirectory,
    RunRecord,
    ScoringRecord,
    TrainedModelRecord,
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


def test_how_a_models_weights_were_trained_comes_back_with_both_records(run):
    trained = TrainedModelRecord(**MODEL.model_dump(), training={"recipe": {"name": "sup-5"}})
    run.write(RUN.model_copy(update={"model": trained}))
    run.write(METRICS.model_copy(update={"model": trained}))
    assert run.read_run().model == run.read_metrics().model == trained


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
        (lambda record: {key: record[key] for key in record if key != "counts"}, r"counts: is missing; "),
        (lambda record: {**record, "mood": "good"}, r"mood: no such key, got 'good'; "),
        (lambda record: {**record, "status": "asleep"}, r"status: expected '.*, got 'asleep'; "),
        (
            lambda record: {**record, "counts": {"expected": "many", "generated": 1}},
            r"counts\.expected: expected a whole number, got 'many'; ",
        ),
        (lambda record: [], r"the whole file: expected an object, got a list; "),
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


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (bytes(4096), "empty"),
        (b'{"schema": 1, "status": "fin', "cut or damaged"),
        (b"\xff\xfe\x00", "cut or damaged"),
    ],
    ids=["empty", "zeros", "cut", "no text"],
)
def test_a_damaged_record_is_told_from_one_that_another_version_wrote(run, content, what):
    run.path.mkdir(parents=True)
    run.run_json.write_bytes(content)
    run.metrics_json.write_bytes(content)
    with pytest.raises(DamagedRecord, match=rf"run\.json: {what} \(.*\); give the command that made it again$"):
        run.read_run()
    with pytest.raises(DamagedRecord, match=rf"metrics\.json: {what} \(.*\); score the run again$"):
        run.read_metrics()


def test_an_absent_record_is_refused(run):
    with pytest.raises(UnusableRun, match=r"run\.json: no such file; run `python -m benchmark eval` first"):
        run.read_run()


def test_the_committed_schemas_are_those_of_the_code():
    committed = {path.name: path.read_text() for path in SCHEMAS.glob("*.json")}
    assert committed == all_schemas(), "run `python -m benchmark schemas`"


def test_the_schemas_describe_what_is_written():
    for record, name in ((RUN, "run.schema.json"), (METRICS, "metrics.schema.json")):
        schema = json.loads(runs.json_schemas()[name])
        written = json.loads(record.model_dump_json(by_alias=True))
        assert schema["properties"].keys() - {"limit", "settings"} == written.keys() == set(schema["required"])
        assert schema["properties"]["schema"]["const"] == 1
        assert schema["additionalProperties"] is False


def test_a_record_is_of_the_benchmark_whose_samples_were_asked_for(tiny):
    built = tiny.benchmark
    record = BENCHMARK.model_copy(update={"fingerprint": built.fingerprint("inter"), "version": built.version})
    assert record.is_of(built)
    for other in (
        {"version": "1.0"},
        {"fingerprint": built.fingerprint("intra")},
        {"subset": "single"},
        {"subset": "intra"},
    ):
        assert not record.model_copy(update=other).is_of(built)


def test_scored_runs_are_found_in_the_order_of_their_paths(tmp_path):
    for name in ("silence", "oracle", "noise"):
        RunDirectory.locate(tmp_path, "tiny", "inter", name).write(METRICS if name != "noise" else RUN)
    assert [run.path.name for run in runs.find_runs(tmp_path)] == ["oracle", "silence"]
    assert runs.find_runs(tmp_path / "nowhere") == []


def test_a_run_behind_a_link_is_found_and_one_that_is_reached_twice_once(tmp_path, caplog):
    for name in ("oracle", "noise"):
        RunDirectory.locate(tmp_path / "runs", "tiny", "inter", name).write(METRICS)
    inter = tmp_path / "runs" / "tiny" / "inter"
    (inter / "oracle").rename(tmp_path / "oracle")
    (inter / "oracle").symlink_to(tmp_path / "oracle")  # moved to another disk
    (inter / "another").symlink_to(inter / "noise")
    assert [run.path for run in runs.find_runs(tmp_path / "runs")] == [inter / "noise", inter / "oracle"]
    assert f"{inter}/another: skipped, a link to {inter}/noise, which is searched already" in caplog.text
    (tmp_path / "linked").symlink_to(tmp_path / "runs" / "tiny")
    assert len(runs.find_runs(tmp_path / "linked")) == 2


@pytest.mark.parametrize("names", [("..", "inter", "x"), ("tiny", "a/b", "x"), ("tiny", "inter", "/tmp/x")])
def test_no_name_leads_out_of_the_folder_of_runs(tmp_path, names):
    with pytest.raises(ValueError, match="expected the name of one folder, got "):
        RunDirectory.locate(tmp_path, *names)
    with pytest.raises(ValueError, match="expected the name of one file, got "):
        RunDirectory(tmp_path).audio("../../x")


@pytest.mark.parametrize(
    ("record", "place", "value"),
    [
        (RUN, "benchmark.name", "../x"),
        (RUN, "benchmark.subset", ".."),
        (METRICS, "failures.0.sample", "../../x"),
    ],
)
def test_a_record_with_a_name_that_leads_elsewhere_is_refused(run, record, place, value):
    run.write(record)
    path = run.run_json if record is RUN else run.metrics_json
    content = json.loads(path.read_text())
    content["failures"] = [{"sample": "x", "stage": "evaluate", "reason": ""}]
    *levels, last = place.split(".")
    inner = content
    for level in levels:
        inner = inner[int(level) if level.isdigit() else level]
    inner[last] = value
    path.write_text(json.dumps(content))
    with pytest.raises(UnusableRun) as raised:
        run.read_run() if record is RUN else run.read_metrics()
    assert f"{path}: not a record this version reads: {place}: expected the name of one f" in str(raised.value)
    assert repr(value) in str(raised.value)


def test_a_record_of_endless_size_or_depth_is_refused(run):
    run.path.mkdir(parents=True, exist_ok=True)
    with run.run_json.open("wb") as file:
        file.truncate(2**40)  # a hole: it takes no room on the disk
    with pytest.raises(UnusableRun, match=r"run\.json: more than 67,108,864 bytes"):
        run.read_run()
    run.metrics_json.write_text("[" * 1_000_000)
    with pytest.raises(
        UnusableRun, match=r"metrics\.json: cut or damaged \(the whole file: not JSON: recursion limit exceeded"
    ):
        run.read_metrics()


def test_files_of_a_run_that_a_link_brings_in_from_elsewhere_are_refused_by_name(run, tmp_path):
    run.write(RUN)
    run.run_json.rename(tmp_path / "elsewhere.json")
    run.run_json.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(UnusableRun, match=r"run\.json: leads out of .*, to .*elsewhere\.json, so it is not read; copy"):
        run.read_run()
    run.audio("a").parent.mkdir()
    (tmp_path / "secret").touch()
    run.audio("a").symlink_to(tmp_path / "secret")
    with pytest.raises(UnusableRun, match=r"audio/a\.wav: leads out of "):
        run.has_audio("a")
    run.audio("b").touch()
    run.audio("c").symlink_to("b.wav")
    assert (run.has_audio("b"), run.has_audio("c"), run.has_audio("d")) == (True, True, False)


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


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        (RUN, "RunRecord(humming on tiny 1.0 inter: finished, 3 of 4 generated)"),
        (METRICS, "MetricsRecord(humming on tiny 1.0 inter: 3 of 4 scored by profile signal, 2 metrics)"),
        (METRICS.metrics["kl"], "MetricValue(0.3 [0.1, 0.7] nat, n=3)"),
        (METRICS.metrics["inception_score"], "MetricValue(none: needs 10 samples, there are 3)"),
        (RunDirectory(Path("runs/tiny/inter/humming")), "RunDirectory('runs/tiny/inter/humming')"),
    ],
)
def test_a_console_shows_a_record_as_one_line(record, shown):
    assert repr(record) == str(record) == shown


def test_what_is_long_is_shown_without_its_middle():
    shown = repr(RunDirectory(Path("/a" * 200)))
    assert len(shown) < 120
    assert "…" in shown


def test_metrics_are_a_table_with_the_reason_where_there_is_no_value():
    frame = METRICS.to_frame()
    assert frame.index.name == "metric"
    assert list(frame.columns) == ["label", "value", "low", "high", "n", "of", "unit", "better", "reason"]
    assert frame["label"].tolist() == ["KL", "IS"]
    assert frame.loc["kl", "reason"] == ""  # as in the table of two folders
    assert frame.loc["kl", ["value", "low", "high", "n", "of", "unit"]].tolist() == [0.1 + 0.2, 0.1, 0.7, 3, 4, "nat"]
    assert frame["value"].isna().tolist() == [False, True]
    assert frame.loc["inception_score", "reason"] == "needs 10 samples, there are 3"
    assert frame["low"].dtype == float
