"""How far raters agree with one another, and with themselves: Krippendorff's alpha by the package `krippendorff`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.ratings.answers import ANSWER, Answers
from benchmark.ratings.design import LEVEL
from benchmark.ratings.quality import repeated_differences
from foundation.extras import load_extra
from metrics.uncertainty.intervals import Interval, interval_from_replicates

Scale = Literal["nominal", "ordinal", "interval", "ratio"]  # of measurement
RESAMPLES = 500  # alpha costs a millisecond or more


@dataclass(frozen=True)
class Reliability:
    """Agreement of raters by one criterion.

    Attributes:
        between: "raters": different people on the same answers; "repeats": the same people on the same answers twice.
        alpha: Krippendorff's, ordinal: 1 is agreement, 0 what chance gives; None where it is not defined.
        interval: over scenes; its `reason` says why there is none.
        answers: with at least two ratings each.
        ratings: of these answers.
        difference: mean absolute difference of the two ratings in points, between repeats; None between raters.
        reason: why there is no alpha; "" where there is one.
    """

    subset: str
    criterion: str
    between: Literal["raters", "repeats"]
    alpha: float | None
    interval: Interval
    answers: int
    ratings: int
    difference: float | None = None
    reason: str = ""


def krippendorff_alpha(ratings: NDArray[np.float64], scale: Scale = "ordinal") -> tuple[float | None, str]:
    """Return Krippendorff's alpha of incomplete ratings, or None and why it is not defined.

    Args:
        ratings: shape (raters, units), NaN where not rated.
        scale: of measurement; "ordinal" for points of a rating.

    Raises:
        foundation.extras.MissingPackage: the extra `web` is not installed.

    Source:
        Krippendorff 2011, "Computing Krippendorff's alpha-reliability"; its example C is a test.
    """
    return _alpha(*_value_counts(ratings), scale)


def _value_counts(ratings: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values that occur and how often each occurs in each unit, shape (units, values)."""
    values = np.unique(ratings[np.isfinite(ratings)])
    counts = np.stack([(ratings == value).sum(axis=0) for value in values], axis=1) if len(values) else np.zeros((0, 0))
    return values, np.asarray(counts, dtype=np.int64)


def _alpha(values: NDArray[np.float64], counts: NDArray[np.int64], scale: Scale) -> tuple[float | None, str]:
    package = load_extra("krippendorff", "web", needed_by="the agreement of raters")
    pairable = counts[counts.sum(axis=1) >= 2] if counts.size else counts
    if not len(pairable):
        return None, "no answer has two ratings"
    if (pairable.sum(axis=0) > 0).sum() < 2:
        return None, "all ratings are the same: without differences there is nothing to agree on"
    return float(package.alpha(value_counts=pairable, value_domain=values, level_of_measurement=scale)), ""


def reliability(answers: Answers, *, resamples: int = RESAMPLES, seed: int, level: float = LEVEL) -> list[Reliability]:
    """Return alpha by subset and criterion: between raters, and between first and second answers where there are any.

    The interval resamples scenes, for all answers to a scene together.

    Args:
        answers: screened as wanted.
        resamples: of scenes.
        seed: decides the draws.
        level: nominal coverage.

    Raises:
        foundation.extras.MissingPackage: the extra `web` is not installed.
    """
    found = []
    for subset in answers.subsets:
        part = answers.of(subset)
        twice = repeated_differences(part.table, answers.criteria, ANSWER, answers.points)
        for criterion in answers.criteria:
            rated = part.items[part.items[criterion].notna()]
            scenes, counts, values = _counts(rated, criterion)
            alpha, reason = _alpha(values, counts, "ordinal")
            several = counts.sum(axis=1) >= 2
            interval = _interval(alpha, reason, values, counts, scenes, resamples, seed, level)
            found.append(Reliability(subset, criterion, "raters", alpha, interval, int(several.sum()),
                                     int(counts[several].sum()), None, reason))  # fmt: skip
            repeats = twice[twice["criterion"] == criterion]
            if len(repeats):
                found.append(_between_repeats(subset, criterion, repeats, answers.points, level))
    return found


def _counts(rated: pd.DataFrame, criterion: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return of every answer the number of its scene and its ratings by value, (answers, values), and the values."""
    table = pd.crosstab([rated["sample_id"], rated["model"]], rated[criterion])
    scenes = pd.factorize(table.index.get_level_values(0))[0].astype(np.int64)
    return scenes, table.to_numpy(dtype=np.int64), table.columns.to_numpy(dtype=np.float64)


def _interval(
    alpha: float | None,
    reason: str,
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
    scenes: NDArray[np.int64],
    resamples: int,
    seed: int,
    level: float,
) -> Interval:
    if alpha is None:
        return Interval(None, None, level, "percentile", reason)
    size = int(scenes.max()) + 1
    if size < 3:
        return Interval(None, None, level, "percentile", f"too few to resample: {size} of at least 3 scenes")
    rng = np.random.default_rng([seed, 2])
    replicates = []
    for _ in range(resamples):
        often = np.bincount(rng.integers(size, size=size), minlength=size)
        replicate, _ = _alpha(values, np.repeat(counts, often[scenes], axis=0), "ordinal")
        replicates.append(float("nan") if replicate is None else replicate)
    drawn = np.array(replicates)
    return interval_from_replicates(alpha, drawn, level, "percentile", lambda: drawn)


def _between_repeats(
    subset: str, criterion: str, repeats: pd.DataFrame, points: tuple[int, int], level: float
) -> Reliability:
    alpha, reason = krippendorff_alpha(repeats[["first", "second"]].to_numpy(dtype=np.float64).T)
    none = Interval(None, None, level, "percentile", reason or "not resampled: repeats are few")
    difference = float(repeats["difference"].mean()) * (points[1] - points[0])
    return Reliability(subset, criterion, "repeats", alpha, none, len(repeats), 2 * len(repeats), difference, reason)
