"""Profile `signal` against its floor: the same films and sounds decoded, and nothing made of them.

    PYTHONPATH=tests python -m speed signal_profile

Both ways go through `benchmark.features.extract`, with the same workers and the same frames; the floor's front ends
keep one number of each file.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmark.features import Arrays, Extractor, FeatureStore, Wanted, extract
from benchmark.profiles.signal import SignalProfile
from foundation import media
from foundation.measurements import Figure
from speed.board import show, significant
from speed.generation import SECONDS, write_scenes

TARGET = 1.3
ROUNDS = 3


def keep_a_number(decoded: Any, _seconds: float) -> Arrays:
    """Return how much was decoded."""
    return {"size": np.asarray([getattr(decoded, "samples", decoded).size])}


def seconds_of(films: Sequence[Path], sounds: Sequence[Path], rows: Sequence[Extractor]) -> float:
    """Time one extraction from an empty store."""
    wanted = [Wanted(path, "video", tuple(row for row in rows if row.medium == "video")) for path in films]
    wanted += [Wanted(path, "audio", tuple(row for row in rows if row.medium == "audio")) for path in sounds]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        extract(wanted, FeatureStore(folder), seconds=SECONDS)
        return time.perf_counter() - start


def measure(arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield the time of the whole profile beside that of decoding alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=16)
    count = parser.parse_args(arguments).scenes
    rows = (*SignalProfile().audio, *SignalProfile().video)
    floor = tuple(replace(row, prepare=keep_a_number) for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        films = write_scenes(Path(folder), count)
        rng = np.random.default_rng(0)
        sounds = [path.with_suffix(".wav") for path in films]
        for path in sounds:
            media.write_audio(path, 0.1 * rng.standard_normal(round(16_000 * SECONDS)).astype(np.float32), 16_000)
        seconds_of(films[:1], sounds[:1], rows)  # imports are warm-up
        times = [(seconds_of(films, sounds, rows), seconds_of(films, sounds, floor)) for _ in range(ROUNDS)]
    whole, decoding = (median(column) for column in zip(*times, strict=True))
    yield Figure(
        what="features of profile signal, scenes of 1280x720 and sounds", n=count, figure=significant(whole), unit="s",
        floor=significant(decoding), floor_of="decoding alone", at_most=significant(TARGET * decoding),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(show(measure()))
