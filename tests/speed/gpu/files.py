"""SELVA-S-16k from scenes of 1280x720: decoding alone, and the whole pipeline, waveforms written."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count as counting
from pathlib import Path
from typing import Any

import numpy as np

from baselines.generator import Request
from baselines.mmaudio import frames
from baselines.mmaudio.batches import FramePreparation
from benchmark.answers import BatchSize, answers_to
from benchmark.preparing import batches
from foundation import media
from foundation.work import available_cores
from speed.gpu.shared import FRAMES_PER_SECOND, length, made_up_frames, model, requests

SECONDS = 110
DIFFERENT = 16


def write_scene(path: Path, number: int, seconds: float) -> Path:
    """Write a moving texture at 1280x720, as hard to decode as a filmed scene."""
    rng = np.random.default_rng(number)
    picture = np.kron(rng.integers(0, 256, (90, 160, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    picture = (picture // 2 + rng.integers(0, 24, picture.shape, dtype=np.uint8)).astype(np.uint8)
    shown = (np.roll(picture, 3 * step, axis=1) for step in range(round(FRAMES_PER_SECOND * seconds)))
    media.write_video(path, shown, fps=FRAMES_PER_SECOND)
    return path


def write_scenes(folder: Path, count: int, seconds: float) -> list[Path]:
    """Write a few scenes, and the others as copies with other bytes at their end, which no decoder looks at."""
    with ThreadPoolExecutor(available_cores()) as pool:
        made = list(
            pool.map(lambda n: write_scene(folder / f"scene{n:04d}.mp4", n, seconds), range(min(DIFFERENT, count)))
        )
    numbers = counting(len(made))
    while len(made) < count:
        number = next(numbers)
        path = folder / f"scene{number:04d}.mp4"
        padding = (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")
        path.write_bytes(made[number % DIFFERENT].read_bytes() + padding)
        made.append(path)
    return made


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield the rate of decoding alone, then of the pipeline, and what bounds it."""
    count, size, seconds = int(options.get("scenes", "128")), int(options.get("batch", "16")), length(options)
    with tempfile.TemporaryDirectory() as folder:
        scenes = write_scenes(Path(folder), count, seconds)
        yield {"what": "a scene", "megabits_per_second": round(scenes[0].stat().st_size * 8e-6 / seconds, 1)}
        for workers, how in ((None, "threads"), (available_cores(), "processes")):
            alone = count / _seconds(_Decoder(), requests(scenes, seconds), size, workers)
            yield {"what": f"decoding alone, {how}", "samples_per_second": round(alone, 2)}
        selva = model(options, precision="fast", compile=options.get("compile") == "yes")
        selva.generate_prepared(requests(scenes, seconds)[:size], made_up_frames(size, seconds))  # warms up
        for workers, how in ((None, "threads"), (available_cores(), "processes")):
            some = requests(_again(Path(folder), scenes, how), seconds)
            rate = count / _seconds(selva, some, size, workers, keep=Path(folder))
            yield {"what": f"from files, batch {size}, {how}", "samples_per_second": round(rate, 2)}


def _again(folder: Path, scenes: list[Path], tag: str) -> list[Path]:
    """Return the same films under other bytes, so that no feature of an earlier round serves."""
    made = [folder / f"{scene.stem}-{tag}.mp4" for scene in scenes]
    for scene, path in zip(scenes, made, strict=True):
        padding = (16).to_bytes(4, "big") + b"free" + (tag + "        ").encode()[:8]
        path.write_bytes(scene.read_bytes() + padding)
    return made


class _Decoder:
    """A model that prepares as SELVA does and answers with nothing."""

    sample_rate = 16_000

    def __init__(self) -> None:
        self.prepare = FramePreparation({"sync": frames.sync_request("squash")}, 0)

    def generate(self, _request: Any) -> Any:
        """Return nothing."""
        return None

    def generate_prepared(self, asked: Any, prepared: Any) -> Any:
        """Return nothing for each."""
        return [len(one["sync"]) for one in prepared] and [np.zeros(1, np.float32) for _ in asked]


def _seconds(source: Any, asked: list[Request], size: int, workers: int | None, keep: Path | None = None) -> float:
    began = time.perf_counter()
    for batch in batches(source, asked, BatchSize(size), workers=workers):
        for request, answer in zip(batch.requests, answers_to(source, batch.requests, batch.prepared), strict=True):
            if isinstance(answer, Exception):
                raise answer
            if keep is not None:
                media.write_audio(keep / f"{request.sample_id}.wav", answer, source.sample_rate)
    return time.perf_counter() - began
