"""Mixed-effects models of numbers by restricted maximum likelihood, for any crossed random effects.

With effects of standard deviation t sigma for each group, the variance of the numbers is sigma^2 (1 + Z T^2 Z'). All
that the likelihood needs of the numbers are their sums by groups, so that its cost grows with the groups alone.

Source:
    Bates, Maechler, Bolker and Walker 2015, "Fitting linear mixed-effects models using lme4" (Journal of Statistical
    Software 67), sections 2 and 3: the profiled criterion, over deviations relative to sigma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
CLOSE, ALIKE, STEPS = 1e-4, 1e-6, 2000  # in deviations, and in the criterion, where the search ends; or gives up


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model.

    Attributes:
        effects: shape (p,), of the columns of the design.
        covariance: of the effects, shape (p, p).
        deviations: standard deviation of each kind of group.
        residual: standard deviation of what is left.
        converged: whether the search for the deviations ended.
    """

    effects: Matrix
    covariance: Matrix
    deviations: tuple[float, ...]
    residual: float
    converged: bool


def fit_restricted(values: Matrix, design: Matrix, groups: Sequence[NDArray[np.int64]]) -> Fitted:
    """Return the model `values ~ design + (1 | groups[0]) + (1 | groups[1]) + ...`, fitted by REML.

    Args:
        values: shape (n,).
        design: of full rank, shape (n, p), p below n.
        groups: of each kind, the number of the group that each value belongs to, shape (n,).

    Raises:
        numpy.linalg.LinAlgError: the design is not of full rank.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    sizes = [int(kind.max()) + 1 for kind in groups]
    among = np.zeros((len(values), sum(sizes)))
    for begin, kind in zip(np.cumsum([0, *sizes[:-1]]), groups, strict=True):
        among[np.arange(len(values)), begin + kind] = 1.0
    fixed = np.column_stack([design, values])
    products = among.T @ among, among.T @ fixed, fixed.T @ fixed
    freedom = len(values) - design.shape[1]

    def solved(relative: Matrix) -> tuple[float, Matrix, Matrix, float]:
        """Return the criterion, effects, their covariance over sigma squared, and sigma squared."""
        scale = np.repeat(np.abs(relative), sizes)
        lower = np.linalg.cholesky(products[0] * np.outer(scale, scale) + np.eye(len(scale)))
        part = solve_triangular(lower, products[1] * scale[:, np.newaxis], lower=True, check_finite=False)
        left = products[2] - part.T @ part
        inverse = np.linalg.inv(left[:-1, :-1])
        effects = inverse @ left[:-1, -1]
        variance = max(float(left[-1, -1] - left[:-1, -1] @ effects) / freedom, 0.0)
        size = 2.0 * np.log(np.diag(lower)).sum() + np.linalg.slogdet(left[:-1, :-1])[1]
        return float(freedom * np.log(max(variance, 1e-300)) + size), effects, inverse, variance

    def criterion(relative: Matrix) -> float:
        return solved(relative)[0]

    start = np.full(len(groups), 0.5)
    found = minimize(criterion, start, method="Nelder-Mead", options={"xatol": CLOSE, "fatol": ALIKE, "maxiter": STEPS})
    _, effects, inverse, variance = solved(found.x)
    deviations = tuple(float(one) for one in np.abs(found.x) * variance**0.5)
    return Fitted(effects, inverse * variance, deviations, float(variance**0.5), bool(found.success))
