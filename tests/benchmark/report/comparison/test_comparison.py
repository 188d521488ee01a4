import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmark.report import MixedRuns, compare_runs
from benchmark.report.comparison import set_scores
from benchmark.report.comparison.views import stability_grid, to_json, to_markdown, to_terminal
from benchmark.runs import RunDirectory, UnusableRun
from foundation.media import write_audio
from metrics import placement, registry
from metrics.uncertainty.bootstrap import paired_difference


def with_samples(run, rng, *, better_by, count=60):
    """Give a run `count` samples over 20 clips, whose KL is `better_by` lower than chance would have it."""
    clips = [f"clip{place:07d}_000000" for place in range(20)]
    table = pd.DataFrame(
        {
            "sample_id": [f"sample-{place}" for place in range(count)],
            "label": ["dog barking", "playing harp", "driving buses"] * (count // 3),
            "paired_label": "car passing by",
            "target_id": [clips[place % 20] for place in range(count)],
            "paired_id": [clips[(place // 20 + place + 1) % 20] for place in range(count)],
            "target_category": ["Animal", "Music", "Vehicle"] * (count // 3),
            "paired_category": "Vehicle",
            "target_side": "left",
            "status": "scored",
            "reason": "",
            "kl": 2.0 + np.sin(np.arange(count)) * 0.1 + rng.normal(0, 0.05, count) - better_by,
            "desync": 0.5 + rng.normal(0, 0.05, count),
        }
    )
    table.to_parquet(run.samples_parquet)
    return run


@pytest.fixture
def two(world, tmp_path):
    rng = np.random.default_rng(3)
    settings = world.Settings(resample_by="source")
    return [
        with_samples(world.write_run(tmp_path, "tiny-foley", "inter", settings), rng, better_by=0.4),
        with_samples(world.write_run(tmp_path, "old-foley", "inter", settings), rng, better_by=0.0),
    ]


def change(comparison, metric, scope="all", name=""):
    return next(
        found for found in comparison.changes if (found.metric.name, found.scope, found.name) == (metric, scope, name)
    )


def test_a_real_difference_is_found_and_equal_scores_are_not_called_different(two):
    comparison = compare_runs(*two)
    kl, step = change(comparison, "kl"), change(comparison, "desync")
    assert kl.difference == pytest.approx(-0.4, abs=0.05)
    assert kl.low < -0.4 + 0.05
    assert kl.high < 0
    assert (kl.better, kl.samples) == ("first", 60)
    assert step.better == ""
    assert step.low < 0 < step.high


def test_exchanging_the_runs_exchanges_the_verdict(two):
    there, back = compare_runs(*two), compare_runs(*reversed(two))
    assert change(back, "kl").better == "second"
    assert change(back, "kl").difference == -change(there, "kl").difference
    assert change(back, "kl").p_value == change(there, "kl").p_value


def test_a_metric_that_only_describes_puts_no_run_ahead(two):
    comparison = compare_runs(*two)
    described = [replace(one, metric=replace(one.metric, better="neither")) for one in comparison.changes]
    ahead = {row[0]: row[1:3] for row in stability_grid(replace(comparison, changes=tuple(described)))}
    assert ahead["KL"] == ["–", "–"]
    assert next(row[1] for row in stability_grid(comparison) if row[0] == "KL ↓") == "tiny-foley"


def test_runs_do_not_change_places_in_a_metric_that_only_describes(two, monkeypatch):
    assert change(compare_runs(*two), "kl").reversals is not None
    rows = [replace(row, better="neither") if row.name == "kl" else row for row in registry._ROWS]
    monkeypatch.setattr(registry, "_ROWS", rows)
    kl = change(compare_runs(*two), "kl")
    assert kl.p_value is not None
    assert kl.reversals is None


def test_a_run_does_not_differ_from_itself(two):
    comparison = compare_runs(two[0], two[0])
    assert {found.better for found in comparison.changes} == {""}
    assert comparison.apart == ()


def test_every_category_and_label_is_tested_and_corrected_within_its_list(two):
    comparison = compare_runs(*two)
    assert {found.name for found in comparison.of("category")} == {"Animal", "Music", "Vehicle"}
    assert {found.name for found in comparison.of("label")} == {"dog barking", "playing harp", "driving buses"}
    tested = [found for found in comparison.of("label") if found.p_value is not None]
    assert tested
    assert all(found.corrected >= found.p_value for found in tested)
    smallest = min(tested, key=lambda found: found.p_value)
    assert smallest.corrected == pytest.approx(min(1.0, smallest.p_value * len(tested)))


def test_means_of_a_category_are_those_of_its_samples(two):
    table = pd.read_parquet(two[0].samples_parquet)
    expected = table.loc[table["target_category"] == "Music", "kl"].mean()
    assert change(compare_runs(*two), "kl", "category", "Music").first == pytest.approx(expected)


def test_set_wise_metrics_have_a_difference_and_say_why_they_have_no_test(two):
    fad = change(compare_runs(*two), "fad")
    values = [run.read_metrics().metrics["fad"].value for run in two]
    assert fad.difference == pytest.approx(values[0] - values[1])
    assert fad.p_value is None
    assert fad.reason.startswith("set-wise")


def test_samples_that_only_one_run_scored_enter_no_number_and_are_named(two):
    table = pd.read_parquet(two[1].samples_parquet)
    table.loc[4, ["status", "kl"]] = ["failed", float("nan")]
    table.to_parquet(two[1].samples_parquet)
    comparison = compare_runs(*two)
    assert comparison.only_one == ("sample-4",)
    assert change(comparison, "kl").samples == 59


@pytest.mark.parametrize("run", [0, 1], ids=["in the first run", "in the second run"])
def test_a_score_that_one_run_lacks_leaves_its_sample_out_of_that_metric_alone(two, run):
    tables = [pd.read_parquet(one.samples_parquet) for one in two]
    tables[run].loc[4, "kl"] = float("nan")  # scored, but without this score: onset metrics have such samples
    tables[run].to_parquet(two[run].samples_parquet)
    comparison = compare_runs(*two)
    kl = change(comparison, "kl")
    rest = [place for place in range(60) if place != 4]
    assert (comparison.only_one, kl.samples, change(comparison, "desync").samples) == ((), 59, 60)
    assert (kl.first, kl.second) == pytest.approx(tuple(table["kl"][rest].mean() for table in tables))
    assert kl.p_value is not None
    assert np.isfinite([gap.first - gap.second for gap in comparison.apart]).all()


@pytest.mark.parametrize(("labels", "expected"), [(3, 1000), (39, 3900), (300, 20_000)])
def test_many_tests_are_given_as_many_resamples_as_their_correction_asks_for(two, labels, expected, monkeypatch):
    """With a thousand resamples no p-value is below 1 / 1001, and Holm multiplies it by the number of tests."""
    from benchmark.report.comparison.paired import PairedTests
    from metrics.registry import get_metric

    table = pd.read_parquet(two[0].samples_parquet)
    table = pd.concat([table] * (1 + labels // len(table)), ignore_index=True)[: max(labels, 60)]
    table["label"] = [f"label {place % labels}" for place in range(len(table))]
    asked = []
    monkeypatch.setattr(
        "metrics.uncertainty.bootstrap.paired_difference",
        lambda a, b, **options: asked.append(options["resamples"]) or paired_difference(a, a, seed=0, resamples=40),
    )
    tests = PairedTests(table, table, two[0].read_metrics())
    assert len(tests.changes("label", [get_metric("kl")])) == labels
    assert set(asked) == {expected}


def test_the_samples_furthest_apart_come_first(two):
    table = pd.read_parquet(two[1].samples_parquet)
    table.loc[7, "kl"] += 9.0
    table.to_parquet(two[1].samples_parquet)
    first = compare_runs(*two, largest=2).apart
    assert first[0].sample == "sample-7"
    assert len([found for found in first if found.metric.name == "kl"]) == 2


def test_random_and_unverified_weights_and_missing_samples_are_told(world, tmp_path):
    bad = world.Settings(untrained=True, unverified=True, failed=(1,))
    comparison = compare_runs(world.write_run(tmp_path, "tiny-foley", "inter", bad), world.write_run(tmp_path, "noise"))
    console = Console(width=400, record=True)
    console.print(to_terminal(comparison))
    for text in (to_markdown(comparison), console.export_text(), to_json(comparison)["caption"]):
        assert "tiny-foley has random weights: for timing only." in text
        assert "tiny-foley: a checkpoint's hash was not verified." in text
        assert "tiny-foley was scored on 4 of 5 samples." in text
        assert "noise has" not in text


def test_runs_that_may_not_be_compared_are_refused(world, tmp_path):
    one = world.write_run(tmp_path, "oracle")
    with pytest.raises(MixedRuns, match="different subsets, inter and intra"):
        compare_runs(one, world.write_run(tmp_path, "oracle", "intra"))
    for profile in ("paper", "open"):
        with pytest.raises(MixedRuns, match=r"their profile differs(?s:.*)each profile has networks of its own"):
            compare_runs(one, world.write_run(tmp_path / profile, "noise", "inter", world.Settings(profile=profile)))


def test_the_caption_says_what_profile_open_measures_with_and_under_which_licences(world, tmp_path):
    settings = world.Settings(profile="open", backbones={"pe_av": "v1", "panns": "v1"})
    runs = [world.write_run(tmp_path, model, "inter", settings) for model in ("oracle", "noise")]
    comparison = compare_runs(*runs)
    console = Console(width=4000, record=True)
    console.print(to_terminal(comparison))
    for text in (to_markdown(comparison), console.export_text(), to_json(comparison)["caption"]):
        assert "are made of cosines of its embeddings" in text
        assert "Licences of weights: panns CC BY 4.0, pe-av Apache-2.0." in text


def test_runs_without_a_common_sample_are_refused(world, tmp_path):
    runs = [
        world.write_run(tmp_path, "oracle", "inter", world.Settings(failed=(0, 1, 2))),
        world.write_run(tmp_path, "noise", "inter", world.Settings(failed=(3, 4))),
    ]
    with pytest.raises(UnusableRun, match="no sample was scored in both"):
        compare_runs(*runs)


def test_markdown_terminal_and_json_tell_the_same(two):
    comparison = compare_runs(*two)
    markdown, facts = to_markdown(comparison), to_json(comparison)
    console = Console(width=200, record=True)
    console.print(to_terminal(comparison))
    shown = f"{change(comparison, 'kl').difference:.3f}"
    assert shown in markdown
    assert shown in console.export_text()
    row = next(f for f in facts["changes"] if (f["metric"], f["scope"]) == ("kl", "all"))
    assert f"{row['difference']:.3f}" == shown
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_samples_that_stand_alone_are_resampled_by_their_own_clip(two):
    for run in two:  # the VGGSound test set has no paired clips
        pd.read_parquet(run.samples_parquet).assign(paired_id="").to_parquet(run.samples_parquet)
    kl = change(compare_runs(*two), "kl")
    tables = [pd.read_parquet(run.samples_parquet) for run in two]
    expected = paired_difference(tables[0]["kl"], tables[1]["kl"], groups=list(tables[0]["target_id"]), seed=0)
    assert (kl.low, kl.high, kl.p_value) == (*expected.interval.ends, expected.p_value)


def test_set_wise_metrics_are_tested_from_the_features_where_the_benchmark_is_given(scored, monkeypatch):
    runs, benchmark, cache = scored
    monkeypatch.setattr("benchmark.workers._prepare", lambda job: pytest.fail("features that were there already"))
    comparison = compare_runs(*runs, benchmark_dir=benchmark, cache=cache)
    records = [run.read_metrics() for run in runs]
    for name in ("fad", "kad", "inception_score"):
        found = change(comparison, name)
        assert (found.first, found.second) == pytest.approx([record.metrics[name].value for record in records])
        assert found.low < found.difference < found.high or found.difference == 0
        assert 0 < found.p_value <= found.corrected <= 1
    tested = [one for one in comparison.of("all") if one.p_value is not None]
    smallest = min(tested, key=lambda one: one.p_value)
    assert smallest.corrected == pytest.approx(min(1.0, smallest.p_value * len(tested)))  # one family with the others


def test_set_wise_metrics_are_tested_where_the_profile_s_networks_run(scored, monkeypatch):
    runs, benchmark, cache = scored
    asked, within = [], []
    monkeypatch.setattr("metrics.placement.Device", lambda name: asked.append(name) or name)
    tested = set_scores.set_difference
    monkeypatch.setattr(
        set_scores,
        "set_difference",
        lambda *sets, **how: within.append(placement._chosen.get()) or tested(*sets, **how),
    )
    for device in ("cpu", "cuda:1"):
        monkeypatch.setattr("benchmark.profiles.signal.SignalProfile.device", device)
        compare_runs(*runs, benchmark_dir=benchmark, cache=cache)
    assert asked == ["cuda:1"]
    assert set(within[: len(within) // 2]) == {None}
    assert set(within[len(within) // 2 :]) == {"cuda:1"}


def test_without_the_benchmark_set_wise_metrics_say_how_to_test_them(scored):
    runs, _, _ = scored
    fad = change(compare_runs(*runs), "fad")
    assert fad.p_value is None
    assert fad.reason == "set-wise: tested from the features, with --benchmark-dir"


def test_a_set_wise_metric_that_has_no_test_promises_none(two):
    assert change(compare_runs(*two), "fad_infinity").reason == "set-wise, and without a paired test"


def test_set_wise_metrics_are_compared_on_the_samples_that_both_scored(scored, tmp_path):
    runs, benchmark, cache = scored
    short = RunDirectory(shutil.copytree(runs[1].path, tmp_path / "demo" / "inter" / "old-foley"))
    table = pd.read_parquet(short.samples_parquet)
    table.loc[3, "status"] = "failed"
    table.to_parquet(short.samples_parquet)
    whole = change(compare_runs(*runs, benchmark_dir=benchmark, cache=cache), "fad")
    fewer = change(compare_runs(runs[0], short, benchmark_dir=benchmark, cache=cache), "fad")
    assert (whole.samples, fewer.samples) == (12, 11)
    assert fewer.first != whole.first
    assert fewer.p_value is not None


def test_another_benchmark_other_backbones_and_other_audio_are_refused(scored, world, tmp_path):
    runs, benchmark, cache = scored
    with pytest.raises(UnusableRun, match="not the benchmark that"):
        compare_runs(*runs, benchmark_dir=world.write_benchmark(tmp_path / "other"), cache=cache)
    copies = [RunDirectory(shutil.copytree(run.path, tmp_path / "inter" / run.path.name)) for run in runs]
    first = pd.read_parquet(copies[0].samples_parquet)["sample_id"][0]
    write_audio(copies[0].audio(first), world.tone(3000, seconds=5.0), 16_000)
    with pytest.raises(UnusableRun, match="its audio gives fad"):
        compare_runs(*copies, benchmark_dir=benchmark, cache=tmp_path / "cache")
    for copy in copies:
        text = copy.metrics_json.read_text()
        copy.metrics_json.write_text(text.replace('"signal": "v', '"signal": "other-v'))
    with pytest.raises(UnusableRun, match="scored by other backbones"):
        compare_runs(*copies, benchmark_dir=benchmark, cache=cache)


def test_an_option_that_there_is_not_is_refused_before_the_runs_are_read(tmp_path):
    with pytest.raises(TypeError, match="there is no option 'larges'; did you mean largest"):
        compare_runs(tmp_path, tmp_path, larges=3)
