"""FAD and KAD of 15,000 samples with 2,048 dimensions: on the GPU, and by numpy and scipy alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from metrics.fad import ResampledFrechet, frechet_audio_distance
from metrics.kad import ResampledKernel, kernel_audio_distance
from metrics.placement import computing_on
from metrics.uncertainty.bootstrap import bootstrap_score
from speed.large_sets import Rows, runs

SECONDS = 60
WORKS = ("FAD and its interval", "KAD and its interval", "FAD alone, as FAD∞ takes it 21 times")


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield wall and CPU seconds of each, the GPU's first, and how far the numbers are apart."""
    n, d = int(options.get("samples", "15000")), int(options.get("dimensions", "2048"))
    device = options.get("device", "cuda")
    sets = runs(n, d)[:2]
    found = {}
    with computing_on(device):
        for score in (frechet_audio_distance, kernel_audio_distance):
            score(*runs(2100, min(d, 512))[:2])  # what a GPU does once belongs to no figure
        for what in WORKS:
            row, found[what] = _timed(what, sets)
            yield {"what": f"{what}, d = {d:,}, {device}", "n": n, **row}
    for what in WORKS:
        row, numbers = _timed(what, sets)
        yield {"what": f"{what}, d = {d:,}, numpy and scipy", "n": n, **row}
        apart = float(np.abs(found[what] - numbers).max() / np.abs(numbers).max())
        yield {"what": f"{what}, {device} against numpy and scipy", "n": n, "error": apart}


def _timed(what: str, sets: tuple[Rows, Rows]) -> tuple[dict[str, float], NDArray[np.float64]]:
    wall, cpu = time.perf_counter(), time.process_time()
    numbers = _numbers(what, sets)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}, numbers


def _numbers(what: str, sets: tuple[Rows, Rows]) -> NDArray[np.float64]:
    """Return the score, and the ends of its interval, as an evaluation computes both."""
    if what not in WORKS[:2]:
        return np.array([frechet_audio_distance(*sets)])
    scorer: ResampledFrechet | ResampledKernel
    scorer = ResampledFrechet(*sets) if what.startswith("FAD") else ResampledKernel(*sets)
    ends = bootstrap_score(scorer, seed=0).ends
    return np.array([scorer.value(), *ends])
