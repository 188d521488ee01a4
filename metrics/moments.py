"""Mean and covariance of sets too large to copy: part by part, and merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike

from metrics.algebra import gram
from metrics.validation import Matrix, samples

PART = 2048  # rows taken at a time: 32 MB of 2,048 dimensions in float64


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What Gaussians are fitted from.

    Attributes:
        count: number of rows, n.
        mean: shape (d,).
        scatter: shape (d, d): sum over rows of the outer product of the row minus the mean with itself.
    """

    count: int
    mean: Matrix
    scatter: Matrix

    @property
    def covariance(self) -> Matrix:
        """Covariance over n - 1, shape (d, d).

        Raises:
            ValueError: there is one row only.
        """
        if self.count < 2:
            raise ValueError(f"covariance: needs at least 2 samples, got {self.count}")
        return self.scatter / (self.count - 1)

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both sets together.

        Only differences from means are ever squared, so nothing cancels however far the rows are from zero.

        Raises:
            ValueError: the sets have different dimensions.

        Source:
            Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", the pairwise update.
        """
        if self.mean.shape != other.mean.shape:
            raise ValueError(f"merged: expected as many columns, got {len(self.mean)} and {len(other.mean)}")
        count = self.count + other.count
        step = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(step, step * (self.count * other.count / count))
        return Moments(count, self.mean + step * (other.count / count), scatter)


def moments(rows: ArrayLike) -> Moments:
    """Return the moments of one set held in memory.

    Args:
        rows: finite, shape (n, d), n >= 1: sample, dimension.

    Raises:
        ValueError: another shape, no sample, or a value that is not finite; names the first such sample.
    """
    matrix = samples(rows, "rows")
    mean = matrix.mean(axis=0)
    return Moments(len(matrix), mean, gram(np.ascontiguousarray(matrix - mean)))


def streamed_moments(parts: Iterable[ArrayLike]) -> Moments:
    """Return the moments of a set that comes in parts, shape (n_i, d) each, of which one at a time is in memory.

    Raises:
        ValueError: no part, or a part that `moments` refuses.

    Examples:
        >>> rows = np.arange(12.0).reshape(6, 2)
        >>> found = streamed_moments([rows[:1], rows[1:4], rows[4:]])
        >>> found.mean, float(found.covariance[0, 1])
        (array([5., 6.]), 14.0)
    """
    found = [*_merged(moments(part) for part in parts)]
    if not found:
        raise ValueError("parts: needs at least 1 part, got none")
    return found[0]


def row_parts(count: int) -> Iterator[slice]:
    """Yield the stretches of at most `PART` rows that make up a set of `count`."""
    for start in range(0, count, PART):
        yield slice(start, min(start + PART, count))


def _merged(found: Iterator[Moments]) -> Iterator[Moments]:
    """Yield the merged moments of all, or nothing."""
    for first in found:
        yield reduce(Moments.merged, found, first)
