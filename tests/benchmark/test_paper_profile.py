"""Profile `paper` from end to end: official file layouts filled with seeded weights, scenes of real clips."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from support.checkpoint_files import write_profile_paper
from support.packs import kept_below

from metrics.registry import list_metrics

# The dog and the child twice, two seconds apart, make 12 inter-class scenes of 5 clips; IS asks for 10.
CLIPS = (
    ("3qesirWAGt4_000020", "dog barking", "Animal", 0.0),
    ("3qesirWAGt4_later1", "dog barking", "Animal", 2.0),
    ("F8Zt3mYlOqU_000094", "whale calling", "Animal", 1.0),
    ("0B4dYTMsgHA_000130", "child speech, kid speaking", "Human", 0.0),
    ("0B4dYTMsgHA_later1", "child speech, kid speaking", "Human", 2.0),
)
INFORMATION = ("scored_at", "environment", "commit")


@pytest.fixture(scope="module")
def scenes(real_media, tmp_path_factory):
    """Benchmark of 12 inter-class scenes of real clips."""
    from vgg_monoaudio.building.scenes import Settings, build_benchmark

    sources = pd.DataFrame(CLIPS, columns=["clip_id", "label", "category", "start_seconds"])
    files = {clip: next(real_media.glob(f"{clip[:11]}*.mp4")) for clip in sources["clip_id"]}
    return build_benchmark(sources, files, tmp_path_factory.mktemp("real") / "real", Settings(name="real")).benchmark


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Folder of all files of the profile, in their official layouts, 5 GB of seeded numbers."""
    folder = tmp_path_factory.mktemp("weights")
    write_profile_paper(folder)
    return folder


@pytest.fixture
def evaluation(scenes, weights, tmp_path):
    """Start `eval --profile paper` of one control in a process of its own."""

    def start(*more: str) -> subprocess.Popen[str]:
        command = [
            sys.executable, "-m", "benchmark", "eval", "--model", "mixture", "--subset", "inter", "--profile", "paper",
            "--benchmark", str(scenes.path), "--runs", str(tmp_path / "runs"), "--cache", str(tmp_path / "cache"),
            "--out", str(tmp_path / "report"), "--resamples", "100", *more,
        ]  # fmt: skip
        environment = {**os.environ, "VGG_MONOAUDIO_WEIGHTS": str(weights), "HF_HUB_OFFLINE": "1"}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def kept(cache: Path) -> dict[tuple[str, str], tuple[str, int]]:
    """Extractor and hash of every file that has features, with the pack that they are in and when it was written."""
    return {(one.extractor, one.sha256): (one.pack.name, one.pack.stat().st_mtime_ns) for one in kept_below(cache)}


def kill_when_features_reach(process: subprocess.Popen[str], cache: Path, count: int) -> None:
    while process.poll() is None and len(kept(cache)) < count:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow(minutes=15)  # Synchformer's video branch alone takes 130 s a clip
def test_all_seven_columns_are_filled_and_a_killed_run_goes_on(evaluation, tmp_path):
    cache = tmp_path / "cache"
    for count in (4, 17):  # in the middle of the sounds, in the middle of the videos
        kill_when_features_reach(evaluation("--allow-unverified"), cache, count)
    before = kept(cache)
    last = evaluation("--allow-unverified")
    output, errors = last.communicate()
    assert last.returncode == 0, errors
    after = kept(cache)
    assert {path: after[path] for path in before} == before  # what was there was not made again

    metrics_json = tmp_path / "runs" / "real" / "inter" / "mixture" / "metrics.json"
    record = json.loads(metrics_json.read_text())
    assert record["scoring"]["unverified_weights"] is True
    assert "A checkpoint's hash was not verified." in output
    for metric in list_metrics():
        value = record["metrics"][metric.name]
        if metric.name != "fad_infinity":  # asks for more samples
            assert value["value"] is not None, metric.name
            assert value["ci95"] is not None, metric.name
    assert record["counts"] == {"expected": 12, "generated": 12, "scored": 12}

    metrics_json.unlink()  # score again: every feature is there, so no weights are opened and the numbers stay
    again = evaluation("--allow-unverified")
    assert again.wait() == 0
    assert kept(cache) == after
    repeated = json.loads(metrics_json.read_text())
    for name in INFORMATION:
        record.pop(name), repeated.pop(name)
    assert repeated == record


@pytest.mark.slow  # writes the 5 GB of weights where it runs alone
def test_weights_of_unknown_hash_are_refused_by_name(evaluation):
    process = evaluation()
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "panns" in errors
    assert "--allow-unverified" in errors or "hash" in errors
    assert "Traceback" not in errors
