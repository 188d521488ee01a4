"""`--diagnose`, where files are read: frame rate, silence at the end, the other bandwidth; and all of it on a run."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.printed import write_printed

from benchmark import Choices, evaluate, generate
from benchmark.reproducing import Case, diagnose, judge, plan_of
from benchmark.reproducing.diagnosis import bandwidth, frame_rate, padding
from benchmark.reproducing.judging import made_rows
from benchmark.reproducing.records import CellRecord
from benchmark.runs import RunDirectory
from foundation import media
from foundation.files import file_sha256
from vgg_monoaudio.dataset import load_benchmark

pytestmark = pytest.mark.usefixtures("models")


@pytest.mark.parametrize(("rate", "found"), [(25.0, "no difference"), (29.97, "differs"), (None, "no difference")])
def test_reference_videos_at_another_frame_rate_differ(rate, found):
    finding = frame_rate({Path("a.mp4"): 25.0, Path("b.mp4"): rate})
    assert finding.found == found
    assert ("b.mp4 29.97" in finding.detail) == (found == "differs")


@pytest.mark.parametrize(("ends", "found"), [((9, 0), "no difference"), ((9, 1), "differs")])
def test_answers_that_end_in_silence_more_often_than_their_targets_were_filled(ends, found):
    assert padding({"row, inter": ends}).found == found


def cell(verdict, value=0.6):
    return CellRecord(metric="kad", printed="0.676", half_width=5e-4, value=value, ci95=None, n=9, verdict=verdict)


@pytest.mark.parametrize(
    ("here", "other", "found"),
    [
        ("outside", "inside", "differs"),
        ("inside", "inside", "no difference"),
        ("outside", "outside", "no difference"),
        ("cannot be told", "inside", "not checked"),
    ],
)
def test_the_other_bandwidth_explains_a_printed_kad_that_fits_it_alone(here, other, found):
    assert bandwidth([("row", cell(here), cell(other))]).found == found


@pytest.fixture(scope="module")
def scored(tiny, models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    run = generate(tiny.path, "humming", subset="inter", runs=folder / "runs")
    evaluate(run, tiny.path, Choices(profile="signal", resamples=40), cache=folder / "cache", workers=0)
    return folder, run


@pytest.fixture
def case(scored, tiny, tmp_path):
    """A run in a copy that a test may spoil, and the benchmark."""
    folder, run = scored
    shutil.copytree(run.path, tmp_path / "run")
    printed = write_printed(tmp_path / "t.csv", [("hum", "inter", "humming", {"kad": "1.000", "kl": "2.0"})], samples=4)
    plan = plan_of("T", printed)
    made = made_rows(plan, {("humming", "inter"): RunDirectory(tmp_path / "run")})
    return Case(judge(plan, made), made, {"inter": load_benchmark(tiny.path)}, folder / "cache", {})


def by_cause(case):
    return {finding.cause: finding for finding in diagnose(case)}


def test_every_cause_is_looked_at_or_said_not_to_be_and_nothing_is_changed(case, look):
    folder = case.made[0].run.path
    before = look.tree(folder) | look.tree(Path(case.cache))
    found = {cause: finding.found for cause, finding in by_cause(case).items()}
    assert look.tree(folder) | look.tree(Path(case.cache)) == before
    assert found == {
        "random weights": "no difference", "other weights of a model": "not checked", "other CLAP file": "not checked",
        "unit of IB": "not checked", "list of clips, inter": "left open", "clip length": "differs",
        "frame rate": "no difference", "sample rate": "no difference", "padding": "no difference",
        "bandwidth of KAD": "not checked", "reference video": "left open",
    }  # fmt: skip


def test_the_other_bandwidth_is_computed_of_what_was_scored(case):
    run, metrics = case.made[0].run, ("kad_reference_bandwidth",)
    choices = Choices(profile="signal", resamples=40, metrics=metrics)
    other = evaluate(run, next(iter(case.benchmarks.values())), choices, cache=case.cache, workers=0)
    value = other.metrics["kad_reference_bandwidth"].value
    here = case.made[0].record.metrics["kad"].value
    assert f"{here:.4f} here" in by_cause(case)["bandwidth of KAD"].detail
    assert f"{value:.4f} the other way" in by_cause(case)["bandwidth of KAD"].detail
    assert abs(here - value) > 1e-3


def test_an_answer_whose_end_was_filled_with_silence_is_found(case):
    answers = sorted(case.made[0].run.audio_folder.glob("*.wav"))
    sound = media.read_audio_native(answers[0])
    sound.samples[:, -round(0.3 * sound.sample_rate) :] = 0
    media.write_audio(answers[0], np.ascontiguousarray(sound.samples[0]), sound.sample_rate)
    finding = by_cause(case)["padding"]
    assert (finding.found, "1 of 4 answers" in finding.detail) == ("differs", True)


def test_an_answer_that_ends_in_silence_as_its_target_does_was_not_filled(case, monkeypatch):
    built = case.benchmarks["inter"]
    ending = {case.made[0].run.audio(sample.sample_id) for sample in built.samples("inter")[:2]}
    targets = {sample.target_audio for sample in built.samples("inter")[:2]}
    monkeypatch.setattr(
        "benchmark.reproducing.diagnosis._ends_in_silence", lambda path, seconds: path in ending | targets
    )
    assert by_cause(case)["padding"].found == "no difference"
    others = {sample.target_audio for sample in built.samples("inter")[2:]} - targets
    assert others, "as many targets end in silence as answers, but not their own"
    monkeypatch.setattr(
        "benchmark.reproducing.diagnosis._ends_in_silence", lambda path, seconds: path in ending | others
    )
    assert by_cause(case)["padding"].found == "differs"


def test_an_answer_at_another_rate_is_found(case):
    answers = sorted(case.made[0].run.audio_folder.glob("*.wav"))
    before = file_sha256(answers[0])
    media.write_audio(answers[0], media.read_audio_native(answers[0]).samples[0], 48_000)
    assert file_sha256(answers[0]) != before
    assert by_cause(case)["sample rate"].found == "differs"


def test_without_a_run_nothing_is_checked(case):
    (finding,) = diagnose(Case(case.record, [], {}, case.cache, {}))
    assert (finding.found, finding.detail) == ("not checked", "no row has a run")
