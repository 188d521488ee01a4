"""The Gaussian kernel of two sets, tile by tile: its sums by row and by resample, no tile computed twice for them."""

from collections.abc import Iterator

import numpy as np

from metrics.algebra import product
from metrics.pairwise import Tile, tiles
from metrics.placement import beside, column_dots, exponential, fetched
from metrics.validation import Matrix

KEPT_ROWS = 2048  # up to so many rows the kernel stays in memory, 32 MB


class KernelSums:
    """One kernel, of rows with themselves or with as many others.

    The first pass over it, whatever it is for, leaves behind the sums of its rows and columns.
    """

    def __init__(self, rows: Matrix, others: Matrix | None, gamma: float) -> None:
        """Take what the kernel is made of.

        Args:
            rows: shape (n, d), centred near zero.
            others: shape (n, d); None: the rows themselves.
            gamma: factor of the squared distance in the exponent.
        """
        self._points, self._others, self._gamma = rows, others, gamma
        self._kept: list[Tile] | None = None
        self._total: float | None = None
        self._rows, self._columns = np.zeros(len(rows)), np.zeros(len(rows))

    @property
    def known(self) -> bool:
        """Whether there was a pass over the kernel."""
        return self._total is not None

    def total(self) -> float:
        """Return the sum over all ordered pairs."""
        if self._total is None:
            for _ in self._tiles():
                pass
        return self._total if self._total is not None else 0.0

    def by_row(self) -> Matrix:
        """Return the sum of each row, shape (n,)."""
        self.total()
        return self._rows if self._others is not None else self._rows + self._columns

    def by_column(self) -> Matrix:
        """Return the sum of each column, shape (n,)."""
        self.total()
        return self._columns if self._others is not None else self._rows + self._columns

    def weighted(self, weights: Matrix) -> Matrix:
        """Return the sums of weight * weight * kernel over all ordered pairs, shape (b,), for weights (n, b)."""
        total = np.zeros(weights.shape[1])
        times = product if len(weights) > KEPT_ROWS else np.matmul
        for tile in self._tiles():
            carried = times(tile.squared, beside(weights[tile.others], tile.squared))
            total += tile.weight * column_dots(beside(weights[tile.rows], carried), carried)
        return total

    def _tiles(self) -> Iterator[Tile]:
        """Yield the kernel in tiles."""
        if self._kept is not None:
            yield from self._kept
            return
        total = 0.0
        kept: list[Tile] | None = [] if len(self._points) <= KEPT_ROWS else None
        rows, columns = np.zeros_like(self._rows), np.zeros_like(self._columns)
        for tile in tiles(self._points, self._others):
            kernel = exponential(tile.squared, -self._gamma)
            total += tile.weight * float(kernel.sum())
            rows[tile.rows] += fetched(kernel.sum(axis=1))
            if self._others is not None or tile.weight == 2:
                columns[tile.others] += fetched(kernel.sum(axis=0))
            if kept is not None:
                kept.append(tile)
            yield tile
        self._total, self._rows, self._columns, self._kept = total, rows, columns, kept
