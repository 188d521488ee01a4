"""Drivers and workers killed at random, at any size: a run ends by itself, as one that was not disturbed does.

    PYTHONPATH=tests python -m robustness.scale --entries 1000 [--executor local] [--drivers 2] [--kill 0.4] [--seed 0]

A benchmark of so many scenes is made: a small film under distinct bytes, sources of five seconds. A control answers it
and profile `signal` scores it, once undisturbed and once while each process that drives or decodes is killed with a
probability, some moments after it began. Prints JSON lines; exit status 1 where any sound or number differs.
"""

import argparse
import contextlib
import json
import math
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from support.small_benchmarks import write_folder

from benchmark import Choices
from benchmark.executors import EvaluateOrder, GenerateOrder, drive_locally, drive_on_ray
from benchmark.runs import RunDirectory
from foundation import media
from foundation.files import file_sha256

RATE, SECONDS = 16_000, 5  # profile signal wants 4.8
LABELS = (("dog barking", "Animal"), ("bird chirping", "Animal"), ("playing harp", "Music"), ("playing gong", "Music"))
LATEST_SECONDS = 4.0  # of a process's life, at which it is killed
LOOK_SECONDS = 0.1
CHOICES = Choices(profile="signal", resamples=100)
OURS = ("multiprocessing.spawn", "ray::Driver")  # in the command line of drivers, and of workers that decode
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def world(folder: Path, entries: int) -> Path:
    """Write a benchmark of so many scenes."""
    count = math.ceil(0.5 + math.sqrt(0.25 + entries))  # of clips, each beside each other one
    clips = [(f"clip{place:07d}_000000", *LABELS[place % len(LABELS)]) for place in range(count)]
    pairs = [(a, b) for a in range(count) for b in range(count) if a != b][:entries]
    path = folder / "film.mp4"
    frames = [np.full((32, 64, 3), value, np.uint8) for value in range(0, 250, 10)]
    media.write_video(path, frames, fps=5, waveform=sound(0), sample_rate=RATE)
    return write_folder(folder / "scale", clips, {"inter": pairs}, path.read_bytes(), sound=sound, seconds=SECONDS)


def sound(place: int) -> np.ndarray:
    """Return beats and noise, of a pitch that is its own."""
    rng, moments = np.random.default_rng(place), np.arange(SECONDS * RATE) / RATE
    tone = np.sin(2 * np.pi * (200 + 40 * place) * moments) * (np.sin(2 * np.pi * (2 + place % 5) * moments) > 0)
    return (0.3 * tone + 0.01 * rng.standard_normal(moments.size)).astype(np.float32)


class Killer(threading.Thread):
    """Watches the processes below this one: kills some, and keeps the most memory that all have had together."""

    def __init__(self, share: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._share, self._random = share, random.Random(seed)
        self._due: dict[int, float] = {}
        self._ended = threading.Event()
        self.killed, self.peak_bytes = 0, 0

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Look again and again."""
        while not self._ended.wait(LOOK_SECONDS):
            processes = dict(below(os.getpid()))
            self.peak_bytes = max(self.peak_bytes, sum(map(resident_bytes, [os.getpid(), *processes])))
            for process, command in processes.items():
                if any(word in command for word in OURS):
                    self._consider(process)

    def _consider(self, process: int) -> None:
        if process not in self._due:
            fated = self._random.random() < self._share
            self._due[process] = time.monotonic() + self._random.uniform(0, LATEST_SECONDS) if fated else math.inf
        if time.monotonic() >= self._due[process]:
            self._due[process] = math.inf
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                self.killed += 1


def below(process: int) -> Iterator[tuple[int, str]]:
    """Yield the processes that a process has started, and those that they have, with their command lines."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                with contextlib.suppress(OSError):
                    yield child, Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                yield from below(child)


def resident_bytes(process: int) -> int:
    """Return what a process holds in memory; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def outcome(drive: Callable[..., str], bench: Path, folder: Path) -> dict[str, Any]:
    """Generate and score; return hashes of the sounds, and the record without its moment."""
    run = drive(GenerateOrder(str(bench), "mixture", "inter", runs=str(folder / "runs"), workers=1))
    drive(EvaluateOrder(run, str(bench), CHOICES, cache=str(folder / "cache"), workers=1))
    directory = RunDirectory(Path(run))
    return {
        "sounds": {path.name: file_sha256(path) for path in directory.audio_folder.glob("*.wav")},
        "metrics": directory.read_metrics().model_dump(exclude={"scored_at"}),
        "failures": len(directory.read_run().failures),
    }


def main(words: list[str]) -> int:
    """Run both; say what each took."""
    parser = argparse.ArgumentParser(prog="python -m robustness.scale")
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--executor", choices=("local", "ray"), default="local")
    parser.add_argument("--drivers", type=int, default=2)
    parser.add_argument("--kill", type=float, default=0.4)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args(words)

    def drive(order: Any) -> str:
        start = drive_locally if told.executor == "local" else drive_on_ray
        return start(order, drivers=told.drivers)

    found = []
    with tempfile.TemporaryDirectory() as folder:
        bench = world(Path(folder), told.entries)
        for name, share in (("undisturbed", 0.0), ("disturbed", told.kill)):
            began = time.monotonic()
            with Killer(share, told.seed) as killer:
                found.append(outcome(drive, bench, Path(folder, name)))
            row = {"what": name, "entries": told.entries, "executor": told.executor, "killed": killer.killed}
            took = {"seconds": round(time.monotonic() - began, 1), "peak_gb": round(killer.peak_bytes / 1e9, 2)}
            print(json.dumps({**row, **took, "sounds": len(found[-1]["sounds"])}), flush=True)
    same = found[0] == found[1] and len(found[0]["sounds"]) == told.entries
    print(json.dumps({"what": "sounds and numbers", "same": same}), flush=True)
    return int(not same)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
