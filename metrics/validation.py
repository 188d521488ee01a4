"""Checks that every metric makes of its arrays, so that the same mistake gets the same answer everywhere."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]

LARGEST = 1e60  # beyond every float32; of such values neither the squares nor the squares of sums of these overflow


def samples(values: ArrayLike, name: str, *, minimum: int = 1, columns: str = "d") -> Matrix:
    """Return `values` as a float64 matrix with one row per sample.

    Args:
        values: numbers, shape (n, d): sample, dimension.
        name: what a message calls the array, e.g. "reference".
        minimum: how many samples the caller needs at least.
        columns: what a message calls the second axis.

    Raises:
        ValueError: not a matrix of numbers, no column, fewer than `minimum` rows, or a value that is not finite;
            the first such sample is named.
    """
    array = numbers(values, name)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{name}: expected shape (n, {columns}), one row per sample, got {array.shape}")
    require_samples(len(array), name, minimum)
    require_finite(array, name)
    return array


def embeddings(values: ArrayLike, name: str, *, minimum: int = 1) -> Matrix:
    """Return embeddings as `samples` does, for metrics that square them.

    Raises:
        ValueError: see `samples`, or a value whose square would overflow; the first such sample is named.
    """
    rows = samples(values, name, minimum=minimum)
    if max(rows.max(), -rows.min()) > LARGEST:
        large = np.abs(rows).max(axis=1)
        first = int((large > LARGEST).argmax())
        raise ValueError(
            f"{name}: sample {first} of {len(rows)} holds {large[first]:g}, and distances of values beyond "
            f"{LARGEST:g} overflow; do they come from a backbone?"
        )
    return rows


def require_whole(value: object, name: str, least: int, most: int | None = None) -> None:
    """Raise unless a setting is a whole number in its range.

    Raises:
        ValueError: gives the range and what is there.
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        fits = least <= int(value) <= (np.inf if most is None else most)
    else:
        fits = False
    if not fits:
        until = "on" if most is None else f"to {most}"
        raise ValueError(f"{name}: expected a whole number from {least} {until}, got {value!r}")


def require_number(value: object, name: str) -> None:
    """Raise unless a setting is a finite number of at least 0.

    Raises:
        ValueError: gives what is there.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < np.inf:
        raise ValueError(f"{name}: expected a finite number of at least 0, got {value!r}")


def numbers(values: ArrayLike, name: str) -> Matrix:
    """Return `values` as a float64 array of any shape, without a copy where it is one already.

    Raises:
        ValueError: the values are complex, ragged or not numbers.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different length
        raise ValueError(f"{name}: expected an array of real numbers, every row as long as the others") from error
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected real numbers, got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def require_samples(count: int, name: str, minimum: int) -> None:
    """Raise unless there are at least `minimum` samples.

    Raises:
        ValueError: there are fewer; says how many there are and how many are needed.
    """
    if count < minimum:
        needed = f"{minimum} sample" + ("s" if minimum > 1 else "")
        raise ValueError(f"{name}: needs at least {needed}, got {count}")


def require_finite(array: Matrix, name: str) -> None:
    """Raise unless every value of every sample (first axis) is finite.

    Raises:
        ValueError: names the first sample with NaN or infinity.
    """
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        raise ValueError(f"{name}: sample {finite.argmin()} of {len(finite)} is not finite")


def paired_samples(reference: ArrayLike, generated: ArrayLike, *, minimum: int = 1) -> tuple[Matrix, Matrix]:
    """Return both sets as float64 matrices, shape (n, d) each: row i of both belongs to one sample.

    Args:
        reference: numbers, shape (n, d): sample, dimension.
        generated: numbers, shape (n, d).
        minimum: how many samples the caller needs at least.

    Raises:
        ValueError: as for `samples`, or shapes that differ.
    """
    r, g = samples(reference, "reference", minimum=minimum), samples(generated, "generated", minimum=minimum)
    same_length(r, "reference", g, "generated")
    same_dimension(r, "reference", g, "generated")
    return r, g


def same_dimension(first: Matrix, first_name: str, second: Matrix, second_name: str) -> None:
    """Raise unless both matrices have as many columns.

    Raises:
        ValueError: gives both shapes.
    """
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"{first_name} and {second_name}: expected as many columns, got {first.shape} and {second.shape}; "
            "do both come from the same backbone?"
        )


def same_length(first: Matrix, first_name: str, second: Matrix, second_name: str) -> None:
    """Raise unless both arrays have as many samples (they are paired, row by row).

    Raises:
        ValueError: gives both counts.
    """
    if len(first) != len(second):
        raise ValueError(
            f"{first_name} and {second_name}: rows are paired, so expected as many, got {len(first)} and {len(second)}"
        )
