"""Set-wise scores of resamples: each row counted as often as it was drawn, from matrices computed once.

A resample of n rows repeats some and misses about 37 % of them. Scoring it from its embeddings would cost as much as
scoring the whole set; here the products of all rows are computed once and a resample only picks and weighs entries.

Reference and generated rows are paired: row i of both belongs to one sample, and one count applies to both.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.fad import root_trace
from metrics.inception_score import require_splits, run_bounds, shuffled
from metrics.kad import SCALE, kernel_gamma
from metrics.pairwise import tiles
from metrics.probabilities import log_softmax
from metrics.uncertainty.resampling import Counts, Needs
from metrics.validation import Matrix, same_dimension, same_length, samples

Evaluate = Callable[[Counts], NDArray[np.float64]]  # counts (b, n) -> scores (b,)


def paired_sets(reference: ArrayLike, generated: ArrayLike) -> tuple[Matrix, Matrix]:
    """Return both sets as float64, checked: (n, d) each, paired by row, n >= 2.

    Raises:
        ValueError: other shapes, fewer than two samples, or a value that is not finite; names the first such sample.
    """
    r, g = samples(reference, "reference", minimum=2), samples(generated, "generated", minimum=2)
    same_length(r, "reference", g, "generated")
    same_dimension(r, "reference", g, "generated")
    return r, g


def defined_scores(evaluate: Evaluate, counts: Counts, needs: Needs) -> NDArray[np.float64]:
    """Return scores, shape (b,), of row counts (b, n); NaN where there is none, which an interval reports."""
    scores = np.full(len(counts), np.nan)
    defined = needs.met(counts)
    if defined.any():
        scores[defined] = evaluate(counts[defined])
    return scores


class ResampledFrechet:
    """Fréchet distance of resamples; equals `frechet_audio_distance` on the repeated rows but for rounding.

    A row drawn c times enters once, times sqrt(c). So the matrix whose singular values make the trace of the root is
    as large as the number of different rows, about 354 for 560, and is cut out of one product of all rows.
    """

    def __init__(self, reference: Matrix, generated: Matrix) -> None:
        self._shift = reference - generated
        centre = (reference.mean(axis=0) + generated.mean(axis=0)) / 2.0  # little left to cancel below
        self._reference, self._generated = reference - centre, generated - centre
        self._squares = np.einsum("nd,nd->n", self._reference, self._reference)
        self._squares += np.einsum("nd,nd->n", self._generated, self._generated)
        self._product: Matrix | None = None

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        """Scores, shape (b,), of resamples (b, n)."""
        return np.array([self._score(row) for row in counts])

    def _score(self, counts: Counts) -> float:
        total = int(counts.sum())
        share = counts / total
        mean_r, mean_g = share @ self._reference, share @ self._generated
        spread = total * (share @ self._squares - mean_r @ mean_r - mean_g @ mean_g)
        shift = share @ self._shift
        picked = np.flatnonzero(counts)
        root = self._root(picked, np.sqrt(counts[picked]), mean_r, mean_g)
        return max(float(shift @ shift + (spread - 2.0 * root) / (total - 1)), 0.0)

    def _root(self, picked: NDArray[np.int64], weight: Matrix, mean_r: Matrix, mean_g: Matrix) -> float:
        """Sum of the singular values of the weighted, centred product of the rows picked."""
        if len(picked) > self._reference.shape[1]:  # then the small matrix is d x d
            r, g = self._reference[picked] - mean_r, self._generated[picked] - mean_g
            return root_trace(r * weight[:, np.newaxis], g * weight[:, np.newaxis])
        if self._product is None:
            self._product = self._reference @ self._generated.T
        small = self._product[np.ix_(picked, picked)]
        small -= (self._reference[picked] @ mean_g)[:, np.newaxis]
        small -= self._generated[picked] @ mean_r
        small += mean_r @ mean_g
        small *= weight[:, np.newaxis]
        small *= weight
        return float(np.linalg.svd(small, compute_uv=False).sum())


class ResampledKernel:
    """KAD of resamples at a fixed bandwidth, without the bias that repeated rows would bring.

    Two copies of one row have kernel value 1 whatever the distribution, so the plain score of a resample of n rows is
    too high by about 200 / n. Here pairs of copies are left out, as the estimator leaves out a row with itself:
    within a set the mean goes over pairs of different rows, and across the sets a copy meets its own partner only.
    """

    def __init__(self, reference: Matrix, generated: Matrix, bandwidth: float) -> None:
        centre = reference.mean(axis=0)
        self._reference, self._generated = reference - centre, generated - centre
        self._gamma = kernel_gamma(bandwidth)

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        """Scores, shape (b,), of resamples (b, n) of two different rows or more.

        Each tile of the kernel is computed once for all of them.
        """
        weights = counts.T.astype(np.float64)
        total, squares = weights.sum(axis=0), np.square(weights).sum(axis=0)
        within = self._sum(self._reference, None, weights) + self._sum(self._generated, None, weights)
        pairs = np.square(total) - squares
        partners = np.exp(-self._gamma * np.square(self._reference - self._generated).sum(axis=1))
        across = self._sum(self._reference, self._generated, weights)
        across += partners @ (weights - np.square(weights))
        scores: NDArray[np.float64] = SCALE * ((within - 2.0 * squares) / pairs - 2.0 * across / (pairs + total))
        return scores

    def _sum(self, rows: Matrix, others: Matrix | None, weights: Matrix) -> Matrix:
        """Sum of count * count * kernel over all ordered pairs, for every resample."""
        total = np.zeros(weights.shape[1])
        for tile in tiles(rows, others):
            kernel = np.exp(np.multiply(tile.squared, -self._gamma, out=tile.squared), out=tile.squared)
            total += tile.weight * np.einsum("nb,nb->b", weights[tile.rows], kernel @ weights[tile.others])
        return total


class ResampledInception:
    """Mean inception score of resamples; equals `inception_score` on the repeated rows, in the order of the samples."""

    def __init__(self, logits: ArrayLike, splits: int, seed: int) -> None:
        log_p = log_softmax(samples(logits, "logits", columns="classes"))
        require_splits(len(log_p), splits)
        self._p = np.exp(log_p)
        self.row_sums = np.sum(self._p * log_p, axis=1)
        self._splits, self._seed = splits, seed

    @property
    def samples(self) -> int:
        """Number of samples, n."""
        return len(self._p)

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        """Scores, shape (b,), of resamples (b, n)."""
        return np.array([self._score(row) for row in counts])

    def _score(self, counts: Counts) -> float:
        order = np.repeat(np.arange(len(counts)), counts)
        order = order[shuffled(len(order), self._seed)]
        return float(np.mean([self._run(order[a:b]) for a, b in run_bounds(len(order), self._splits)]))

    def _run(self, picked: NDArray[np.int64]) -> float:
        marginal = self._p[picked].mean(axis=0)
        entropy = -np.sum(marginal * np.log(np.where(marginal > 0, marginal, 1.0)))
        return float(np.exp(max(entropy + self.row_sums[picked].mean(), 0.0)))
