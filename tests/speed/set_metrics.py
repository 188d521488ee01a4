"""Time and memory of the set-wise metrics against the straightforward forms, measured in one run.

    PYTHONPATH=tests python -m speed.set_metrics [--quick]  a line each; exit status 1 if a target is missed

The straightforward forms are written out here: the matrix square root of the product of both covariances for FD, and
all pairwise distances at once for KAD. Ratios, not seconds, are what a target is about: they hold on other machines.
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from foundation.measurements import Figure
from metrics import frechet_audio_distance, kernel_audio_distance
from metrics.fad import ResampledFrechet
from metrics.uncertainty.bootstrap import bootstrap_score
from speed.board import show, significant

Rows = NDArray[np.float32]
DIMENSIONS = 2048  # of a PANNs embedding


def embeddings(n: int, d: int, seed: int) -> tuple[Rows, Rows]:
    """Two sets (n, d) shaped like activations after a ReLU, the second a little shifted."""
    rng = np.random.default_rng(seed)
    scale, centre = rng.uniform(0.5, 1.5, d), 0.3 * rng.normal(size=d)
    sets = [np.maximum(rng.normal(size=(n, d)) * scale + centre + shift, 0.0) for shift in (0.0, 0.05)]
    return sets[0].astype(np.float32), sets[1].astype(np.float32)


def square_root_distance(reference: Rows, generated: Rows) -> float:
    """Fréchet distance by its formula, with `scipy.linalg.sqrtm`."""
    from scipy.linalg import sqrtm

    c_r, c_g = np.cov(reference, rowvar=False), np.cov(generated, rowvar=False)
    shift = reference.mean(axis=0, dtype=np.float64) - generated.mean(axis=0, dtype=np.float64)
    root = np.trace(np.real(sqrtm(c_r @ c_g)))
    return float(shift @ shift + np.trace(c_r) + np.trace(c_g) - 2.0 * root)


def dense_kernel_distance(reference: Rows, generated: Rows) -> float:
    """KAD with every n x n matrix in memory, float64, bandwidth by sorting all distances."""
    r, g = reference.astype(np.float64), generated.astype(np.float64)
    own = _dense_squares(g, g)
    distances = np.sqrt(own[np.triu_indices(len(g), k=1)])
    middle = (len(distances) - 1) // 2
    gamma = 1.0 / (2.0 * float(np.partition(distances, middle)[middle]) ** 2 + 1e-8)
    del distances
    kernels = [np.exp(-gamma * _dense_squares(r, r)), np.exp(-gamma * own), np.exp(-gamma * _dense_squares(r, g))]
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in kernels[:2]]
    return float(100.0 * (within[0] + within[1] - 2.0 * kernels[2].mean()))


def _dense_squares(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = np.square(a).sum(axis=1)[:, np.newaxis] + np.square(b).sum(axis=1) - 2.0 * a @ b.T
    return np.maximum(squares, 0.0)


def seconds(action: Callable[[], float], repeats: int = 1) -> tuple[float, float]:
    """Least wall clock of `repeats` calls, and the result."""
    best, result = float("inf"), float("nan")
    for _ in range(repeats):
        start = time.perf_counter()
        result = action()
        best = min(best, time.perf_counter() - start)
    return best, result


def seconds_and_gb(action: Callable[[], float]) -> tuple[float, float]:
    """Wall clock of one call, and the most memory that numpy held at once beyond what it held before."""
    tracemalloc.start()
    try:
        wall, _ = seconds(action)
        return wall, tracemalloc.get_traced_memory()[1] / 1e9
    finally:
        tracemalloc.stop()


def bench_frechet(n: int, target: float) -> Iterator[Figure]:
    """FD against the square-root form."""
    r, g = embeddings(n, DIMENSIONS, seed=n)
    frechet_audio_distance(r[:32], g[:32])  # first call of the linear algebra library is slow
    fast, value = seconds(lambda: frechet_audio_distance(r, g), repeats=5)
    slow, expected = seconds(lambda: square_root_distance(r, g))
    yield Figure(
        what=f"FD, d = {DIMENSIONS:,}", n=n, figure=significant(fast), unit="s", usual=significant(slow),
        usual_way="matrix square root", at_most=significant(slow / target),
    )  # fmt: skip
    off = abs(value / expected - 1)
    yield Figure(what="relative difference of both", n=n, figure=significant(off), at_most=1e-5)


def bench_kernel(n: int, dense_n: int) -> Iterator[Figure]:
    """KAD in tiles: memory at full size, time against the dense form where that fits."""
    r, g = embeddings(dense_n, DIMENSIONS, seed=1)
    fast, value = seconds(lambda: kernel_audio_distance(r, g))
    slow, expected = seconds(lambda: dense_kernel_distance(r, g))
    yield Figure(
        what=f"KAD, d = {DIMENSIONS:,}", n=dense_n, figure=significant(fast), unit="s", usual=significant(slow),
        usual_way="all distances at once", at_most=significant(slow),
    )  # fmt: skip
    off = abs(value - expected)
    yield Figure(what="difference of both", n=dense_n, figure=significant(off), at_most=1e-6)
    r, g = embeddings(n, DIMENSIONS, seed=2)
    wall, peak = seconds_and_gb(lambda: kernel_audio_distance(r, g))
    yield Figure(
        what="KAD, memory beyond the embeddings", n=n, figure=significant(peak), unit="GB", at_most=2.1,
        usual=significant(3 * 8 * n * n / 1e9), usual_way="three matrices n x n of float64", note=f"{wall:.1f} s",
    )  # fmt: skip


def bench_bootstrap(n: int, resamples: int) -> Figure:
    """FD intervals."""
    r, g = embeddings(n, DIMENSIONS, seed=3)
    start = time.perf_counter()
    bootstrap_score(ResampledFrechet(r, g), resamples=resamples, seed=0)
    took = time.perf_counter() - start
    return Figure(what=f"FD, {resamples:,} resamples", n=n, figure=significant(took), unit="s", at_most=60.0)


def measure(arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield time, memory and agreement of FD and KAD with the straightforward forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    quick = parser.parse_args(arguments).quick
    yield from bench_frechet(560, 150)
    if not quick:
        yield from bench_frechet(3000, 8)
    yield from bench_kernel(*((3000, 2000) if quick else (15_000, 6_000)))
    yield bench_bootstrap(560, 100 if quick else 1000)


if __name__ == "__main__":
    sys.exit(show(measure(sys.argv[1:])))
