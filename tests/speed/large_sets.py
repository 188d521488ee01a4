"""Time and memory of set-wise scores at 15,446 samples: an interval, and the comparison of two runs.

    PYTHONPATH=.:tests python -m speed.large_sets [--quick]  a line each; exit status 1 if a target is missed

CPU time is that of all threads; the process's peak memory includes the embeddings. Targets are for two free cores.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from foundation.measurements import Figure
from metrics.fad import ResampledFrechet, frechet_audio_distance
from metrics.inception_score import ResampledInception
from metrics.kad import ResampledKernel
from metrics.uncertainty.bootstrap import bootstrap_score, set_difference
from speed.board import show, significant

Rows = NDArray[np.float32]
CLASSES = 527
RESAMPLES = 1000


def runs(n: int, d: int, seed: int = 1) -> tuple[Rows, Rows, Rows]:
    """Reference and two runs (n, d): units after a ReLU, some rarely firing, with a decaying spectrum."""
    rng = np.random.default_rng(seed)
    scale = (rng.uniform(0.5, 1.5, d) * np.arange(1, d + 1) ** -0.3).astype(np.float32)
    centre = (0.3 * rng.normal(size=d)).astype(np.float32)
    found = [np.empty((n, d), dtype=np.float32) for _ in range(3)]
    for start in range(0, n, 1000):
        shape = (min(1000, n - start), d)
        base = rng.standard_normal(shape, dtype=np.float32)
        for run, (rows, stretch) in enumerate(zip(found, (1.0, 1.05, 1.06), strict=True)):
            noise = rng.standard_normal(shape, dtype=np.float32)
            made = base if not run else 0.8 * base + 0.6 * noise
            rows[start : start + len(made)] = np.maximum(made * scale * stretch + centre, 0.0)
    return found[0], found[1], found[2]


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and CPU time of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield CPU time and memory of an interval, and the time of comparing two runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4,000 samples of 512 dimensions")
    n, d = (4000, 512) if parser.parse_args(arguments).quick else (15_446, 2048)
    reference, first, second = runs(n, d)
    pairs = np.stack([np.arange(n), (np.arange(n) + 1) % n], axis=1)  # each clip a target once, and paired once

    def interval() -> None:
        scorer = ResampledFrechet(reference, first)
        bootstrap_score(scorer, groups=pairs, seed=0)
        scorer.value()

    _, cpu = timed(interval)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # kilobytes on Linux
    _, once = timed(lambda: frechet_audio_distance(reference, first))
    yield Figure(
        what=f"FAD and its interval, d = {d:,}", n=n, figure=significant(cpu), unit="CPU s", at_most=60.0,
        usual=significant(RESAMPLES * once), usual_way="a thousand plain resamples, by the time of one",
    )  # fmt: skip
    yield Figure(what="peak memory of that", n=n, figure=significant(peak), unit="GB", at_most=1.5)
    logits = [rows[:, : min(CLASSES, d)] * 4.0 for rows in (first, second)]
    total = 0.0
    for name, make in (
        ("FAD", lambda run: ResampledFrechet(reference, (first, second)[run])),
        ("KAD", lambda run: ResampledKernel(reference, (first, second)[run])),
        ("IS", lambda run: ResampledInception(logits[run])),
    ):
        wall, cpu = timed(lambda make=make: set_difference(make(0), make(1), groups=pairs, seed=0))
        total += wall
        yield Figure(
            what=f"{name} of two runs compared", n=n, figure=significant(wall), unit="s", note=f"{cpu:.1f} CPU s"
        )
    yield Figure(what="FAD, KAD and IS of two runs compared", n=n, figure=significant(total), unit="s", at_most=120.0)


if __name__ == "__main__":
    sys.exit(show(measure(sys.argv[1:])))
