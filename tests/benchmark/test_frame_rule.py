"""`--frame-rule`: what becomes of a sample whose reference video is a few frames short."""

import json
import shutil

import pytest

from benchmark import Choices, evaluate, generate
from benchmark.evaluation import NothingToScore
from benchmark.runs import UnusableRun
from foundation import media
from foundation.files import file_sha256
from vgg_monoaudio.dataset import load_benchmark

pytestmark = pytest.mark.usefixtures("models")
SHORT = "bell00000001_000010"


@pytest.fixture
def short(tiny, tmp_path):
    """A benchmark of which one clip's own film ends so many frames early, and a run on it."""

    def made(missing):
        shutil.copytree(tiny.path, tmp_path / "tiny")
        seconds = tiny.benchmark.duration_seconds - missing / 25
        kept = media.read_video(tiny.path / "sources" / f"{SHORT}.mp4", fps=25, seconds=seconds)
        media.write_video(tmp_path / "short.mp4", kept.transpose(0, 2, 3, 1), fps=25)
        replace_film(tmp_path / "tiny", SHORT, tmp_path / "short.mp4")
        return generate(tmp_path / "tiny", "humming", subset="inter", runs=tmp_path / "runs"), tmp_path / "tiny"

    return made


def replace_film(path, clip, film):
    """Put another film in the place of a clip's, and its hash on record, as if it had been built."""
    place, record = path / "sources" / f"{clip}.mp4", path / "benchmark.json"
    before = file_sha256(place)
    place.write_bytes(film.read_bytes())
    assert before in record.read_text()
    record.write_text(record.read_text().replace(before, file_sha256(place)))


def of_short(path):
    return {s.sample_id for s in load_benchmark(path).samples("inter") if s.target_id == SHORT}


def scored(run, path, tmp_path, rule, **more):
    choices = Choices(profile="signal", resamples=40, frame_rule=rule, **more)
    return evaluate(run, path, choices, cache=tmp_path / "cache", workers=0)


def test_a_short_reference_video_is_refused_unless_a_rule_is_named(short, tmp_path):
    run, path = short(2)
    with pytest.raises(UnusableRun, match=r"own files cannot be used: .*too short: 4\.92 s of video, 5\.00 s needed"):
        scored(run, path, tmp_path, "refuse")


def test_dropping_leaves_the_sample_out_counts_it_and_names_it(short, tmp_path):
    run, path = short(2)
    record, lost = scored(run, path, tmp_path, "drop"), of_short(path)
    assert 0 < len(lost) < 4
    assert {failure.sample for failure in record.failures} == lost
    assert all("too short" in failure.reason and failure.stage == "evaluate" for failure in record.failures)
    assert (record.status, record.counts.scored, record.metrics["fad"].n) == ("partial", 4 - len(lost), 4 - len(lost))
    assert json.loads(run.metrics_json.read_text())["scoring"]["frame_rule"] == "drop"


@pytest.mark.parametrize(("missing", "filled"), [(3, True), (4, False)])
def test_repeating_fills_up_to_three_frames_and_drops_what_is_shorter(short, tmp_path, missing, filled):
    run, path = short(missing)
    record = scored(run, path, tmp_path, "repeat")
    assert record.scoring.frame_rule == "repeat"
    assert {failure.sample for failure in record.failures} == (set() if filled else of_short(path))
    assert record.metrics["desync"].n == (4 if filled else 4 - len(of_short(path)))


def test_what_was_filled_serves_no_other_rule(short, tmp_path):
    run, path = short(2)
    assert scored(run, path, tmp_path, "repeat").status == "finished"
    assert scored(run, path, tmp_path, "drop").status == "partial"
    with pytest.raises(UnusableRun, match="too short"):
        scored(run, path, tmp_path, "refuse")


def test_the_rule_says_nothing_where_no_video_is_short(tiny, tmp_path):
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs")
    usual = scored(run, tiny.path, tmp_path, "refuse")
    assert "frame_rule" not in json.loads(run.metrics_json.read_text())["scoring"], "as before there was a choice"
    assert scored(run, tiny.path, tmp_path, "repeat").metrics == usual.metrics


def test_where_every_sample_is_dropped_the_first_reason_is_told(short, tmp_path):
    run, path = short(2)
    for clip in {source.clip_id for source in load_benchmark(path).sources} - {SHORT}:
        replace_film(path, clip, tmp_path / "short.mp4")
    with pytest.raises(NothingToScore, match=r"none of 4 samples can be scored: .*too short"):
        scored(run, path, tmp_path, "drop")
