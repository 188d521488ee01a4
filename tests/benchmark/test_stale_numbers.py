"""Numbers of an earlier version are never taken for new ones: each thing that they depend on moves the fingerprint."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from benchmark import Choices, evaluate, generate
from benchmark.profiles.signal import SignalProfile
from benchmark.runs import RunDirectory
from foundation import media
from foundation.files import file_sha256
from metrics.registry import chosen_metrics

pytestmark = pytest.mark.usefixtures("models")

CHOICES = Choices(profile="signal", resamples=40)
BAD = "bell00000001_000010__bird00000004_000040"


@pytest.fixture(scope="module")
def first(tiny, models, tmp_path_factory):
    """A run that was scored, and the cache of its features."""
    folder = tmp_path_factory.mktemp("first")
    run = generate(tiny.path, "humming", subset="inter", runs=folder / "runs")
    evaluate(run, tiny.path, CHOICES, cache=folder / "cache", workers=0)
    return folder, run


@pytest.fixture
def again(first, tiny, tmp_path):
    """Score a copy of the run once more; what was there before comes with it."""
    folder, run = first
    shutil.copytree(run.path, tmp_path / "run")
    copy = RunDirectory(tmp_path / "run")

    def score(benchmark=tiny.path, **options):
        return copy.read_metrics(), evaluate(copy, benchmark, CHOICES, cache=folder / "cache", workers=0, **options)

    return copy, score


def test_nothing_that_changed_is_nothing_scored(again):
    before, after = again[1]()
    assert after == before


@pytest.mark.parametrize("name", ["kl", "fad"])
def test_a_new_version_of_a_metric_is_scored_anew(again, monkeypatch, name):
    def bumped(names=(), *, extended=False):
        rows = chosen_metrics(names, extended=extended)
        return [replace(row, version=row.version + 1) if row.name == name else row for row in rows]

    for module in ("benchmark.evaluation", "benchmark.scoring"):
        monkeypatch.setattr(f"{module}.chosen_metrics", bumped)
    before, after = again[1]()
    assert after.fingerprint != before.fingerprint
    assert after.metrics[name].version == before.metrics[name].version + 1


def test_a_source_that_was_cut_anew_is_scored_anew(again, tiny, tmp_path):
    other = tmp_path / "benchmark"
    shutil.copytree(tiny.path, other)
    record = json.loads((other / "benchmark.json").read_text())
    source = record["sources"][0]
    path = other / "sources" / f"{source['clip_id']}.wav"
    sound = media.read_audio_native(path)
    media.write_audio(path, np.asarray(sound.samples[0] * 0.5, np.float32), sound.sample_rate)
    (changed,) = [name for name, value in source.items() if value == file_sha256(tiny.path / "sources" / path.name)]
    source[changed] = file_sha256(path)
    (other / "benchmark.json").write_text(json.dumps(record))
    before, after = again[1](other)
    assert after.fingerprint != before.fingerprint
    assert after.metrics["fad"].value != before.metrics["fad"].value


def test_a_new_version_of_a_backbone_is_scored_anew(again):
    profile = SignalProfile()
    for part in ("audio", "video"):
        setattr(profile, part, tuple(replace(row, key=row.key + "-next") for row in getattr(profile, part)))
    before, after = again[1](profile=profile)
    assert after.fingerprint != before.fingerprint
    assert after.scoring.backbones["signal"] == before.scoring.backbones["signal"] + "-next"


@pytest.mark.parametrize(
    ("part", "value"),
    [("weights_sha256", {"network": "0" * 64}), ("options", {"level": 0.1}), ("untrained", True), ("notes", ["new"])],
)
def test_a_run_of_another_model_is_scored_anew(again, part, value):
    run, score = again
    record = json.loads(run.run_json.read_text())
    record["model"][part] = value
    run.run_json.write_text(json.dumps(record))
    before, after = score()
    assert after.fingerprint != before.fingerprint
    assert getattr(after.model, part) == value


def test_seconds_of_earlier_attempts_are_counted(first, tiny, tmp_path):
    """A model that was asked again for what failed took as long as all its attempts together."""
    run = generate(tiny.path, "moody", subset="inter", runs=tmp_path, options={"bad": BAD, "mood": "refuses"})
    record = json.loads(run.run_json.read_text())
    run.run_json.write_text(json.dumps({**record, "generation_seconds": 1000.0}))
    generate(tiny.path, "moody", subset="inter", runs=tmp_path, options={"bad": BAD, "mood": "refuses"})
    assert run.read_run().generation_seconds >= 1000.0
