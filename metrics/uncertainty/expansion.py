"""A set-wise score near the whole set, to second order: resamples and the jackknife without scoring any."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.uncertainty.resampling import Counts, Units

Vector = NDArray[np.float64]
AT_ONCE = 1 << 22  # weights held at once, 32 MB


@dataclass(frozen=True, slots=True, eq=False)
class Expansion:
    """The score of n samples as a function of their weights p, which are 1 / n in the whole set:

    `value + sum_i p_i influence_i + sum_ij q_i q_j kernel_ij` with q = p - 1 / n.

    The kernel's diagonal, and its values for samples that share a unit, are exact: they make the bias of resamples,
    and how it varies with the repeats of a resample. The n^2 others are many, small and unrelated; their sum is drawn
    from the normal distribution of the same variance.

    Attributes:
        value: score of the whole set.
        influence: shape (n,), mean 0: the score's derivative with respect to the weight of each sample.
        own: shape (n,): the kernel of each sample with itself.
        pairs: shape (p, 3): unit, sample, other sample; every pair of different samples in each unit they share.
        related: shape (p,): the kernel of these pairs.
        scatter: standard deviation of the kernel over pairs that share no unit.
    """

    value: float
    influence: Vector
    own: Vector
    pairs: NDArray[np.int64]
    related: Vector
    scatter: float

    def replicates(self, counts: Counts, seed: int) -> Vector:
        """Return the scores, shape (b,), of resamples (b, n); the seed decides the sum of the unrelated pairs."""
        n = len(self.influence)
        pairs, once = np.unique(self.pairs[:, 1:], axis=0, return_index=True)
        related = 2.0 * self.related[once]
        noise = np.random.default_rng([seed, 2]).normal(size=len(counts))  # not the streams of draws and flips
        batch = max(1, AT_ONCE // max(n, len(pairs)))
        scores = np.empty(len(counts))
        for start in range(0, len(counts), batch):
            here = slice(start, start + batch)
            q = counts[here].astype(np.float64)
            q /= q.sum(axis=1, keepdims=True)
            q -= 1.0 / n
            squares = np.square(q)
            second = squares @ self.own + (q[:, pairs[:, 0]] * q[:, pairs[:, 1]]) @ related
            spread = np.sqrt(2.0) * self.scatter * squares.sum(axis=1)
            scores[here] = self.value + q @ self.influence + second + spread * noise[here]
        return scores

    def left_out(self, drawn: Units) -> Vector:
        """Return the scores with one unit left out at a time, shape (units,), to second order; NaN where < 2 remain."""
        units, rows = drawn.members()
        sizes = np.bincount(units, minlength=drawn.size)
        first = np.bincount(units, weights=self.influence[rows], minlength=drawn.size)
        second = np.bincount(units, weights=self.own[rows], minlength=drawn.size)
        second = second + 2.0 * np.bincount(self.pairs[:, 0], weights=self.related, minlength=drawn.size)
        remaining = np.where(len(self.influence) - sizes >= 2, len(self.influence) - sizes, np.nan)
        return np.asarray(self.value - first / remaining + second / np.square(remaining))
