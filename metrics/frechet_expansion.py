"""FAD of many samples, with all that its interval needs: derivatives of the Fréchet distance by every sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.algebra import lower_factor, product, singular, solve_transposed
from metrics.moments import Moments, row_parts, streamed_moments
from metrics.uncertainty.expansion import Expansion
from metrics.uncertainty.resampling import Units
from metrics.validation import Matrix

Rows = NDArray[Any]  # real numbers (n, d), taken to float64 a part at a time
Four = tuple[Matrix, Matrix, Matrix, Matrix]  # u, v, x, y: samples (p, d) around the means, and in the common basis

UNITS_FROM = 2000  # a thousand resamples of fewer take minutes, and keep the numbers of earlier versions
ROWS_PER_DIMENSION = 6
UNITS_PER_DIMENSION = 2
PAIRS_PER_ROW = 32
SAMPLED = 256  # rows whose pairs tell the scatter
EFFECTIVE_DIMENSIONS = 8  # of the root's spectrum: with fewer, the sum of the unrelated pairs is skewed, not normal
CONSTANT = 1e-20  # of the largest variance: what rounding leaves of a constant
SMALLEST = 1e-14  # of the largest variance left, and of the largest singular value: below, digits are rounding alone


def expandable(rows: int, dimensions: int, units: int) -> bool:
    """Return whether the second order is enough: many rows, and many units to draw, for each dimension.

    What it leaves out grows with d / n; docs/metrics.md has the widths beside those of plain resamples.
    """
    return rows >= ROWS_PER_DIMENSION * dimensions and units >= max(UNITS_FROM, UNITS_PER_DIMENSION * dimensions)


def frechet_expansion(reference: Rows, generated: Rows, drawn: Units) -> Expansion | None:
    """Return the Fréchet distance of both sets expanded to second order in the weights of their paired rows.

    With T the optimal transport map between the Gaussians, the derivative by a sample with centred rows u and v is
    `2 (u - v) (mean_r - mean_g) + |u|^2 + |v|^2 - u T u - v T^-1 v`. A basis takes both covariances to the diagonal
    matrix S whose trace is that of the root, and rows to x and y. There the second order of the trace of the root in
    `gamma = sum_i q_i (x_i x_i^T - y_i y_i^T)` is `-sum_kl gamma_kl^2 / (4 (s_k + s_l))`: Lyapunov's equation, solved.

    Args:
        reference: finite, shape (n, d): sample, dimension.
        generated: finite, shape (n, d), paired by row.
        drawn: what is resampled.

    Returns:
        The expansion; None where it would not be right: too few rows or units (`expandable`), a covariance that is
        singular or nearly so or of fewer than 8 effective dimensions (`sum(s)^2 / sum(s^2)`), or pairs within units
        more than 32 times the rows.

    Source:
        First order: Bhatia, Jain & Lim 2019 (arXiv:1712.01504), the derivative of the Bures distance. Second order of
        a resample: von Mises 1947.
    """
    n, d = np.shape(reference)
    pairs = drawn.pairs_within(PAIRS_PER_ROW * n) if expandable(n, d, drawn.size) else None
    basis = None if pairs is None else _basis(_moments(reference), _moments(generated))
    if pairs is None or basis is None:
        return None
    influence, own = np.empty(n), np.empty(n)
    kept = np.empty((2, n if len(pairs) else 0, basis.to_x.shape[1]), dtype=np.float32)  # digits enough here
    for part in row_parts(n):
        u, v, x, y = four = basis.rows(reference[part], generated[part])
        influence[part] = 2.0 * (u - v) @ basis.shift + _dots(u, u) + _dots(v, v) - _dots(x, x) - _dots(y, y)
        own[part] = basis.kernel(four, four)
        if len(pairs):
            kept[0, part], kept[1, part] = x, y
    related = np.empty(len(pairs))
    for part in row_parts(len(pairs)):
        first, second = (
            (*basis.centred(reference[rows], generated[rows]), kept[0, rows].astype(float), kept[1, rows].astype(float))
            for rows in pairs[part, 1:].T
        )
        related[part] = basis.kernel(first, second)
    scatter = _scatter(basis, reference, generated, drawn)
    return Expansion(basis.value, influence - influence.mean(), own, pairs, related, scatter)


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """Both Gaussians, and the maps that diagonalize them together."""

    value: float
    reference_mean: Matrix
    generated_mean: Matrix
    to_x: Matrix  # (d, d): from centred rows of the reference
    to_y: Matrix  # (d, d): from centred rows of the generated set
    decay: Matrix  # (d, m), with `weights` (m,): decay @ diag(weights) @ decay.T has the elements 1 / (s_k + s_l)
    weights: Matrix

    @property
    def shift(self) -> Matrix:
        """Mean of the reference minus that of the generated set, shape (d,)."""
        return self.reference_mean - self.generated_mean

    def centred(self, reference: Rows, generated: Rows) -> tuple[Matrix, Matrix]:
        """U and v of samples (p, d)."""
        return reference - self.reference_mean, generated - self.generated_mean

    def rows(self, reference: Rows, generated: Rows) -> Four:
        """u, v, x, y of samples (p, d)."""
        u, v = self.centred(reference, generated)
        return u, v, product(u, self.to_x), product(v, self.to_y)

    def kernel(self, first: Four, second: Four) -> Matrix:
        """Second-order coefficient, shape (p,), of p pairs of samples."""
        (u, v, x, y), (other_u, other_v, other_x, other_y) = first, second
        root = np.square(product(x * other_x, self.decay)) + np.square(product(y * other_y, self.decay))
        root -= np.square(product(x * other_y, self.decay)) + np.square(product(y * other_x, self.decay))
        means = _dots(x, other_x) + _dots(y, other_y) - _dots(u, other_v) - _dots(v, other_u)
        return np.asarray(0.5 * root @ self.weights + means)

    def kernel_matrix(self, rows: Four) -> Matrix:
        """The same for all pairs of p samples, shape (p, p)."""
        u, v, x, y = rows
        total = product(x, x.T) + product(y, y.T) - product(u, v.T) - product(v, u.T)
        for decay, weight in zip(np.sqrt(self.decay).T, self.weights, strict=True):
            across = product(x * decay, (y * decay).T)
            alike = np.square(product(x * decay, (x * decay).T)) + np.square(product(y * decay, (y * decay).T))
            total += 0.5 * weight * (alike - np.square(across) - np.square(across.T))
        return total


def _moments(rows: Rows) -> Moments:
    return streamed_moments(rows[part] for part in row_parts(len(rows)))


def _basis(reference: Moments, generated: Moments) -> _Basis | None:
    """Diagonalize; None where a covariance is singular, or so nearly that its small directions have no digits.

    Dimensions that are constant in a set (units that never fire) have no part in the root, nor in that of a resample.
    The values are singular values of a product of triangles, so small ones keep their digits beside large ones.
    """
    c_r, c_g = reference.covariance, generated.covariance
    alive = (np.diagonal(c_r) > CONSTANT * np.diagonal(c_r).max()) & (
        np.diagonal(c_g) > CONSTANT * np.diagonal(c_g).max()
    )
    lower, other = (lower_factor(covariance[np.ix_(alive, alive)]) for covariance in (c_r, c_g))
    if lower is None or other is None or not (_has_digits(lower) and _has_digits(other)):
        return None
    vectors, values = singular(product(lower.T, other))
    if values[-1] <= SMALLEST * values[0] or values.sum() ** 2 < EFFECTIVE_DIMENSIONS * np.square(values).sum():
        return None
    shift = reference.mean - generated.mean
    distance = max(float(shift @ shift + np.trace(c_r) + np.trace(c_g) - 2.0 * values.sum()), 0.0)
    to_x, to_y = np.zeros((2, len(alive), len(values)))
    to_x[alive] = solve_transposed(lower, vectors) * np.sqrt(values)
    to_y[alive] = product(lower, vectors) / np.sqrt(values)
    return _Basis(distance, reference.mean, generated.mean, to_x, to_y, *_sum_inverse(values))


def _has_digits(lower: Matrix) -> bool:
    """Whether what elimination left of every variance is more than the rounding of the largest one."""
    left = np.square(np.diagonal(lower))
    return bool(left.size and left.min() > SMALLEST * left.max())


def _sum_inverse(values: Matrix) -> tuple[Matrix, Matrix]:
    """Terms (d, m) and weights (m,) of 1 / (s_k + s_l) as a sum of products, to 1 %: its Laplace integral in log t."""
    times = np.exp(np.arange(-np.log(2.0 * values[0]) - 5.0, -np.log(2.0 * values[-1]) + 2.5))
    return np.exp(-np.outer(values, times)), times


def _scatter(basis: _Basis, reference: Rows, generated: Rows, drawn: Units) -> float:
    """Standard deviation of the kernel over unrelated pairs, of some rows across the set."""
    chosen = np.random.default_rng(0).permutation(len(reference))[:SAMPLED]  # moves the estimate, never the draws
    codes = drawn.codes[chosen]
    related = (codes[:, np.newaxis, :, np.newaxis] == codes[np.newaxis, :, np.newaxis, :]).any(axis=(2, 3))
    found = basis.kernel_matrix(basis.rows(reference[chosen], generated[chosen]))[~related]
    return float(found.std()) if found.size else 0.0


def _dots(first: Matrix, second: Matrix) -> Matrix:
    return np.asarray(np.einsum("pd,pd->p", first, second))
