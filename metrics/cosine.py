"""Cosine of paired embeddings: the arithmetic that the CLAP and the ImageBind score share."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.validation import Matrix, same_dimension, same_length, samples


def paired_cosine(first: ArrayLike, first_name: str, second: ArrayLike, second_name: str) -> NDArray[np.float64]:
    """Return the cosine of row i of `first` and row i of `second`; float64, shape (n,), in [-1, 1].

    Args:
        first: finite, shape (n, d): sample, dimension; need not have unit length.
        first_name: what a message calls it.
        second: finite, shape (n, d).
        second_name: what a message calls it.

    Raises:
        ValueError: shapes that differ, no sample, a value that is not finite, or an embedding of length zero, which
            has no direction; names the first such sample.
    """
    a, b = samples(first, first_name), samples(second, second_name)
    same_length(a, first_name, b, second_name)
    same_dimension(a, first_name, b, second_name)
    cosine: NDArray[np.float64] = np.einsum("nd,nd->n", _unit(a, first_name), _unit(b, second_name))
    return np.clip(cosine, -1.0, 1.0)  # rounding can leave 1 + 2e-16


def _unit(rows: Matrix, name: str) -> Matrix:
    """Rows scaled to length one; the largest entry goes first, so that squares neither overflow nor vanish."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError(
            f"{name}: sample {int(largest[:, 0].argmin())} of {len(rows)} has length zero, so no direction"
        )
    scaled = rows / largest
    unit: Matrix = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return unit
