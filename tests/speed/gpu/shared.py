"""What the sections share: clocks that wait for the GPU, a model with seeded weights, made-up frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.generator import Request
from baselines.selva.model import SELVA

FRAMES_PER_SECOND = 25
# Multiplications and additions of one sample of SELVA-S-16k of 8 s, by part.
TERAFLOPS = {"trunk": 8.906, "condition": 0.538, "sampler": 2.87, "decode": 0.97}


def seconds_of(work: Callable[[], object], device: torch.device, repeats: int = 3) -> float:
    """Return the median time of some calls, after one that warms up."""
    work()
    _wait(device)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - start)
    return median(times)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_gigabytes(work: Callable[[], object], device: torch.device) -> float | None:
    """Run something; return the most memory that torch held meanwhile, weights included; None without a GPU."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    work()
    return round(torch.cuda.max_memory_allocated(device) / 1e9, 1) if device.type == "cuda" else None


def model(options: Mapping[str, str], **native: Any) -> SELVA:
    """Return SELVA-S-16k with seeded weights on the device asked for."""
    return SELVA(random_weights=True, device=options.get("device", "cuda"), **native)


def length(options: Mapping[str, str]) -> float:
    """Return how many seconds a sample has."""
    return float(options.get("seconds", "8"))


def made_up_frames(count: int, seconds: float) -> list[dict[str, NDArray[np.uint8]]]:
    """Return what `prepare` would make of so many videos."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (round(FRAMES_PER_SECOND * seconds), 3, 224, 224), dtype=np.uint8)
    return [{"sync": np.roll(first, index, axis=0)} for index in range(count)]


def requests(videos: Sequence[Path], seconds: float) -> list[Request]:
    """Return one request per video."""
    return [Request(video.stem, video, "a dog barking", "", seconds, seed=index) for index, video in enumerate(videos)]


def stand_in_files(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Write files of different bytes, for models that are given frames and know a video by its bytes alone."""
    paths = [folder / f"video{number:05d}" for number in range(first, first + count)]
    for path in paths:
        path.write_text(path.name)
    return paths


def signal_to_noise(reference: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return how far two waveforms agree, in dB."""
    noise = np.square(reference.astype(np.float64) - other).sum()
    return float(10 * np.log10(np.square(reference.astype(np.float64)).sum() / max(noise, 1e-30)))
