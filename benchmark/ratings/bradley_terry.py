"""The Bradley-Terry model with ties: strengths of models that make the choices between their answers likeliest.

With strengths s and a readiness to tie t, all as logarithms, an answer of a wins against one of b with odds e^s_a,
loses with e^s_b and ties with e^(t + (s_a + s_b) / 2): the model of Davidson, in which ties say that two are alike.
Strengths add up to zero; a difference of 1 means that of the choices that are no tie 73 % go to the stronger one.

Source:
    Bradley and Terry 1952; Davidson 1970, "On extending the Bradley-Terry model to accommodate ties"; Ford 1957 on when
    strengths are finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
WIN, LOSS, TIE = 0, 1, 2  # outcomes of a pair, for its first model
PENALTY = 1e-6  # keeps a resample finite in which a model never loses; moves an estimate by less than 1e-4
STEPS, CLOSE, LONGEST = 200, 1e-10, 2.0  # of Newton's method: most steps, where it ends, longest step
NO_TIES = -40.0  # log odds that make a tie as good as impossible, where none was chosen


@dataclass(frozen=True, eq=False)
class Fit:
    """Strengths of k models on b sets of choices.

    Attributes:
        strengths: shape (b, k), each set adding up to zero.
        tie_odds: shape (b,): how much likelier a tie is than a win between equal models; 0 where there was none.
        parameters: shape (b, k + 1): the strengths before they are centred, and the log odds of a tie.
    """

    strengths: Matrix
    tie_odds: Matrix
    parameters: Matrix


def pairs_of(models: int) -> list[tuple[int, int]]:
    """Return every pair of k models, the lower number first, in the order of the arrays here."""
    return list(combinations(range(models), 2))


def fit(counts: Matrix, models: int) -> Fit:
    """Return the strengths that make the choices likeliest.

    The likelihood is that of an exponential family, so it has one maximum, which Newton's method finds.

    Args:
        counts: shape (b, pairs, 3): how often the first of a pair won, lost and tied, see `pairs_of`. What
            `check_connected` refuses has no finite strengths, and gets large ones.
        models: k.
    """
    design = _design(models)
    ties = counts[:, :, TIE].sum(axis=1) > 0
    parameters = np.zeros((len(counts), models + 1))
    parameters[~ties, models] = NO_TIES
    free = np.ones_like(parameters)
    free[~ties, models] = 0.0
    for _ in range(STEPS):
        expected, curvature = _expected(parameters, counts, design)
        scale = PENALTY * np.maximum(counts.sum(axis=(1, 2)), 1.0)[:, np.newaxis]
        gradient = (np.einsum("bpo,pom->bm", counts - expected, design) - scale * parameters) * free
        curvature = curvature * free[:, :, np.newaxis] * free[:, np.newaxis, :]
        curvature += (scale + 1.0 - free)[:, :, np.newaxis] * np.eye(models + 1)
        step = np.linalg.solve(curvature, gradient[:, :, np.newaxis])[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True, initial=0.0)
        parameters = parameters + step * np.minimum(1.0, LONGEST / np.maximum(longest, LONGEST))
        if longest.max(initial=0.0) < CLOSE:
            break
    strengths = parameters[:, :models] - parameters[:, :models].mean(axis=1, keepdims=True)
    strengths[np.abs(strengths) < CLOSE] = 0.0  # what the search leaves of equal models is no difference
    return Fit(strengths, np.where(ties, np.exp(parameters[:, models]), 0.0), parameters)


def _design(models: int) -> Matrix:
    """Exponents of the outcomes of every pair, shape (pairs, 3, k + 1): strengths, then the readiness to tie."""
    pairs = pairs_of(models)
    design = np.zeros((len(pairs), 3, models + 1))
    for place, (first, second) in enumerate(pairs):
        design[place, WIN, first] = design[place, LOSS, second] = design[place, TIE, models] = 1.0
        design[place, TIE, [first, second]] = 0.5
    return design


def _expected(parameters: Matrix, counts: Matrix, design: Matrix) -> tuple[Matrix, Matrix]:
    """Return the counts that the parameters lead one to expect, and the curvature of the likelihood."""
    shares = _shares(parameters, design)
    total = counts.sum(axis=2)
    means = np.einsum("bpo,pom->bpm", shares, design)
    second = np.einsum("bp,bpo,pom,pon->bmn", total, shares, design, design, optimize=True)
    curvature = second - np.einsum("bp,bpm,bpn->bmn", total, means, means, optimize=True)
    return shares * total[:, :, np.newaxis], curvature


def _shares(parameters: Matrix, design: Matrix) -> Matrix:
    exponents = np.einsum("pom,bm->bpo", design, parameters)
    odds = np.exp(exponents - exponents.max(axis=2, keepdims=True))
    shares: Matrix = odds / odds.sum(axis=2, keepdims=True)
    return shares


def influences(found: Fit, counts: Matrix) -> Matrix:
    """Return how far one more choice of each outcome of each pair would move the strengths, shape (pairs, 3, k).

    Args:
        found: of one set of choices.
        counts: that set, shape (1, pairs, 3).
    """
    models = found.strengths.shape[1]
    design = _design(models)
    kept = models + int(counts[:, :, TIE].sum() > 0)  # without ties their readiness is no parameter
    shares = _shares(found.parameters, design)
    _, curvature = _expected(found.parameters, counts, design)
    surprise = (design - np.einsum("bpo,pom->pm", shares, design)[:, np.newaxis, :])[:, :, :kept]
    moved = surprise @ np.linalg.pinv(curvature[0, :kept, :kept])  # strengths as a whole have no place of their own
    centred: Matrix = moved[:, :, :models] - moved[:, :, :models].mean(axis=2, keepdims=True)
    return centred


def fault_of(counts: Matrix, models: Sequence[str]) -> str:
    """Return why choices leave the strength of a model open, naming it, or "".

    From every model a chain of wins or ties must lead to every other; else the models fall into groups that were never
    compared, or a group won every choice against the others and its strength has no upper bound.

    Args:
        counts: shape (pairs, 3).
        models: names of the k models.
    """
    beats = np.zeros((len(models), len(models)), dtype=bool)
    for (first, second), (wins, losses, ties) in zip(pairs_of(len(models)), counts, strict=True):
        beats[first, second], beats[second, first] = wins + ties > 0, losses + ties > 0
    reach = np.linalg.matrix_power((beats | np.eye(len(models), dtype=bool)).astype(np.float64), len(models)) > 0
    met = np.linalg.matrix_power((beats | beats.T | np.eye(len(models), dtype=bool)).astype(float), len(models)) > 0
    if not met.all():
        group = ", ".join(name for name, there in zip(models, met[0], strict=True) if there)
        return f"{group} and the other models were never compared, not even by way of a third"
    if reach.all():
        return ""
    best = int(reach.sum(axis=1).argmax())
    group = ", ".join(name for name, back in zip(models, reach[:, best], strict=True) if back)
    return f"{group} won every choice against the other models, so there is no upper bound to the strength"
