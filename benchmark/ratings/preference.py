"""Studies of preferences: strengths, win rates and comparisons of models, with intervals over raters and scenes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.ratings.answers import CHOICES, Preferences
from benchmark.ratings.bradley_terry import LOSS, TIE, WIN, Fit, fault_of, fit, influences, pairs_of
from benchmark.ratings.design import LEVEL, RESAMPLES, Draws, Estimate, Matrix, draw, estimate, with_error
from metrics.uncertainty.intervals import Interval, check_settings, student_p_value
from metrics.uncertainty.significance import holm_of_known


@dataclass(frozen=True)
class Strength:
    """How often a model is preferred by one criterion.

    Attributes:
        strength: logarithm of its odds; the strengths of a subset and criterion add up to zero. None where the choices
            leave a strength open.
        interval: over raters and scenes; its `reason` says why there is none, or no strength.
        win_rate: share of its choices that it won, a tie counting one half.
        win_interval: likewise.
        choices: that it took part in.
    """

    subset: str
    model: str
    criterion: str
    strength: float | None
    interval: Interval
    win_rate: float
    win_interval: Interval
    choices: int


@dataclass(frozen=True)
class Comparison:
    """Two models against each other.

    Attributes:
        wins: choices for the first.
        ties: for neither.
        losses: for the second.
        difference: of their strengths, by all choices of the study; None where there are none.
        interval: over raters and scenes.
        p_value: two-sided, by Student's t with the interval's standard error; None without one.
        adjusted: by Holm's rule over all comparisons of the list.
    """

    subset: str
    first: str
    second: str
    criterion: str
    wins: int
    ties: int
    losses: int
    difference: float | None
    interval: Interval
    p_value: float | None
    adjusted: float | None = None


@dataclass(frozen=True)
class Ranking:
    """The result of a study of preferences.

    Attributes:
        strengths: by subset and criterion, strongest first; those without a strength by their win rate.
        comparisons: of every two models that were compared.
    """

    strengths: tuple[Strength, ...]
    comparisons: tuple[Comparison, ...]


def rank(preferences: Preferences, *, resamples: int = RESAMPLES, seed: int, level: float = LEVEL) -> Ranking:
    """Return strengths, win rates and comparisons of the models by subset and criterion.

    Intervals are made as those of mean opinions, see `benchmark.ratings.design`. Where the choices of one subset by
    one criterion leave a strength open (see `bradley_terry.fault_of`) there are win rates alone, with the reason.

    Args:
        preferences: screened as wanted.
        resamples: of raters and scenes.
        seed: decides the draws.
        level: nominal coverage.

    Raises:
        ValueError: settings that make no sense together.
    """
    check_settings(resamples, level, "percentile")
    strengths: list[Strength] = []
    comparisons: list[Comparison] = []
    for subset in preferences.subsets:
        items = preferences.of(subset).items
        draws = draw(items, resamples=resamples, seed=seed)
        for criterion in preferences.criteria:
            judged = items[items[criterion] != ""]
            if judged.empty:
                continue
            choices = _Choices.of(judged, criterion, draws)
            strengths += _strengths(subset, criterion, choices, level)
            comparisons += _comparisons(subset, criterion, choices, level)
    return Ranking(tuple(strengths), tuple(_adjusted(comparisons)))


@dataclass(frozen=True, eq=False)
class _Choices:
    """Choices of one subset by one criterion.

    Attributes:
        models: names.
        draws: of raters and scenes.
        matrices: (pair, outcome) to the choices by rater and scene.
        counts: shape (1, pairs, 3), see `bradley_terry.fit`.
        found: strengths on these counts.
        resampled: likewise, on every resample.
        unbound: in how many resamples a strength is open.
        fault: why a strength is open by all choices; "" where none is.
    """

    models: list[str]
    draws: Draws
    matrices: dict[tuple[int, int], Matrix]
    counts: NDArray[np.float64]
    found: Fit
    resampled: Fit
    unbound: int
    fault: str

    @classmethod
    def of(cls, judged: pd.DataFrame, criterion: str, draws: Draws) -> _Choices:
        models = sorted({*judged["model_a"], *judged["model_b"]})
        pairs = pairs_of(len(models))
        counts = np.zeros((1, len(pairs), 3))
        resampled = np.zeros((len(draws.of_scenes), len(pairs), 3))
        matrices = {}
        for (a, b, choice), part in judged.groupby(["model_a", "model_b", criterion], sort=True):
            at = pairs.index((models.index(a), models.index(b))), CHOICES.index(choice)
            matrices[at] = draws.matrix(part, pd.Series(1.0, index=part.index))
            counts[(0, *at)] = matrices[at].sum()
            resampled[(slice(None), *at)] = draws.totals(matrices[at])
        unbound = sum(bool(fault_of(one, models)) for one in resampled)
        drawn = fit(resampled, len(models))
        fault = fault_of(counts[0], models)
        return cls(models, draws, matrices, counts, fit(counts, len(models)), drawn, unbound, fault)

    def open(self, level: float) -> Interval:
        """Return the interval of what is not known, with the reason."""
        return Interval(None, None, level, "percentile", self.fault)

    def strength(self, weights: Matrix) -> Estimate:
        """Return a weighted sum of the strengths with its error; weights (k,), adding up to zero for a difference."""
        moved = influences(self.found, self.counts) @ weights
        influence = np.sum([matrix * moved[at] for at, matrix in self.matrices.items()], axis=0)
        rated = np.sum(list(self.matrices.values()), axis=0)
        value, replicates = float(self.found.strengths[0] @ weights), self.resampled.strengths @ weights
        return with_error(self.draws, value, replicates, influence, rated, contrast=True)

    def bound(self, interval: Interval) -> Interval:
        """Return the interval, or why there is none: too many resamples that leave a strength open."""
        allowed = (1.0 - interval.level) / 2.0 * len(self.draws.of_scenes)
        if self.unbound <= allowed or interval.ends is None:
            return interval
        reason = f"the choices leave a strength open in {self.unbound} of {len(self.draws.of_scenes)} resamples"
        return Interval(None, None, interval.level, interval.method, reason)


def _strengths(subset: str, criterion: str, choices: _Choices, level: float) -> list[Strength]:
    found = []
    models = len(choices.models)
    for place in range(models):
        won, met = _won(choices, place)
        rate = estimate(choices.draws, won, met, within=(0.0, 1.0))
        value, interval = None, choices.open(level)
        if not choices.fault:
            strength = choices.strength(np.eye(models)[place])
            value, interval = strength.value, choices.bound(strength.interval(level))
        found.append(
            Strength(subset, choices.models[place], criterion, value, interval, rate.value, rate.interval(level),
                     int(met.sum()))
        )  # fmt: skip
    return sorted(found, key=lambda one: -(one.win_rate if one.strength is None else one.strength))


def _won(choices: _Choices, model: int) -> tuple[Matrix, Matrix]:
    """Return what a model won, a tie counting one half, and its choices, by rater and scene."""
    shape = (len(choices.draws.raters), len(choices.draws.scenes))
    won, met = np.zeros(shape), np.zeros(shape)
    for (pair, outcome), matrix in choices.matrices.items():
        first, second = pairs_of(len(choices.models))[pair]
        if model in (first, second):
            met += matrix
            won += matrix * {WIN: float(model == first), LOSS: float(model == second), TIE: 0.5}[outcome]
    return won, met


def _comparisons(subset: str, criterion: str, choices: _Choices, level: float) -> list[Comparison]:
    found = []
    models = np.eye(len(choices.models))
    for place, (i, j) in enumerate(pairs_of(len(choices.models))):
        wins, losses, ties = (int(count) for count in choices.counts[0, place])
        if not wins + losses + ties:
            continue
        names = choices.models[i], choices.models[j]
        if choices.fault:
            found.append(Comparison(subset, *names, criterion, wins, ties, losses, None, choices.open(level), None))
            continue
        difference = choices.strength(models[i] - models[j])
        interval = choices.bound(difference.interval(level))
        bound = interval.ends is not None
        p_value = student_p_value(difference.value, difference.error, difference.freedom) if bound else None
        found.append(Comparison(subset, *names, criterion, wins, ties, losses, difference.value, interval, p_value))
    return found


def _adjusted(found: list[Comparison]) -> list[Comparison]:
    adjusted = holm_of_known([one.p_value for one in found])
    return [replace(one, adjusted=p_value) for one, p_value in zip(found, adjusted, strict=True)]
