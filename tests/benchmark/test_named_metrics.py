"""Metrics by name: exactly these are scored and shown, by the networks that they need and no others."""

import pandas as pd
import pytest
from support.toy_metric import LOUDNESS

from benchmark import Choices, evaluate, generate
from benchmark.profiles import checkpoints_of, load_profile
from benchmark.profiles.direct import needed
from benchmark.report.results import collect
from benchmark.report.submission import submit_check
from benchmark.report.tables.table import build_table
from benchmark.scoring import score
from foundation.checkpoints import CHECKPOINTS, EXTENDED_METRICS, PAPER_PROFILE, MissingCheckpoint
from metrics.registry import get_metric, list_metrics


@pytest.fixture
def run(tiny, tmp_path):
    return generate(tiny.path, "mixture", subset="inter", runs=tmp_path / "runs")


@pytest.fixture
def named(tiny, tmp_path):
    """From a run and names to its record, scored by profile signal."""

    def scored(run, *names):
        choices = Choices(profile="signal", resamples=40, metrics=names)
        return evaluate(run, tiny.path, choices, cache=tmp_path / "cache", workers=0)

    return scored


@pytest.fixture
def weights(tmp_path):
    """From names of checkpoints to a folder that has files of these names alone."""

    def folder(*names):
        for name in names:
            path = tmp_path / "weights" / CHECKPOINTS[name].filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return {"weights_dir": tmp_path / "weights", "allow_unverified": True, "device": "cpu"}

    return folder


def columns(table):
    return [column.metric.name for column in table.columns]


def test_exactly_the_named_metrics_are_scored_and_shown(run, named):
    record = named(run, "KL", "onset_accuracy")
    assert list(record.metrics) == ["kl", "onset_accuracy"]
    assert record.scoring.metrics == ("kl", "onset_accuracy")
    shown = pd.read_parquet(run.samples_parquet).columns
    assert {"kl", "onset_accuracy"} <= set(shown)
    assert "clap" not in shown
    table = build_table(collect([run]))
    assert columns(table) == ["kl", "onset_accuracy"]
    assert all(column.foremost for column in table.columns)


def test_a_named_metric_has_the_value_that_it_has_among_all(run, named):
    usual = named(run)
    assert named(run, "kl", "fad").metrics == {name: usual.metrics[name] for name in ("fad", "kl")}


def test_silence_is_scored_and_what_is_not_defined_of_it_is_a_dash_with_the_reason(tiny, tmp_path):
    run = generate(tiny.path, "silence", subset="inter", runs=tmp_path / "runs")
    choices = Choices(profile="signal", resamples=40, extended=True)
    record = evaluate(run, tiny.path, choices, cache=tmp_path / "cache", workers=0)
    assert record.counts.scored == record.counts.expected
    for name in ("loudness", "true_peak"):
        assert (record.metrics[name].value, record.metrics[name].reason) == (None, "no sample has this score")
    assert record.metrics["silence_share"].value == 1.0


def test_another_list_scores_again_and_the_same_list_does_not(run, named):
    first = named(run, "kl", "clap")
    assert named(run, "CLAP", "KL") == first
    assert named(run, "kl").fingerprint != first.fingerprint


def test_scores_that_others_replace_are_named_in_a_warning(run, named, caplog):
    named(run, "kl", "fad")
    assert not caplog.records
    named(run, "kl", "silence_share")
    (warning,) = caplog.messages
    assert "the scores of fad are replaced by those that are named with --metrics" in warning
    caplog.clear()
    named(run)
    assert not caplog.records, "all of them lose none"


def test_the_bandwidth_of_kad_stands_in_the_caption_of_tables_that_show_kad(run, named):
    named(run, "kad_reference_bandwidth")
    assert "bandwidth" not in build_table(collect([run])).caption
    named(run, "kad")
    assert "KAD bandwidth from the generated set" in build_table(collect([run])).caption


def test_a_named_column_without_any_value_says_why_below_the_table(run, named):
    named(run, "leakage_music", "silence_share")
    notes = build_table(collect([run])).notes
    assert "No Leak music: profile signal has no counterpart." in notes


def test_only_the_backbones_that_the_metrics_need_run(run, named):
    assert set(named(run, "onset_accuracy").scoring.backbones) == {"onset"}
    assert set(named(run, "fad").scoring.backbones) == {"signal"}
    assert set(named(run, "kl").scoring.backbones) == {"signal", "signal.classifier"}


