"""Stability of the order of a table's rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmark.report.results import collect
from benchmark.report.samples import clips_of, read_run_samples, read_samples
from benchmark.report.stability import stability_of
from benchmark.report.tables.presets import preset_table
from metrics.uncertainty.bootstrap import paired_difference
from metrics.uncertainty.stability import reversed_share_of, smallest_detectable

LEVEL_95 = 1.959964


@pytest.fixture
def stable(scored):
    results = collect(scored[0])
    table = preset_table(results, breadth="full")
    return {one.column.metric.name: one for one in stability_of(results, read_samples(results), table.columns)["inter"]}


def test_rows_follow_one_another_from_the_best_to_the_worst(stable):
    for one in stable.values():
        values = [row.values[one.column.metric.name].value for row in one.rows]
        assert values == sorted(values, reverse=one.column.metric.better == "higher")
        assert [pair.second for pair in one.neighbours] == list(one.rows[1:])


def test_a_metric_that_only_describes_orders_no_rows(scored):
    results = collect(scored[0])
    columns = preset_table(results, breadth="full").columns
    described = [replace(column, metric=replace(column.metric, better="neither")) for column in columns]
    assert stability_of(results, read_samples(results), described) == {}


def test_neighbours_in_a_per_sample_metric_are_those_of_the_paired_test(stable):
    kl = stable["kl"]
    pair = kl.neighbours[0]
    tables = [read_run_samples(row.run).table for row in (pair.first, pair.second)]
    scoring = pair.first.record.scoring
    groups = clips_of(tables[0]) if scoring.resample_by == "source" else None
    expected = paired_difference(
        tables[0]["kl"], tables[1]["kl"], groups=groups, resamples=scoring.resamples, seed=scoring.bootstrap_seed
    )
    assert pair.basis == "paired"
    assert pair.error == pytest.approx(expected.error)
    assert pair.reversals == pytest.approx(expected.reversals)


def test_neighbours_in_a_set_wise_metric_are_judged_by_their_own_intervals(stable):
    fad = stable["fad"]
    pair = fad.neighbours[0]
    low, high = zip(*(row.values["fad"].ci95 for row in (pair.first, pair.second)), strict=True)
    error = np.hypot(*(np.subtract(high, low) / 2 / LEVEL_95))
    values = [row.values["fad"].value for row in (pair.first, pair.second)]
    assert pair.basis == "apart"
    assert pair.error == pytest.approx(error, rel=1e-6)
    assert pair.reversals == pytest.approx(reversed_share_of(values[0] - values[1], error))


def test_the_smallest_detectable_difference_is_that_of_the_median_error(stable):
    kl = stable["kl"]
    errors = [pair.error for pair in kl.neighbours]
    assert kl.detectable == pytest.approx(smallest_detectable(float(np.median(errors))))
    assert kl.samples == min(row.values["kl"].n for row in kl.rows)


def test_a_row_alone_is_held_against_a_fixed_number(scored):
    results = collect(scored[0][:1])
    table = preset_table(results, breadth="full")
    (kl,) = (
        o for o in stability_of(results, read_samples(results), table.columns)["inter"] if o.column.metric.name == "kl"
    )
    low, high = kl.rows[0].values["kl"].ci95
    assert (kl.basis, kl.neighbours) == ("single", ())
    assert kl.detectable == pytest.approx(smallest_detectable((high - low) / 2 / LEVEL_95), rel=1e-6)


def test_rows_that_are_alike_on_every_sample_have_no_share(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("tiny-foley", "old-foley")]
    table = pd.read_parquet(runs[0].samples_parquet)
    table.to_parquet(runs[1].samples_parquet)
    results = collect(runs)
    columns = preset_table(results, breadth="full").columns
    found = stability_of(results, read_samples(results), columns)["inter"]
    kl = next(one for one in found if one.column.metric.name == "kl")
    assert [pair.share for pair in kl.neighbours] == ["–"]


def test_too_few_clips_give_an_order_without_a_share(made):
    results = collect(made.runs)
    columns = preset_table(results, breadth="full").columns
    kl = next(o for o in stability_of(results, read_samples(results), columns)["inter"] if o.column.metric.name == "kl")
    assert {pair.share for pair in kl.neighbours} == {"–"}
    assert kl.detectable_text == "–"
