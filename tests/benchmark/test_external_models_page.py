"""docs/external-models.md, followed word by word: its commands run as they are printed, and what it says is so."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support.small_scenes import small_scenes

from benchmark.runs import RunDirectory
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.demo.clips import demo_sources

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "external-models.md").read_text(encoding="utf-8")


def printed(beginning: str) -> list[str]:
    """The words of the one command on the page that begins so."""
    (command,) = {line.strip() for line in re.findall(rf"(?m)^ *{re.escape(beginning)}.*$", PAGE)}
    return shlex.split(command)


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A folder as the page supposes it: the documents are there, and a demo, here of four clips."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "docs").symlink_to(ROOT / "docs")
    one_a_label = demo_sources().drop_duplicates("label")
    sources = one_a_label.groupby("category", sort=False).head(2).head(4).reset_index(drop=True)
    files = dict(zip(sources["clip_id"], sorted(tiny.clips.iterdir()), strict=True))
    settings = Settings(name="demo", inter_pairs=4, duration_seconds=5.0)  # as the clips of `tiny`
    with small_scenes():
        build_benchmark(sources, files, folder / "data" / "demo", settings)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    """Runs a command in the folder; `python` is the interpreter that runs the tests."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tools / "python").chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
    return lambda words: subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def first(run):
    """What the first command of the page prints."""
    done = run(printed("python -m benchmark eval --model external"))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_example_is_evaluated_and_in_the_report(first, folder):
    assert first.splitlines()[0].startswith("benchmark: demo 2.0")
    assert sum(line.split()[:1] == ["humming"] for line in first.splitlines()) == 2  # a row per subset
    table = pd.read_csv(folder / "results" / "report.csv")
    assert "humming" in set(table.iloc[:, 0]) | set(table.get("model", []))
    assert "humming" in (folder / "results" / "report.html").read_text(encoding="utf-8")
    for subset in ("inter", "intra"):
        directory = RunDirectory.locate(folder / "results" / "runs", "demo", subset, "humming")
        counts = directory.read_metrics().counts
        assert (counts.scored, directory.read_metrics().scoring.profile) == (counts.expected, "signal")


def test_the_same_command_again_asks_the_program_for_nothing(first, run, folder):
    log = (folder / "results" / "logs" / "external.log").read_text()
    assert run(printed("python -m benchmark eval --model external")).returncode == 0
    assert (folder / "results" / "logs" / "external.log").read_text() == log


def test_a_copy_of_the_example_is_found_in_order(run, folder):
    shutil.copyfile(folder / "docs" / "examples" / "humming_model.py", folder / "my_model.py")
    (line,) = re.findall(r"`(python -m benchmark doctor --model external .*?)`", PAGE)
    done = run(shlex.split(line))
    assert done.returncode == 0, done.stdout
    assert "missing" not in done.stdout


def test_the_model_in_python_of_the_other_page_is_run_from_its_package(folder, run, tmp_path_factory):
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    package = folder / "package"
    (package / "mymodel-1.0.dist-info").mkdir(parents=True)
    (package / "mymodel.py").write_text(page.split("```python\n")[1].split("```")[0])
    (heading, line) = page.split("```toml\n")[1].split("```")[0].strip().splitlines()
    points = heading.removeprefix("[project.entry-points.").strip('"]')
    (package / "mymodel-1.0.dist-info" / "entry_points.txt").write_text(f"[{points}]\n{line.replace(chr(34), '')}\n")
    (package / "mymodel-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mymodel\nVersion: 1.0\n")
    (command,) = re.findall(r"`(python -m benchmark eval --model mymodel)`", page)
    done = run(["env", f"PYTHONPATH={package}", *shlex.split(command), "--out", "results/own"])
    assert (done.returncode, done.stderr) == (0, "")
    assert sum(line.split()[:1] == ["mymodel"] for line in done.stdout.splitlines()) == 2
