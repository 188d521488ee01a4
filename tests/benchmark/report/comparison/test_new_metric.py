"""A metric is its row: one that is added to the registry gets its number, interval and test without other changes."""

import shutil

import pytest
from support.toy_metric import ROW

from benchmark.evaluation import Choices, evaluate
from benchmark.report import compare_runs
from benchmark.runs import RunDirectory
from metrics import registry


@pytest.fixture
def with_row(scored, tmp_path, monkeypatch):
    """Both runs, scored again with one row more in the registry; benchmark and cache."""
    runs, benchmark, cache = scored
    monkeypatch.setattr(registry, "_ROWS", (*registry._ROWS[:4], ROW, *registry._ROWS[4:]))
    copies = [RunDirectory(shutil.copytree(run.path, tmp_path / "demo" / "inter" / run.path.name)) for run in runs]
    choices = Choices(profile="signal", resample_by="sample", resamples=200)
    for copy in copies:
        evaluate(copy, benchmark, choices, cache=cache, workers=0)
    return runs, copies, benchmark, cache


def test_a_row_is_all_that_a_set_wise_metric_needs_for_a_number_with_an_interval(with_row):
    plain, runs, _, _ = with_row
    for before, after in zip(plain, runs, strict=True):
        values = after.read_metrics().metrics
        row = values.pop(ROW.name)
        low, high = row.ci95
        assert 0 <= low < row.value < high
        assert (row.n, row.better, row.standard_deviation, row.reason) == (12, "lower", None, None)
        assert values == before.read_metrics().metrics  # no other number moves


def test_a_row_is_all_that_a_set_wise_metric_needs_for_a_paired_test(with_row):
    _, runs, benchmark, cache = with_row
    comparison = compare_runs(*runs, benchmark_dir=benchmark, cache=cache)
    (found,) = [change for change in comparison.changes if change.metric is ROW]
    scores = [run.read_metrics().metrics[ROW.name].value for run in runs]
    assert (found.first, found.second) == pytest.approx(scores)
    assert found.low <= found.difference <= found.high
    assert 0 < found.p_value <= found.corrected <= 1


def test_a_row_without_a_resampler_has_a_number_alone(with_row, monkeypatch):
    from dataclasses import replace

    _, runs, benchmark, cache = with_row
    bare = replace(ROW, name="bare_shift", resampler="")
    monkeypatch.setattr(registry, "_ROWS", (*registry._ROWS, bare))
    choices = Choices(profile="signal", resample_by="sample", resamples=200)
    record = evaluate(runs[0], benchmark, choices, cache=cache, workers=0)
    assert record.metrics["bare_shift"].value == record.metrics[ROW.name].value
    assert record.metrics["bare_shift"].ci95 is None
