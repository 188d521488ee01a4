"""What a set-wise score may offer beside its resamples, so that many samples need no score for each of them.

All three are optional and independent: a score has the method or it has not. Only the score can say whether a shortcut
is right for the samples at hand, so it may also decline, and then every resample is scored.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from metrics.uncertainty.expansion import Expansion
from metrics.uncertainty.resampling import Needs, Resampled, Units, scores_of, whole_set

Vector = NDArray[np.float64]


@runtime_checkable
class Valued(Protocol):
    """A `Resampled` that also gives what the metric's function returns, from what both compute."""

    def value(self) -> float:
        """Return the score of the set: that of the function, for small sets to the bit, for large but for rounding."""
        ...


@runtime_checkable
class LeavesOut(Protocol):
    """A `Resampled` with a closed form of the jackknife."""

    def left_out(self, drawn: Units) -> Vector | None:
        """Return the scores with one unit left out at a time, shape (units,), NaN where too few samples remain.

        None: they are to be scored one by one.
        """
        ...


@runtime_checkable
class Expands(Protocol):
    """A `Resampled` that can be expanded in the weights of its samples."""

    def expansion(self, drawn: Units) -> Expansion | None:
        """Return the score near the whole set; None where that is not right, or plain resamples are quick."""
        ...


def replicates(scorer: Resampled, drawn: Units, resamples: int, seed: int) -> tuple[float, Vector]:
    """Return the score of the set, and those of its resamples, shape (resamples,)."""
    counts = drawn.resamples(resamples, seed, scorer.needs)
    expansion = _expansion(scorer, drawn)
    if expansion is not None:
        return expansion.value, expansion.replicates(counts, seed)
    found = scores_of(scorer, counts)
    return score_of_set(scorer, drawn), found  # last: what the resamples left behind may make it cheap


def left_out(scorer: Resampled, drawn: Units, needs: Needs | None = None) -> Vector:
    """Return the scores with one unit left out at a time, shape (units,); NaN where too few samples remain.

    Args:
        scorer: a smooth score.
        drawn: the units.
        needs: of the scores that it is compared with, where these are more than its own.
    """
    expansion = _expansion(scorer, drawn)
    if expansion is not None:
        return expansion.left_out(drawn)
    closed = scorer.left_out(drawn) if isinstance(scorer, LeavesOut) else None
    return drawn.left_out_scores(scorer, needs or scorer.needs) if closed is None else closed


def score_of_set(scorer: Resampled, drawn: Units) -> float:
    """Return the score of all samples, once each, as the resamples' scores are computed."""
    expansion = _expansion(scorer, drawn)
    return expansion.value if expansion is not None else float(scorer(whole_set(len(drawn.codes)))[0])


def _expansion(scorer: Resampled, drawn: Units) -> Expansion | None:
    return scorer.expansion(drawn) if isinstance(scorer, Expands) else None
