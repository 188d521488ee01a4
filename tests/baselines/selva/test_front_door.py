"""`make eval MODEL=selva`, from files of the official layouts to a table."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.weight_files import write_weights_folder

from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.demo.clips import write_demo_sources

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scenes(tmp_path):
    """Two scenes of the demo: two clips of different categories, each asked for once."""
    sources = write_demo_sources(tmp_path / "films")
    pair = sources.drop_duplicates("category").head(2)
    return build_benchmark(pair, find_clips(tmp_path / "films"), tmp_path / "two", Settings(name="two")).benchmark


@pytest.mark.slow(minutes=5)  # 2.5 GB of weights; a minute of CPU for each scene's picture, and as much for its sound
def test_two_demo_scenes_end_in_a_table(scenes, lists, tmp_path):
    write_weights_folder(tmp_path / "weights", lists, lists.parents[2] / "mmaudio" / "data" / "state_dicts.tsv")
    command = [
        sys.executable, "-m", "benchmark", "eval", "--model", "selva", "--benchmark", str(scenes.path), "--profile",
        "signal", "--resamples", "40",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "VGG_MONOAUDIO_WEIGHTS": str(tmp_path / "weights"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
    }

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *more], cwd=tmp_path, env=environment, capture_output=True, text=True)

    refused = run()
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert "--allow-unverified" in refused.stderr
    done = run("--allow-unverified")
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.split()[:1] == ["selva-s-16k‡"]]
    assert "2/2" in row
    record = json.loads((tmp_path / "results/runs/two/inter/selva-s-16k/run.json").read_text())
    assert record["counts"]["generated"] == 2
    opened = {"video_encoder", "generator", "vae", "vocoder", "clip", "t5", "t5_tokenizer"}
    assert record["model"]["weights_sha256"].keys() == opened
    assert record["model"]["unverified_weights"] is True
    assert "A checkpoint's hash was not verified." in done.stdout
