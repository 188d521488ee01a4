"""Products and factors of large matrices in float64: the one place that chooses by what they are computed.

That is scipy's BLAS and LAPACK, or the device that was chosen for scoring (`metrics.placement`) for matrices that are
multiplied for longer than they are moved.

numpy 1.26 brings an OpenBLAS of 2023 that takes processors it does not know for those of 2004: measured on such a one,
7 GFLOP/s a core where scipy's reaches 48. Small sets stay with numpy's `@`, whose last digits their results have.
"""

import numpy as np

from metrics.placement import Device, current_device
from metrics.validation import Matrix

MANY = 2048  # rows; the triangles of fewer are numpy's whatever the device, to the last digit
THICK = 512  # rows and columns; thinner matrices are moved to a device for longer than they are multiplied here


def device_for(*sizes: int) -> Device | None:
    """Return the device that multiplies matrices of these sizes; None: they stay here."""
    return current_device() if min(sizes) >= THICK else None


def device_for_rows(count: int, dimensions: int) -> Device | None:
    """Return the device that makes triangles of so many rows; None: they stay here."""
    return device_for(count, dimensions) if count > MANY else None


def product(left: Matrix, right: Matrix) -> Matrix:
    """Return `left @ right`, shape (a, c), of float64 matrices (a, b) and (b, c); contiguous ones are not copied.

    Of two tensors on a device (`metrics.placement.Array`) it is a tensor there.
    """
    if not isinstance(left, np.ndarray):
        return left @ right
    if device := device_for(*left.shape, right.shape[1]):
        return device.product(left, right)
    from scipy.linalg.blas import dgemm

    # BLAS counts columns first: the product of the transposes, which are views, is the transpose of the product.
    first, turn_first = (right.T, 0) if right.flags.c_contiguous else (right, 1)
    second, turn_second = (left.T, 0) if left.flags.c_contiguous else (left, 1)
    return np.asarray(dgemm(1.0, first, second, trans_a=turn_first, trans_b=turn_second)).T


def gram(rows: Matrix) -> Matrix:
    """Return `rows.T @ rows`, shape (d, d), of a float64 matrix (n, d), for half the work of a product."""
    if device := device_for(*rows.shape):
        upper = device.product(rows.T, rows)
    else:
        from scipy.linalg.blas import dsyrk

        upper = np.asarray(dsyrk(1.0, rows.T))
    return np.asarray(np.triu(upper) + np.triu(upper, 1).T)


def triangle(rows: Matrix) -> Matrix:
    """Return the triangular factor R, shape (d, d), of a tall matrix (n, d): R^T R is its Gram matrix.

    The signs of its rows are those that the device or numpy happens to choose.
    """
    if device := device_for_rows(*rows.shape):
        return device.triangle(rows)
    return np.asarray(np.linalg.qr(rows, mode="r"), dtype=np.float64)  # the stubs lack the form that returns only R


def lower_factor(covariance: Matrix) -> Matrix | None:
    """Return the lower triangular L, shape (d, d), with L L^T = `covariance`; None where there is none."""
    from scipy.linalg import LinAlgError, cholesky

    try:
        return np.ascontiguousarray(cholesky(covariance, lower=True, check_finite=False))
    except LinAlgError:
        return None


def singular(matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Return the left singular vectors, shape (d, d), in columns, and the singular values, shape (d,), descending."""
    from scipy.linalg import svd

    vectors, values, _ = svd(matrix, check_finite=False)
    return np.ascontiguousarray(vectors), np.asarray(values)


def solve_transposed(lower: Matrix, right: Matrix) -> Matrix:
    """Return `inverse(lower.T) @ right`, shape (d, c), for a lower triangular matrix (d, d)."""
    from scipy.linalg import solve_triangular

    return np.ascontiguousarray(solve_triangular(lower, right, trans="T", lower=True, check_finite=False))
