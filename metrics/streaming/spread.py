"""Mean and spread of rows that come in batches, in a state that does not grow with their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.algebra import triangle
from metrics.validation import Matrix

FOLDED_FROM = 2  # times as many rows as columns: a fold costs as much as the rows that it makes room for


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What a Gaussian is fitted from, without squaring anything.

    `metrics.moments` keeps sums of squares, which lose half of the digits of directions with little variance. Here
    rows are kept whose squares sum to the scatter, at most twice as many as columns: a triangular factor and what came
    since.

    Attributes:
        count: number of rows seen, n.
        mean: of them, shape (d,).
        blocks: matrices (k_i, d) whose rows' outer products sum to that of the rows seen around their mean.
    """

    count: int
    mean: Matrix
    blocks: tuple[Matrix, ...]

    @classmethod
    def of(cls, rows: Matrix) -> Spread:
        """Return that of rows, shape (n, d), n >= 1."""
        mean = rows.mean(axis=0)
        return cls(len(rows), mean, (rows - mean,) if len(rows) > 1 else ())._folded()

    def merged(self, other: Spread) -> Spread:
        """Return that of both sets of rows together, which have as many columns.

        Source:
            Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", the pairwise update; the step
            between the means is one more row.
        """
        count = self.count + other.count
        step = other.mean - self.mean
        between = np.sqrt(self.count * other.count / count) * step[np.newaxis]
        mean = self.mean + step * (other.count / count)
        return Spread(count, mean, (*self.blocks, *other.blocks, between))._folded()

    def scaled_rows(self) -> Matrix:
        """Return rows, shape (k, d), whose outer products sum to the covariance over n - 1; n >= 2."""
        rows: Matrix = np.concatenate(self.blocks) / np.sqrt(self.count - 1)
        return rows

    def _folded(self) -> Spread:
        d = len(self.mean)
        if sum(map(len, self.blocks)) <= FOLDED_FROM * d:
            return self
        return Spread(self.count, self.mean, (triangle(np.concatenate(self.blocks)),))
