"""FAD: Fréchet distance between the embeddings of generated and reference audio, without a matrix square root."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.algebra import device_for_rows, product, triangle
from metrics.frechet_expansion import frechet_expansion
from metrics.uncertainty.expansion import Expansion
from metrics.uncertainty.resampling import Counts, Needs, Units
from metrics.validation import Matrix, embeddings, paired_samples, require_samples, same_dimension

EIGEN_FROM = 256  # dimensions; below, singular values cost milliseconds


def frechet_audio_distance(reference: ArrayLike, generated: ArrayLike) -> float:
    """Return the Fréchet distance of the Gaussians fitted to both sets, in squared embedding units; lower is better.

    `|mean_r - mean_g|^2 + trace(C_r) + trace(C_g) - 2 trace((C_r C_g)^(1/2))` with covariances over n - 1. Symmetric,
    zero for equal sets, invariant under a common rotation and under the order of the rows. All in float64.

    With R and G the centred rows over sqrt(n - 1), the trace of the root is the sum of the singular values of R G^T,
    so no root is taken, singular covariances (fewer samples than dimensions) are not a special case, and the cost
    follows the smaller of samples and dimensions. Rounding can leave a value of about -1e-12 for equal sets; such
    a value is returned as 0.0.

    The distance is biased upward by small sets: compare only values of as many samples, or see `fad_infinity`.

    Args:
        reference: finite, shape (n, d): sample, dimension; embeddings of the reference audio, n >= 2.
        generated: finite, shape (m, d), m >= 2; m may differ from n.

    Returns:
        The distance, at least 0.

    Raises:
        ValueError: other shapes, fewer than two samples on a side, or a value that is not finite or beyond 1e60; names
            the first such sample.

    Source:
        Heusel et al. 2017 (arXiv:1706.08500), for audio Kilgour et al. 2019 (arXiv:1812.08466). Equals av-benchmark
        050a5cd, "FD-PANN", within 1e-6 of the value (its means are float32, its root is iterative). kadtk's FAD is
        another number, 0.08 % off in float32.

    Examples:
        Equal spread, means one apart.

        >>> round(frechet_audio_distance([[0.0], [2.0]], [[1.0], [3.0]]), 6)
        1.0
    """
    r, g = embeddings(reference, "reference", minimum=2), embeddings(generated, "generated", minimum=2)
    same_dimension(r, "reference", g, "generated")
    return distance_of_moments(*centred(r), *centred(g))


def fad_infinity(reference: ArrayLike, generated: ArrayLike, folds: int = 20) -> float:
    """Return the Fréchet distance extrapolated to sets of infinite size, in squared embedding units; lower is better.

    The distance of small sets is too large by about c / n. Both sets lose one of `folds` parts at a time, the mean
    distance of what remains gives the slope in 1 / n at the size at hand, and the line is followed to 1 / n = 0:
    `folds * FAD - (folds - 1) * mean(FAD without a fold)`. No draw is involved. Sets of equal size are taken as
    paired, row by row, and lose the same rows.

    This is the jackknife's correction, not a line fitted over sets of 1/4 to all of the samples: where samples are
    fewer than dimensions the bias is not a straight line in 1 / n, and on simulated embeddings (n about d, true
    distance 0.07) such fits gave 0.15 to 0.46 where this gives 0.07. For n well below d it still is too large, and
    sets whose rows belong together (the benchmark's) must be passed paired.

    Args:
        reference: finite, shape (n, d): sample, dimension; n >= max(folds, 4).
        generated: finite, shape (m, d), m >= max(folds, 4).
        folds: parts to leave out in turn, at least 2.

    Returns:
        The distance. As an unbiased guess it may be a little below 0 for sets of one distribution.

    Raises:
        ValueError: fewer than 2 folds, other shapes, too few samples for the folds, or a value that is not finite;
            names the first such sample.

    Source:
        Extrapolation as in Chong & Forsyth 2020 (arXiv:1911.07023) and Gui et al. 2024 (arXiv:2311.01616), by
        Quenouille's 1956 correction. kadtk 8bda71d draws its subsets with replacement and fits a line; not equal.

    Examples:
        Small sets from two distributions whose distance is 2.

        >>> reference, generated = np.random.default_rng(1).normal(size=(2, 400, 8))
        >>> generated += 0.5
        >>> round(frechet_audio_distance(reference, generated), 2), round(fad_infinity(reference, generated), 2)
        (2.12, 1.99)
    """
    if folds < 2:
        raise ValueError(f"folds: expected at least 2, got {folds}")
    r, g = embeddings(reference, "reference", minimum=2), embeddings(generated, "generated", minimum=2)
    same_dimension(r, "reference", g, "generated")
    for rows, name in ((r, "reference"), (g, "generated")):
        require_samples(len(rows), f"{name}, for {folds} folds", max(folds, 4))
    r_fold, g_fold = np.arange(len(r)) % folds, np.arange(len(g)) % folds
    remaining = [frechet_audio_distance(r[r_fold != fold], g[g_fold != fold]) for fold in range(folds)]
    return folds * frechet_audio_distance(r, g) - (folds - 1) * float(np.mean(remaining))


def centred(rows: Matrix) -> tuple[Matrix, Matrix]:
    """Return the mean, shape (d,), and the rows (n, d) around it divided by sqrt(n - 1), shape (n, d)."""
    mean: Matrix = rows.mean(axis=0)
    return mean, (rows - mean) / np.sqrt(len(rows) - 1)


def distance_of_moments(reference_mean: Matrix, reference: Matrix, generated_mean: Matrix, generated: Matrix) -> float:
    """Return the Fréchet distance from means, shape (d,), and scaled centred rows, shape (n, d) and (m, d).

    The squares of such rows sum to the trace of the covariance.
    """
    shift = reference_mean - generated_mean
    traces = np.vdot(reference, reference) + np.vdot(generated, generated)
    return max(float(shift @ shift + traces - 2.0 * root_trace(reference, generated)), 0.0)


def root_trace(reference: Matrix, generated: Matrix) -> float:
    """Trace of (C_r C_g)^(1/2): the sum of the singular values of `reference @ generated.T`, from a small matrix.

    Both arguments are centred and scaled, shape (n, d) and (m, d), so that C is rows.T @ rows.
    """
    n, d = reference.shape
    m = len(generated)
    device = device_for_rows(max(n, m), d)
    if min(n, m) > d >= EIGEN_FROM and not device:
        fast = _root_trace_from_eigenvalues(reference, generated)
        if fast is not None:
            return fast
    if n > d:  # R = Q T with Q orthonormal, and Q changes no singular value
        reference = triangle(reference)
    if m > d:
        generated = triangle(generated)
    times = product if device else np.matmul
    return float(np.linalg.svd(times(reference, generated.T), compute_uv=False).sum())


def _root_trace_from_eigenvalues(reference: Matrix, generated: Matrix) -> float | None:
    """The same from the eigenvalues of C_r C_g, three times faster; None where that would cost accuracy.

    The eigenvalues are squares of the singular values, so those that are small beside the largest lose their digits.
    The sum of what they may lose is bounded below; directions without variance (units that never fire) fail here.
    """
    covariance = reference.T @ reference
    try:
        lower = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return None
    other = generated.T @ generated
    squares = np.linalg.eigvalsh(lower.T @ other @ lower)
    rounding = np.finfo(np.float64).eps * np.sqrt(len(squares)) * squares[-1]
    if squares[0] <= rounding:
        return None
    values = np.sqrt(squares)
    total = float(values.sum())
    return total if float((rounding / (2.0 * values)).sum()) <= 1e-11 * total else None


class ResampledFrechet:
    """Fréchet distance of resamples; equals `frechet_audio_distance` on the repeated rows but for rounding.

    A resample draws pairs: row i of both sets belongs to one sample. A row drawn c times enters once, times sqrt(c).
    So the matrix whose singular values make the trace of the root is as large as the number of different rows, about
    354 for 560, and is cut out of one product of all rows. Many samples are not resampled but expanded, to second order
    in their weights, see `metrics.frechet_expansion`.
    """

    needs = Needs(different=2)
    lower_bound = 0.0
    smooth = True

    def __init__(self, reference: ArrayLike, generated: ArrayLike) -> None:
        """Take both sets.

        Args:
            reference: finite, shape (n, d), n >= 2: sample, dimension; embeddings of the reference audio.
            generated: finite, shape (n, d), paired with `reference` by row.

        Raises:
            ValueError: other shapes, fewer than two samples, or a value that is not finite; names the first such
                sample.
        """
        self.samples = len(paired_samples(reference, generated, minimum=2)[0])
        self._given = np.asarray(reference), np.asarray(generated)  # not in float64: many samples fill the memory
        self._expanded: tuple[NDArray[np.int64], Expansion | None] | None = None
        self._prepared = False

    def __call__(self, counts: Counts) -> NDArray[np.float64]:
        """Scores, shape (b,), of resamples (b, n)."""
        self._prepare()
        return np.array([self._score(row) for row in counts.astype(np.int64, copy=False)])

    def value(self) -> float:
        """Return the distance of both sets, as `frechet_audio_distance` does; known where the set was expanded."""
        expansion = self._expanded[1] if self._expanded else None
        return frechet_audio_distance(*self._given) if expansion is None else expansion.value

    def expansion(self, drawn: Units) -> Expansion | None:
        """Return the distance around the whole set; None for few samples, see `metrics.frechet_expansion`."""
        if self._expanded is None or not np.array_equal(self._expanded[0], drawn.codes):
            self._expanded = drawn.codes, frechet_expansion(*self._given, drawn)
        return self._expanded[1]

    def _prepare(self) -> None:
        """What all resamples share."""
        if self._prepared:
            return
        r, g = paired_samples(*self._given)
        self._shift = r - g
        centre = (r.mean(axis=0) + g.mean(axis=0)) / 2.0  # little left to cancel below
        self._reference, self._generated = r - centre, g - centre
        self._squares = np.einsum("nd,nd->n", self._reference, self._reference)
        self._squares += np.einsum("nd,nd->n", self._generated, self._generated)
        self._product: Matrix | None = None
        self._prepared = True

    def _score(self, counts: NDArray[np.int64]) -> float:
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
