"""Time and memory of the set-wise metrics against the straightforward forms, measured in one run.

    PYTHONPATH=tests python -m speed.set_metrics [--quick]  a line each; exit status 1 if a target is missed

The straightforward forms are written out here: the matrix square root of the product of both covariances for FD, and
all pairwise distances at once for KAD. Ratios, not seconds, are what a target is about: they hold on other machines.
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from metrics import frechet_audio_distance, kernel_audio_distance
from metrics.fad import ResampledFrechet
from metrics.uncertainty.bootstrap import bootstrap_score

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


def seconds_and_gib(action: Callable[[], float]) -> tuple[float, float]:
    """Wall clock of one call, and the most memory that numpy held at once beyond what it held before."""
    tracemalloc.start()
    try:
        wall, _ = seconds(action)
        return wall, tracemalloc.get_traced_memory()[1] / 2**30
    finally:
        tracemalloc.stop()


class Board:
    """Prints the measurements and remembers whether all met their targets."""

    def __init__(self) -> None:
        self.missed = 0

    def line(self, what: str, value: float, unit: str, target: float, *, at_most: bool = False) -> None:
        """Print one measurement beside its target."""
        met = value <= target if at_most else value >= target
        self.missed += not met
        bound = "at most" if at_most else "at least"
        print(f"{'ok  ' if met else 'MISS'} {what}: {value:.3g} {unit} (target: {bound} {target:g})", flush=True)


def bench_frechet(board: Board, n: int, target: float) -> None:
    """FD against the square-root form."""
    r, g = embeddings(n, DIMENSIONS, seed=n)
    frechet_audio_distance(r[:32], g[:32])  # first call of the linear algebra library is slow
    fast, value = seconds(lambda: frechet_audio_distance(r, g), repeats=5)
    slow, expected = seconds(lambda: square_root_distance(r, g))
    board.line(f"FD n={n} d={DIMENSIONS}, times faster ({slow:.2f} s / {fast:.3f} s)", slow / fast, "x", target)
    board.line(f"FD n={n} d={DIMENSIONS}, relative difference", abs(value / expected - 1), "", 1e-5, at_most=True)


def bench_kernel(board: Board, n: int, dense_n: int) -> None:
    """KAD in tiles: memory at full size, time against the dense form where that fits."""
    r, g = embeddings(dense_n, DIMENSIONS, seed=1)
    fast, value = seconds(lambda: kernel_audio_distance(r, g))
    slow, expected = seconds(lambda: dense_kernel_distance(r, g))
    board.line(f"KAD n=m={dense_n}, times faster than dense ({slow:.2f} s / {fast:.2f} s)", slow / fast, "x", 1.0)
    board.line(f"KAD n=m={dense_n}, difference", abs(value - expected), "", 1e-6, at_most=True)
    r, g = embeddings(n, DIMENSIONS, seed=2)
    wall, peak = seconds_and_gib(lambda: kernel_audio_distance(r, g))
    board.line(f"KAD n=m={n} d={DIMENSIONS} ({wall:.1f} s), extra memory", peak, "GiB", 2.0, at_most=True)


def bench_bootstrap(board: Board, n: int, resamples: int) -> None:
    """FD intervals."""
    r, g = embeddings(n, DIMENSIONS, seed=3)
    start = time.perf_counter()
    bootstrap_score(ResampledFrechet(r, g), resamples=resamples, seed=0)
    board.line(f"FD bootstrap n={n}, {resamples} resamples", time.perf_counter() - start, "s", 60.0, at_most=True)


def main(arguments: Sequence[str] = ()) -> int:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    quick = parser.parse_args(arguments).quick
    board = Board()
    bench_frechet(board, 560, 150)
    if not quick:
        bench_frechet(board, 3000, 8)
    bench_kernel(board, *((3000, 2000) if quick else (15_000, 6_000)))
    bench_bootstrap(board, 560, 100 if quick else 1000)
    return 1 if board.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
