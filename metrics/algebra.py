"""Products and factors of large matrices, by scipy's BLAS and LAPACK in float64: the one place that chooses them.

numpy 1.26 brings an OpenBLAS of 2023 that takes processors it does not know for those of 2004: measured on such a one,
7 GFLOP/s a core where scipy's reaches 48. Small sets stay with numpy's `@`, whose last digits their results have.
"""

import numpy as np

from metrics.validation import Matrix


def product(left: Matrix, right: Matrix) -> Matrix:
    """Return `left @ right`, shape (a, c), of float64 matrices (a, b) and (b, c); contiguous ones are not copied."""
    from scipy.linalg.blas import dgemm

    # BLAS counts columns first: the product of the transposes, which are views, is the transpose of the product.
    first, turn_first = (right.T, 0) if right.flags.c_contiguous else (right, 1)
    second, turn_second = (left.T, 0) if left.flags.c_contiguous else (left, 1)
    return np.asarray(dgemm(1.0, first, second, trans_a=turn_first, trans_b=turn_second)).T


def gram(rows: Matrix) -> Matrix:
    """Return `rows.T @ rows`, shape (d, d), of a float64 matrix (n, d), for half the work of a product."""
    from scipy.linalg.blas import dsyrk

    upper = np.asarray(dsyrk(1.0, rows.T))
    return np.asarray(np.triu(upper) + np.triu(upper, 1).T)


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
