"""Fixtures of the harness's tests: a benchmark of eight small scenes, models to run on it, and the command line."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.object_stores import bucket, new_bucket, s3_server, s3_settings
from support.small_scenes import small_scenes

from baselines import register_model, registry
from benchmark.runs import RunDirectory
from foundation import media
from foundation.files import file_sha256
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.dataset import Benchmark, load_benchmark

__all__ = ["bucket", "new_bucket", "s3_server", "s3_settings"]

SECONDS = 5.0  # a little more than the 4.8 s that synchrony is judged on; half the work of 8
RATE = 16_000
CLIPS = {  # clip: label, category, pitch in Hz, knocks a second
    "bell00000001_000010": ("ringing bell", "Metal", 1800.0, 1.3),
    "gong00000002_000020": ("beating gong", "Metal", 160.0, 0.9),
    "frog00000003_000030": ("croaking frog", "Animal", 420.0, 2.1),
    "bird00000004_000040": ("chirping bird", "Animal", 3600.0, 1.7),
}


def knocks(clip_id: str) -> np.ndarray:
    """Moments in seconds, irregular, other ones for every clip."""
    place, every = list(CLIPS).index(clip_id), 1 / CLIPS[clip_id][3]
    moments = 0.2 + np.cumsum(every * np.random.default_rng([3, place]).uniform(0.6, 1.4, size=20))
    return moments[moments < SECONDS]


def sound(clip_id: str) -> np.ndarray:
    """Decaying strokes at the moments, float32 (samples,)."""
    time = np.arange(round((SECONDS + 0.2) * RATE)) / RATE
    waveform = np.zeros(time.size)
    for moment in knocks(clip_id):
        since = np.maximum(time - moment, 0.0)
        waveform += (time >= moment) * np.exp(-12 * since) * np.sin(2 * np.pi * CLIPS[clip_id][2] * since)
    return (0.4 * waveform).astype(np.float32)


def frames(clip_id: str) -> Iterator[np.ndarray]:
    """A square that jumps at every stroke, uint8 (64, 96, 3), 25 a second."""
    moments = knocks(clip_id)
    for index in range(round((SECONDS + 0.2) * 25)):
        frame = np.full((64, 96, 3), 40, np.uint8)
        place = 8 + 16 * (int((moments <= index / 25).sum()) % 5)
        frame[16:48, place : place + 16] = 230
        yield frame


@dataclass(frozen=True)
class Tiny:
    """The benchmark, and what it was made of."""

    path: Path
    clips: Path
    sources: pd.DataFrame

    @property
    def benchmark(self) -> Benchmark:
        return load_benchmark(self.path)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Four clips of 5 s, two labels in each of two categories: four inter-class and four intra-class scenes."""
    folder = tmp_path_factory.mktemp("tiny")
    clips = folder / "clips"
    clips.mkdir()
    for clip_id in CLIPS:
        media.write_video(clips / f"{clip_id}.mp4", frames(clip_id), fps=25, waveform=sound(clip_id), sample_rate=RATE)
    sources = pd.DataFrame(
        [(clip_id, label, category) for clip_id, (label, category, *_) in CLIPS.items()],
        columns=["clip_id", "label", "category"],
    )
    files = {clip_id: clips / f"{clip_id}.mp4" for clip_id in CLIPS}
    settings = Settings(name="tiny", inter_pairs=4, duration_seconds=SECONDS)
    with small_scenes():
        build_benchmark(sources, files, folder / "tiny", settings)
    return Tiny(folder / "tiny", clips, sources)


SUPPORT = Path(__file__).resolve().parents[1] / "support"


@pytest.fixture(scope="module")
def models() -> Iterator[ModuleType]:
    """The models of `support/harness_models.py`, registered under their names while a file's tests run."""
    from support import harness_models as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
        for name, model in module.NAMES.items():
            register_model(name)(model)
        yield module


@dataclass(frozen=True)
class Outcome:
    """What a command line left behind."""

    status: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The error: one line, without a traceback."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: "), self.err
        return lines[0].removeprefix("error: ")


Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """`python -m benchmark` in this process, in an empty folder."""
    from benchmark.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            main()
        return Outcome(leaving.value.code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For a real process: one thread, and an installed package that offers the models as entry points."""
    package = tmp_path_factory.mktemp("installed") / "harness_models-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: harness-models\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[vgg_monoaudio.models]\nhumming = harness_models:Humming\ndawdling = harness_models:Dawdling\n"
    )
    path = os.pathsep.join([str(SUPPORT), str(package.parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Look:
    """What lies on disk, in a form that two executions of one request can be compared by."""

    @staticmethod
    def audio(run: RunDirectory) -> dict[str, str]:
        """Every sound of a run by its name."""
        return {path.stem: file_sha256(path) for path in sorted(run.path.glob("audio/*"))}

    @staticmethod
    def untimed(path: Path) -> dict[str, Any]:
        """run.json or metrics.json without what differs from one execution to the next."""
        record = json.loads(path.read_text())
        for key in ("started", "finished", "generation_seconds", "scored_at", "commit"):
            record.pop(key, None)
        return record

    @staticmethod
    def tree(folder: Path) -> dict[str, str]:
        """Every file below a folder with the hash of its bytes."""
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {str(path.relative_to(folder)): file_sha256(path) for path in files}

    @staticmethod
    def written(folder: Path) -> dict[str, int]:
        """Every file below a folder with the time it was written, in ns."""
        return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def look() -> type[Look]:
    return Look
