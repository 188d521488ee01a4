"""Audiobox Aesthetics: what a predictor of people's ratings says of each sound, without a reference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.validation import samples

AXES = ("CE", "CU", "PC", "PQ")  # in the order of the published predictor


@dataclass(frozen=True)
class Aesthetics:
    """The four ratings of each sound, float64 (n,), on the raters' scale of 1 to 10 (the predictor knows no bounds).

    Attributes:
        enjoyment: CE, content enjoyment.
        usefulness: CU, content usefulness.
        complexity: PC, production complexity.
        quality: PQ, production quality.
    """

    enjoyment: NDArray[np.float64]
    usefulness: NDArray[np.float64]
    complexity: NDArray[np.float64]
    quality: NDArray[np.float64]


def aesthetics(ratings: ArrayLike) -> Aesthetics:
    """Return the four ratings of each sound by their names.

    Args:
        ratings: finite, shape (n, 4): sample, axis (CE, CU, PC, PQ), as `metrics.backbones.audiobox` predicts them.

    Raises:
        ValueError: another shape, no sample, or a value that is not finite; names the first such sample.

    Source:
        Audiobox Aesthetics (Tjandra et al. 2025, arXiv:2502.05139), package audiobox-aesthetics 0.0.4.

    Examples:
        >>> aesthetics([[5.5, 6.0, 3.25, 7.0], [4.0, 4.5, 2.0, 6.5]]).quality.tolist()
        [7.0, 6.5]
    """
    rows = samples(ratings, "ratings", columns="4")
    if rows.shape[1] != len(AXES):
        raise ValueError(f"ratings: expected shape (n, 4), for {', '.join(AXES)}, got {rows.shape}")
    return Aesthetics(*rows.T)
