"""Runs that differ in nothing but the seed: which share a row, and what the row says."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from benchmark.report import MixedRuns, collect
from benchmark.report.model_index import export_model_index
from benchmark.report.samples import read_samples
from benchmark.report.seeds import families
from benchmark.report.tables.formats import to_csv, to_latex, to_markdown
from benchmark.report.tables.table import build_table
from benchmark.runs import ControlRecord, RunDirectory
from metrics.uncertainty.seeds import interval_of_means, interval_of_sets

KL = (1.0, 1.3, 1.9)  # of the three seeds


@pytest.fixture
def seeded(world, tmp_path):
    """A writer of one run of a seed, whose KL and FAD are its own."""

    def write(seed, model="tiny-foley", *, folder="", subset="inter", shift=None, **settings) -> RunDirectory:
        name = folder or (model if seed == 0 else f"{model}@seed{seed}")
        chosen = world.Settings(resample_by="sample", **settings)
        run = world.write_run(tmp_path / "runs", model, subset, chosen, folder=name)
        run.write(run.read_run().model_copy(update={"seed": seed}))
        table = pd.read_parquet(run.samples_parquet)
        table["kl"] += (KL[seed % 3] if shift is None else shift) + 0.1 * np.random.default_rng(seed).random(len(table))
        table.to_parquet(run.samples_parquet)
        record = run.read_metrics()
        values = dict(record.metrics)
        kl, fad = float(table["kl"].mean()), 2.0 + seed
        values["kl"] = values["kl"].model_copy(update={"value": kl, "ci95": (kl - 0.1, kl + 0.1)})
        values["fad"] = values["fad"].model_copy(update={"value": fad, "ci95": (fad - 0.5, fad + 1.0)})
        run.write(record.model_copy(update={"metrics": values}))
        return run

    return write


def rows_of(runs, subset="inter"):
    return collect(runs).of(subset)


def test_three_seeds_are_one_row_with_the_mean(seeded):
    runs = [seeded(seed) for seed in (2, 0, 1)]
    (row,) = rows_of(runs)
    assert (row.model, row.key, row.seeds, row.seed_note) == ("tiny-foley", "tiny-foley", (0, 1, 2), "seeds 0, 1, 2")
    assert row.values["fad"].value == 3.0
    assert row.values["kl"].value == pytest.approx(np.mean([run.read_metrics().metrics["kl"].value for run in runs]))
    assert (row.scored, row.expected, row.partial, row.ranked, row.values["kl"].n) == (5, 5, False, True, 5)
    assert row.run.path.name == "tiny-foley"  # whose samples the page shows


def test_its_intervals_hold_samples_and_seeds(seeded):
    runs = [seeded(seed) for seed in range(3)]
    (row,) = rows_of(runs)
    scores = np.stack([pd.read_parquet(run.samples_parquet)["kl"] for run in runs], axis=1)
    assert row.values["kl"].ci95 == interval_of_means(scores, resamples=1000, seed=0).ends
    fads = [2.0, 3.0, 4.0]
    assert row.values["fad"].ci95 == interval_of_sets(fads, [(value - 0.5, value + 1.0) for value in fads])


def test_no_interval_passes_the_end_of_a_scale(seeded):
    (row,) = rows_of([seeded(seed) for seed in (0, 9)])
    low, high = row.values["fad"].ci95  # a distance; Student's t alone would reach 50 below it
    assert (low, high > 50) == (0.0, True)


def test_source_clips_are_drawn_once_for_all_seeds(seeded, world):
    runs = [seeded(seed) for seed in range(2)]
    for run in runs:
        record = run.read_metrics()
        scoring = record.scoring.model_copy(update={"resample_by": "source"})
        run.write(record.model_copy(update={"scoring": scoring}))
    (row,) = rows_of(runs)
    assert row.values["kl"].reason == "no interval: 4 groups cannot support a 95 % interval"


def test_a_run_alone_is_a_row_as_before(seeded):
    (row,) = rows_of([seeded(0)])
    assert (row.seeds, row.seed_note, row.others) == ((), "", ())
    (named,) = rows_of([seeded(1)])
    assert (named.model, named.values) == ("tiny-foley@seed1", seeded(1).read_metrics().metrics)
    table = build_table(collect([seeded(0)]))
    assert "seed" not in to_markdown(table) + to_csv(table) + to_latex(table)


def test_a_seed_without_scores_is_said_and_not_in_the_mean(seeded):
    runs = [seeded(seed) for seed in range(3)]
    runs[1].metrics_json.unlink()
    (row,) = rows_of([runs[0], runs[2]])
    assert (row.seeds, row.values["fad"].value) == ((0, 2), 3.0)
    assert row.seed_note == "seeds 0, 2; seed 1 not scored, and not in the mean"
    runs[2].metrics_json.unlink()
    (alone,) = rows_of(runs[:1])
    assert (alone.seeds, alone.seed_note) == ((), "one seed; seeds 1, 2 not scored")
    runs = [seeded(seed) for seed in range(3)]
    runs[0].metrics_json.unlink()
    (row,) = rows_of(runs[1:])
    assert (row.model, row.seed_note) == ("tiny-foley", "seeds 1, 2; seed 0 not scored, and not in the mean")


def test_a_seed_that_only_the_other_subset_has_is_missed(seeded):
    results = collect([*(seeded(seed) for seed in range(2)), seeded(1, subset="intra")])
    assert [row.key for row in results.rows] == ["tiny-foley", "tiny-foley"]
    assert results.of("intra")[0].seed_note == "seed 1 alone; seed 0 not scored, and not in the mean"


def test_a_seed_that_lacks_samples_is_said_and_the_row_is_not_ranked(seeded):
    (row,) = rows_of([seeded(0), seeded(1, failed=(2,))])
    assert (row.scored, row.expected, row.ranked, row.values["kl"].n) == (4, 5, False, 4)
    assert row.seed_note == "seeds 0, 1; seed 1 scored on 4 of 5 samples"


def test_a_metric_that_one_seed_has_no_value_of_is_the_mean_of_the_others(seeded):
    (row,) = rows_of([seeded(0), seeded(1), seeded(2, without=("imagebind", "clap"))])
    assert row.values["clap"].value == pytest.approx(seeded(0).read_metrics().metrics["clap"].value)
    assert row.seed_note == "seeds 0, 1, 2; CLAP without seed 2"
    assert row.values["imagebind"].reason == "profile signal has no counterpart"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda run: ("model", {"options": {"steps": 50}}), id="options"),
        pytest.param(lambda run: ("model", {"weights_sha256": {"net": "0" * 64}}), id="weights"),
        pytest.param(lambda run: ("model", {"untrained": True}), id="untrained"),
        pytest.param(lambda run: ("scoring", {"resamples": 500}), id="resamples"),
        pytest.param(lambda run: ("scoring", {"bootstrap_seed": 1}), id="seed of the bootstrap"),
    ],
)
def test_runs_that_differ_in_more_than_the_seed_are_rows_of_their_own(seeded, change):
    runs = [seeded(0), seeded(1)]
    name, update = change(runs[1])
    for record in (runs[1].read_run(), runs[1].read_metrics()):
        if hasattr(record, name):
            runs[1].write(record.model_copy(update={name: getattr(record, name).model_copy(update=update)}))
    rows = rows_of(runs)
    assert [(len(row.seeds), row.values["fad"].value) for row in rows] == [(0, 2.0), (0, 3.0)]


def test_seeds_of_two_definitions_of_a_control_are_never_one_mean(seeded):
    runs = [seeded(seed, "noise") for seed in range(3)]
    for record in (runs[2].read_run(), runs[2].read_metrics()):
        later = ControlRecord(**record.model.model_dump(), definition="2")
        runs[2].write(record.model_copy(update={"model": later}))
    assert [
        sorted(one.seed for one in family.runs) for family in families([(run, run.read_metrics()) for run in runs])
    ] == [[0, 1]]


@pytest.mark.parametrize("update", [{"precision": "fast"}, {"frame_rule": "another"}, {"duration_seconds": 4.0}])
def test_runs_that_were_asked_otherwise_are_rows_of_their_own(seeded, update):
    runs = [seeded(0), seeded(1)]
    runs[1].write(runs[1].read_run().model_copy(update=update))
    assert len(rows_of(runs)) == 2


def test_builds_of_a_benchmark_are_not_mixed(seeded):
    with pytest.raises(MixedRuns, match="their manifest of subset inter differs"):
        collect([seeded(0), seeded(1, fingerprint="another")])


def test_one_seed_twice_is_still_refused(seeded, world, tmp_path):
    twice = world.write_run(tmp_path / "elsewhere", "tiny-foley", "inter", world.Settings(resample_by="sample"))
    with pytest.raises(MixedRuns, match="tiny-foley appears twice on subset inter"):
        collect([seeded(0), twice])
    with pytest.raises(MixedRuns, match="tiny-foley appears twice on subset inter"):
        collect([seeded(0), seeded(1), twice])


def test_a_name_that_its_record_denies_is_a_name_like_another(seeded):
    runs = [seeded(0), seeded(5, folder="tiny-foley@seed1")]
    assert [row.model for row in rows_of(runs)] == ["tiny-foley", "tiny-foley@seed1"]


def test_every_format_names_the_seeds(seeded, world, tmp_path):
    results = collect([*(seeded(seed) for seed in range(3)), world.write_run(
        tmp_path / "runs", "oracle", "inter", world.Settings(resample_by="sample")
    )])  # fmt: skip
    table = build_table(results)
    markdown = to_markdown(table)
    assert "| tiny-foley (3 seeds) " in markdown
    assert "- tiny-foley (Inter-class): seeds 0, 1, 2." in markdown
    assert "intervals hold samples and seeds" in markdown
    assert "tiny-foley (3 seeds) &" in to_latex(table)
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [(row["model"], row["seeds"]) for row in rows] == [("tiny-foley", "0 1 2"), ("oracle", "")]
    assert rows[0]["fad"] == "3.0"


def test_the_page_shows_the_samples_of_the_first_seed_and_every_run_counts(seeded):
    runs = [seeded(seed) for seed in range(3)]
    results = collect(runs)
    assert {run.path for run, _ in results.records} == {run.path for run in runs}
    (part,) = read_samples(results)
    assert list(part.scored["tiny-foley"]["kl"]) == list(pd.read_parquet(runs[0].samples_parquet)["kl"])


def test_a_model_card_names_the_seeds(seeded):
    (entry,) = export_model_index([seeded(seed) for seed in range(2)])["model-index"]
    assert entry["results"][0]["dataset"]["args"]["seeds"] == [0, 1]
    assert next(found["value"] for found in entry["results"][0]["metrics"] if found["type"] == "fad") == 2.5
