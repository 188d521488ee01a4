"""FAD and KAD of 15,000 samples with 2,048 dimensions, value and interval."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np

from metrics.fad import ResampledFrechet, frechet_audio_distance
from metrics.kad import ResampledKernel, kernel_audio_distance
from metrics.uncertainty.bootstrap import bootstrap_score

SECONDS = 60


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield wall and CPU seconds of each."""
    n, d = int(options.get("samples", "15000")), int(options.get("dimensions", "2048"))
    rng = np.random.default_rng(0)
    spread = 1 / np.arange(1, d + 1)
    reference = rng.standard_normal((n, d)) * spread
    generated = reference + 0.5 * rng.standard_normal((n, d)) * spread + 0.01
    works = {
        "FAD": lambda: frechet_audio_distance(reference, generated),
        "KAD": lambda: kernel_audio_distance(reference, generated),
        "FAD's interval": lambda: bootstrap_score(ResampledFrechet(reference, generated), seed=0),
        "KAD's interval": lambda: bootstrap_score(ResampledKernel(reference, generated), seed=0),
    }
    for what, work in works.items():
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        yield {"what": f"{what}, d = {d:,}, numpy", "n": n, "seconds": round(wall, 1), "cpu_seconds": round(cpu, 1)}
