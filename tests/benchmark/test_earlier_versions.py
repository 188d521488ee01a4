"""What version 0.1.0 left on disk (a benchmark, two finished runs and their features) serves as it is.

`data/version_0_1_0` was written by that version: four clips of 5 s, `oracle` and `distractor` on the inter-class
scenes, scored by profile signal with 40 resamples.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.packs import kept_below

from benchmark import Choices, evaluate, generate, workers
from benchmark.report import build_table, collect, compare_runs
from benchmark.runs import RunDirectory
from vgg_monoaudio import load_benchmark
from vgg_monoaudio.building.verification import differences

DATA = Path(__file__).parent / "data" / "version_0_1_0"
CHOICES = Choices(profile="signal", resamples=40)


@pytest.fixture
def earlier(tmp_path):
    """A copy, so that nothing is written beside the tests."""
    return shutil.copytree(DATA, tmp_path / "earlier")


@pytest.fixture
def runs(earlier):
    return {name: RunDirectory(earlier / "runs" / "tiny" / "inter" / name) for name in ("oracle", "distractor")}


@pytest.fixture
def _nothing_is_decoded(monkeypatch):
    def refuse(job):
        raise AssertionError(f"{job[0]} is decoded")

    monkeypatch.setattr(workers, "_prepare", refuse)


def assert_same_numbers(after, before):
    """Between processors the last digits of sums differ; the classifier is fitted by iteration and passes them on."""
    assert after.keys() == before.keys()
    for name, value in before.items():
        there, here = value.model_dump(), after[name].model_dump()
        for key in ("value", "ci95", "standard_deviation"):
            one, other = here.pop(key), there.pop(key)
            assert (one is None) == (other is None), name
            assert one is None or one == pytest.approx(other, rel=1e-6, abs=1e-9), name
        assert here == there


@pytest.mark.usefixtures("_nothing_is_decoded")
@pytest.mark.parametrize("name", ["oracle", "distractor"])
def test_a_scored_run_is_returned_as_it_is(earlier, runs, name):
    written = runs[name].metrics_json.read_bytes()
    record = evaluate(runs[name], earlier / "tiny", CHOICES, cache=earlier / "cache")
    assert record == runs[name].read_metrics()
    assert runs[name].metrics_json.read_bytes() == written


@pytest.mark.usefixtures("_nothing_is_decoded")
@pytest.mark.parametrize("name", ["oracle", "distractor"])
def test_scoring_from_its_features_gives_its_numbers_and_its_fingerprint(earlier, runs, name):
    before = runs[name].read_metrics()
    runs[name].metrics_json.unlink()
    runs[name].samples_parquet.unlink()
    after = evaluate(runs[name], earlier / "tiny", CHOICES, cache=earlier / "cache")
    assert after.fingerprint == before.fingerprint
    assert after.scoring == before.scoring
    assert_same_numbers(after.metrics, before.metrics)


def test_its_features_are_those_that_would_be_computed_today(earlier, runs, tmp_path):
    runs["oracle"].metrics_json.unlink()
    evaluate(runs["oracle"], earlier / "tiny", CHOICES, cache=tmp_path / "cache", workers=1)
    computed = {(one.extractor, one.key[:32], one.sha256): one.arrays for one in kept_below(tmp_path / "cache")}
    fitted = [whose for whose in computed if whose[0] == "signal.classifier"]
    assert [computed.pop(whose).keys() >= {"weights_by_dimension"} for whose in fitted] == [True]  # kept since
    kept = earlier / "cache"
    read = {(*path.relative_to(kept).parts[:2], path.stem): load_file(path) for path in kept.rglob("*.safetensors")}
    assert computed.keys() == read.keys()
    assert len(read) == 8  # four sounds, four films
    for whose, arrays in read.items():
        assert computed[whose].keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_allclose(computed[whose][name], array, rtol=1e-4, atol=1e-5, err_msg=f"{whose} {name}")


def test_a_finished_run_is_not_generated_again(earlier, runs):
    built = load_benchmark(earlier / "tiny")
    written = {path: path.stat().st_mtime_ns for path in runs["oracle"].path.rglob("*.wav")}
    run = generate(built, "oracle", subset="inter", runs=earlier / "runs")
    assert (
        run.read_run().fingerprint == json.loads((DATA / "runs/tiny/inter/oracle/run.json").read_text())["fingerprint"]
    )
    assert {path: path.stat().st_mtime_ns for path in runs["oracle"].path.rglob("*.wav")} == written


def test_its_runs_stand_in_a_table_and_compare(earlier, runs):
    table = build_table(collect(list(runs.values())))
    assert [line.row.model for block in table.blocks for line in block.lines] == ["oracle", "distractor"]
    comparison = compare_runs(
        runs["oracle"], runs["distractor"], cache=earlier / "cache", benchmark_dir=earlier / "tiny"
    )
    change = next(c for c in comparison.changes if c.metric.name == "kl" and c.scope == "all")
    assert (change.first, change.samples) == (pytest.approx(0.0, abs=1e-9), 4)


def test_the_benchmark_itself_is_read_and_verified(earlier):
    built = load_benchmark(earlier / "tiny")
    assert [len(built.samples(subset)) for subset in ("inter", "intra")] == [4, 4]
    assert differences(built) == []
