"""All pairwise distances of embeddings, tile by tile, and their exact median, in memory that does not grow with n²."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from metrics.algebra import product
from metrics.placement import Array, above_diagonal, current_device, fetched, zero_diagonal
from metrics.validation import Matrix

TILE = 1024  # rows and columns of a tile: 8 MB of float64, large enough for a matrix product at full speed
COLLECTED = 1 << 22  # distances that the median search may hold at once, 32 MB
BINS = 1 << 16
LARGE = 2048  # rows; fewer keep numpy's product whatever the device, and the last digits of their distances


@dataclass(frozen=True, slots=True)
class Tile:
    """Squared distances of a stretch of rows to a stretch of others; `weight` 2 where the mirror tile is left out.

    `squared` is numpy's, or on the device chosen for large sets, see `metrics.placement`.
    """

    rows: slice
    others: slice
    squared: Array
    weight: int


def tiles(rows: Matrix, others: Matrix | None = None) -> Iterator[Tile]:
    """Yield every pair of `rows` (n, d) and `others` (m, d); without `others`, rows against rows, upper half only.

    Squared distances come from a matrix product, so rows should be centred near zero. Values that rounding can make of
    a distance of zero are set to zero: equal rows have distance zero exactly, and nothing is negative.
    """
    own = others is None
    others = rows if others is None else others
    row_norms, other_norms = np.einsum("nd,nd->n", rows, rows), np.einsum("nd,nd->n", others, others)
    rounding = 4 * np.sqrt(rows.shape[1]) * np.finfo(np.float64).eps * max(row_norms.max(), other_norms.max())
    large = max(len(rows), len(others)) > LARGE
    times = product if large else np.matmul
    device = current_device() if large else None
    side, put = (device.side(rows.shape[1]), device.put) if device else (TILE, np.asarray)
    for start in range(0, len(rows), side):
        here = slice(start, min(start + side, len(rows)))
        doubled = put(-2.0 * rows[here])
        for other_start in range(start if own else 0, len(others), side):
            there = slice(other_start, min(other_start + side, len(others)))
            squared = times(doubled, put(others[there].T))
            squared += put(row_norms[here, np.newaxis])
            squared += put(other_norms[there])
            squared[squared < rounding] = 0.0
            if own and start == other_start:
                zero_diagonal(squared)
            yield Tile(here, there, squared, 2 if own and start != other_start else 1)


def median_distance(rows: Matrix) -> float:
    """Return the lower median of the n (n - 1) / 2 Euclidean distances between different rows (n, d), n >= 2.

    Exact, not estimated: a few random pairs only tell where to look. One pass over the pairs counts the distances
    below that range and keeps those inside; a second pass is needed only if the guess was bad or ties fill the range.
    """
    rows = rows - rows.mean(axis=0)
    pairs = len(rows) * (len(rows) - 1) // 2
    rank = (pairs - 1) // 2  # the lower of two middle values, counted from 0
    low, high = _likely_range(rows, pairs)
    while True:
        below, inside, kept = _count(rows, low, high)
        if not below <= rank < below + inside:
            low, high = 0.0, np.inf
        elif kept is not None:
            return float(np.sqrt(np.partition(kept, rank - below)[rank - below]))
        else:
            low, high = _narrow(rows, low, high, rank)
            if low == high:
                return float(np.sqrt(low))


def _likely_range(rows: Matrix, pairs: int) -> tuple[float, float]:
    """Squared distances between which the median lies, but for one chance in a thousand million."""
    if pairs <= COLLECTED:
        return 0.0, np.inf
    draws = int(np.clip((12 * pairs / COLLECTED) ** 2, 20_000, 200_000))  # half of what may be held falls inside
    rng = np.random.default_rng(0)  # moves the range, never the result
    first = rng.integers(len(rows), size=draws)
    second = (first + rng.integers(1, len(rows), size=draws)) % len(rows)
    squared = np.concatenate(
        [np.square(rows[first[i : i + TILE]] - rows[second[i : i + TILE]]).sum(axis=1) for i in range(0, draws, TILE)]
    )
    margin = 6 * 0.5 / np.sqrt(draws)  # six standard errors of an estimated median, as a share of all distances
    low, high = np.quantile(squared, [0.5 - margin, 0.5 + margin])
    return float(low), float(high)


def _count(rows: Matrix, low: float, high: float) -> tuple[int, int, Matrix | None]:
    """Numbers of squared distances below `low` and in [low, high], and the latter unless they are too many."""
    below = inside = 0
    kept: list[Matrix] | None = []
    for values in _pair_values(rows):
        chosen = values[(values >= low) & (values <= high)]
        below += int((values < low).sum())
        inside += len(chosen)
        if kept is not None:
            kept = [*kept, fetched(chosen)] if inside <= COLLECTED else None
    return below, inside, None if kept is None else np.concatenate(kept)


def _narrow(rows: Matrix, low: float, high: float, rank: int) -> tuple[float, float]:
    """The stretch of [low, high] that holds the distance of this rank, 65,536 times shorter."""
    if np.isinf(high):
        high = max(float(values.max()) for values in _pair_values(rows))
    edges = np.linspace(low, high, BINS + 1)
    counts = np.zeros(BINS + 2, dtype=np.int64)
    for values in _pair_values(rows):
        counts += np.bincount(np.searchsorted(edges, fetched(values)), minlength=BINS + 2)
    cell = int(
        np.searchsorted(np.cumsum(counts), rank, side="right")
    )  # its values lie in (edges[cell - 1], edges[cell]]
    upper = float(edges[cell])
    lower = float(edges[cell - 1]) if cell else upper
    return (lower, upper) if np.nextafter(lower, upper) < upper else (upper, upper)


def _pair_values(rows: Matrix) -> Iterator[Array]:
    """Squared distances of all pairs of different rows, each pair once, a tile at a time."""
    for tile in tiles(rows):
        yield tile.squared.ravel() if tile.weight == 2 else above_diagonal(tile.squared)