def test_runs_of_different_lists_stand_in_one_table(run, named, tiny, tmp_path):
    other = generate(tiny.path, "oracle", subset="inter", runs=tmp_path / "runs")
    named(run, "kl", "onset_accuracy")
    named(other)
    table = build_table(collect([run, other]))
    lines = {line.label: line for block in table.blocks for line in block.lines}
    cells = dict(zip(columns(table), lines["mixture"].cells, strict=True))
    assert (cells["fad"].text, cells["fad"].reason) == ("–", "not scored")
    assert cells["kl"].value is not None
    assert "onset_accuracy" in columns(table)


def test_a_submitted_run_of_named_metrics_is_checked_like_any_other(run, named, tiny):
    named(run, "kl", "kad")
    checks = {check.name: check for check in submit_check(run, benchmark_dir=tiny.path)}
    checks.pop("status")  # of a control
    assert {name: check.detail for name, check in checks.items() if check.status != "passed"} == {}


def test_the_command_line_takes_names_and_labels(command, run, tiny):
    asked = ("evaluate", run.path, "--benchmark", tiny.path, "--profile", "signal", "--resamples", 40, "--workers", 0)
    done = command(*asked, "--metrics", "KL, onset_accuracy")
    assert done.status == 0, done.err
    assert set(run.read_metrics().metrics) == {"kl", "onset_accuracy"}
    for text, message in [
        ("kll", 'no metric is called "kll"; did you mean kl'),
        ("kl,KL", 'metrics: "kl" and "KL" both mean kl; name each once'),
        (",", "--metrics: expected names separated by commas, got ','"),
    ]:
        done = command(*asked, "--metrics", text)
        assert (done.status, done.message.startswith(message)) == (2, True), done.message


def test_weights_are_found_for_the_networks_that_are_needed(weights):
    profile = load_profile("paper", metrics=["FAD"], **weights("panns"))
    assert set(profile.backbones()) == {"panns"}
    assert [extractor.name for extractor in (*profile.audio, *profile.video)] == ["panns.audio"]
    with pytest.raises(MissingCheckpoint, match=r"IB \(profile paper\) needs it"):
        load_profile("paper", metrics=["FAD", "IB"], **weights("panns"))
    assert load_profile("paper", metrics=["onset_accuracy"], **weights()).backbones().keys() == {"onset"}


def test_metrics_that_a_profile_has_nothing_for_are_refused():
    with pytest.raises(ValueError, match="metrics: profile signal has evidence for none of fd_passt, kl_passt; name"):
        load_profile("signal", metrics=["fd_passt", "kl_passt"])


def test_the_weights_of_a_profile_are_those_of_its_rows():
    assert checkpoints_of("paper", list_metrics()) == PAPER_PROFILE
    added = [name for name in checkpoints_of("paper", list_metrics(extended=True)) if name not in PAPER_PROFILE]
    assert tuple(added) == EXTENDED_METRICS
    assert checkpoints_of("paper", [get_metric("desync")]) == ("synchformer",)
    assert checkpoints_of("signal", list_metrics(extended=True)) == ()


def test_a_profile_that_was_loaded_for_other_metrics_is_refused(run, tiny, tmp_path):
    profile = load_profile("signal", metrics=["kl"])
    with pytest.raises(
        ValueError, match="was loaded for other metrics than the choices ask for, they differ in fad, kl"
    ):
        evaluate(
            run, tiny.path, Choices(profile="signal", metrics=("fad",)), profile=profile, cache=tmp_path, workers=0
        )  # fmt: skip


def test_a_part_is_needed_by_the_metrics_that_take_what_it_yields():
    assert needed([], {}, [LOUDNESS]) == ()
    with pytest.raises(ValueError, match=r"derives evidence from gone\.audio, which is none of its extractors"):
        needed([], {"target.loudness": (("target", "gone.audio"),)}, [LOUDNESS])


def test_evidence_that_the_benchmark_cannot_have_is_missing_for_the_reason_given():
    from benchmark.choices import ScoringRecord

    settings = ScoringRecord.of(Choices(profile="signal", resamples=40, metrics=("kl", "clap")), load_profile("signal"))
    scores = score(
        {"generated.logits": [[0.0, 1.0]]}, None, settings, absent={"target.logits": "there is no reference sound"}
    )  # fmt: skip
    assert scores.values["kl"].reason == "there is no reference sound"
    assert scores.values["clap"].reason == "profile signal has no counterpart"
