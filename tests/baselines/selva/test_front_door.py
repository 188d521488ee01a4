"""`make eval MODEL=selva` and `make reproduce`, from files of the official layouts to a table and its verdicts."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.printed import write_printed
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
def test_two_demo_scenes_end_in_a_table_and_in_verdicts_on_a_printed_one(scenes, lists, tmp_path):
    write_weights_folder(tmp_path / "weights", lists, lists.parents[2] / "mmaudio" / "data" / "state_dicts.tsv")
    printed = write_printed(tmp_path / "printed.csv", [("SELVA", "inter", "selva-s-16k", {"kl": "0.00", "clap": "9"})])
    scored = ["--benchmark", str(scenes.path), "--profile", "signal", "--resamples", "40"]
    table = ["eval", "--model", "selva", *scored]
    reproduction = ["reproduce", "T", "--published", str(printed), *scored]
    answers = tmp_path / "results/runs/two/inter/selva-s-16k"
    environment = {
        **os.environ,
        "VGG_MONOAUDIO_WEIGHTS": str(tmp_path / "weights"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }

    def start(*words: str) -> subprocess.Popen[str]:
        command, pipe = [sys.executable, "-m", "benchmark", *words], subprocess.PIPE
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=pipe, stderr=pipe, text=True)

    def run(*words: str) -> tuple[int, str, str]:
        process = start(*words)
        out, err = process.communicate()
        return process.returncode, out, err

    status, _, err = run(*table)
    assert (status, "Traceback" in err) == (2, False)
    assert "--allow-unverified" in err
    status, out, err = run(*reproduction)
    assert (status, "nothing was begun" in err) == (2, True)
    assert "weights selva-generator-small-16k: another file than the published one" in out

    killed = start(*reproduction, "--allow-unverified")
    while killed.poll() is None and not list(answers.glob("audio/*.wav")):
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    (first,) = answers.glob("audio/*.wav")
    made = first.stat().st_mtime_ns
    status, out, err = run(*reproduction, "--allow-unverified")
    assert status == 0, err
    assert first.stat().st_mtime_ns == made
    (row,) = json.loads((tmp_path / "results/reproduce/T.json").read_text())["rows"]
    assert (row["scored"], row["expected"], row["unverified"]) == (2, 2, True)
    assert {cell["metric"]: cell["verdict"] for cell in row["cells"]} == dict.fromkeys(("kl", "clap"), "cannot be told")

    status, out, err = run(*table, "--allow-unverified")
    assert status == 0, err
    (line,) = [line for line in out.splitlines() if line.split()[:1] == ["selva-s-16k‡"]]
    assert "2/2" in line
    record = json.loads((answers / "run.json").read_text())
    assert record["counts"]["generated"] == 2
    opened = {"video_encoder", "generator", "vae", "vocoder", "clip", "t5", "t5_tokenizer"}
    assert record["model"]["weights_sha256"].keys() == opened
    assert record["model"]["unverified_weights"] is True
    assert "A checkpoint's hash was not verified." in out
