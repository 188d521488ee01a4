"""Stand-ins for the official programs, in checkouts like theirs."""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baselines import Request
from baselines.programs.program import Program

STAND_IN = Path(__file__).parent / "programs" / "stand_in.py"


@dataclass
class Checkout:
    """A checkout in which the stand-in plays the official program's part."""

    folder: Path
    notes: Path
    log: Path

    def settings(self, mood: str = "", at: str = "", **others: Any) -> dict[str, Any]:
        env = {"STAND_IN_MOOD": mood, "STAND_IN_AT": at, "STAND_IN_NOTES": str(self.notes), **others.pop("env", {})}
        basic = {"checkout": self.folder, "python": sys.executable, "log": self.log, "time_limit_seconds": 60}
        return {**basic, "env": env, **others}

    def noted(self, name: str) -> list[Any]:
        """What the stand-in left about each of its starts or items, in order."""
        path = self.notes / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


@pytest.fixture
def checkout_of(tmp_path, monkeypatch):
    """Makes the checkout of a program, with an empty file for each that it wants, under a name that is hard to pass."""
    monkeypatch.setenv("VGG_MONOAUDIO_WEIGHTS", str(tmp_path / "weights"))

    def make(program: Program, name: str = 'it\'s a "checkout" — ü') -> Checkout:
        folder, notes = tmp_path / name, tmp_path / "notes"
        (folder / program.entry).parent.mkdir(parents=True)
        notes.mkdir()
        shutil.copyfile(STAND_IN, folder / program.entry)
        for tool in program.tools:  # not every machine that tests has them, and no stand-in calls them
            path = tmp_path / "tools" / tool
            path.parent.mkdir(exist_ok=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
            monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
        for file in program.files:
            (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.path).write_bytes(b"weights")
        return Checkout(folder, notes, tmp_path / "log folder" / "program.log")

    return make


@pytest.fixture
def ask(film, tmp_path):
    """Makes a request about a tiny clip with numbered frames."""

    def make(name: str = "bell__gong", prompt: str = "bell", *, duration: float = 8.0, **written: Any) -> Request:
        video = tmp_path / f"{name}.mp4"
        if not video.is_file():
            film.write(video, seconds=duration, **written)
        return Request(name, video, prompt, "", duration, seed=7)

    return make


@pytest.fixture
def benchmark_of_two(tmp_path, film):
    """A benchmark of two clips of two categories, each the target once."""
    import pandas as pd

    from vgg_monoaudio.building.scenes import Settings, build_benchmark

    rows = [("aaaaaaaaaaa_000000", "bell", "music"), ("bbbbbbbbbbb_000000", "dog", "animals")]
    files = {
        clip: film.write(tmp_path / f"{clip}.mp4", seconds=1.0, sound=film.noise(1.0, seed=seed))
        for seed, (clip, _label, _category) in enumerate(rows)
    }
    sources = pd.DataFrame(rows, columns=["clip_id", "label", "category"])
    build_benchmark(sources, files, tmp_path / "two", Settings(name="two", inter_pairs=2, duration_seconds=1.0))
    return tmp_path / "two"
