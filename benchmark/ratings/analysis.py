"""Everything that a study says, in one record: screened, averaged, tested, ranked, and what a next one would need."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import partial
from typing import Any

from benchmark.ratings.answers import Answers, Preferences
from benchmark.ratings.design import LEVEL, RESAMPLES
from benchmark.ratings.mixed import MixedModel, mixed_models
from benchmark.ratings.opinion import Opinion, OpinionDifference, differences, opinions
from benchmark.ratings.paired_tests import PairedTest, paired_tests
from benchmark.ratings.planning import Plan, check_precision, plan
from benchmark.ratings.preference import Ranking, rank
from benchmark.ratings.reliability import RESAMPLES as ALPHA_RESAMPLES
from benchmark.ratings.reliability import Reliability, reliability
from benchmark.ratings.screening import Limits, Screening, screen

MOST_TOLD = 20  # findings in a message


@dataclass(frozen=True)
class Settings:
    """What a user may choose about an analysis.

    Attributes:
        keep: raters who stay whatever screening says.
        drop: raters who go whatever screening says.
        screening: whether raters who break a rule are left out.
        limits: of the rules.
        precision: wanted half-width of a mean opinion's interval, in points.
        resamples: of raters and scenes.
        seed: decides all draws.
        level: nominal coverage of the intervals.

    Raises:
        ValueError: a precision that is not a number above zero, before anything is computed.
    """

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    screening: bool = True
    limits: Limits = field(default_factory=Limits)
    precision: float = 0.1
    resamples: int = RESAMPLES
    seed: int = 0
    level: float = LEVEL

    def __post_init__(self) -> None:
        check_precision(self.precision)


@dataclass(frozen=True)
class RatingAnalysis:
    """A study of ratings in points.

    Attributes:
        answers: those that count, after screening.
        opinions: by subset, criterion and model.
        by_category: likewise, by category of the target.
    """

    answers: Answers
    settings: Settings
    screening: Screening
    opinions: tuple[Opinion, ...]
    by_category: tuple[Opinion, ...]
    differences: tuple[OpinionDifference, ...]
    tests: tuple[PairedTest, ...]
    reliability: tuple[Reliability, ...]
    mixed: tuple[MixedModel, ...]
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class PreferenceAnalysis:
    """A study of choices between two answers.

    Attributes:
        preferences: those that count, after screening.
    """

    preferences: Preferences
    settings: Settings
    screening: Screening
    ranking: Ranking


def analyse_ratings(answers: Answers, settings: Settings) -> RatingAnalysis:
    """Return the analysis of ratings in points.

    Raises:
        ValueError: a rater to keep or drop who is not there, nobody left after screening, or settings that make no
            sense together.
        foundation.extras.MissingPackage: the extra `web` is not installed.
    """
    kept, screening = screen(
        answers, keep=settings.keep, drop=settings.drop, enabled=settings.screening, limits=settings.limits
    )
    _check_left(len(kept.items), screening, answers.source)
    resamples, seed, level = settings.resamples, settings.seed, settings.level
    means = partial(opinions, kept, resamples=resamples, seed=seed, level=level)
    return RatingAnalysis(
        answers=kept,
        settings=settings,
        screening=screening,
        opinions=tuple(means()),
        by_category=tuple(means(by_category=True)),
        differences=tuple(differences(kept, resamples=resamples, seed=seed, level=level)),
        tests=tuple(paired_tests(kept)),
        reliability=tuple(reliability(kept, resamples=min(resamples, ALPHA_RESAMPLES), seed=seed, level=level)),
        mixed=tuple(mixed_models(kept, level=level)),
        plans=tuple(plan(kept, settings.precision, level)),
    )


def analyse_preferences(preferences: Preferences, settings: Settings) -> PreferenceAnalysis:
    """Return the analysis of choices between two answers.

    Raises:
        ValueError: as for `analyse_ratings`.
    """
    kept, screening = screen(
        preferences, keep=settings.keep, drop=settings.drop, enabled=settings.screening, limits=settings.limits
    )
    _check_left(len(kept.items), screening, preferences.source)
    ranking = rank(kept, resamples=settings.resamples, seed=settings.seed, level=settings.level)
    return PreferenceAnalysis(kept, settings, screening, ranking)


def _check_left(items: int, screening: Screening, source: str) -> None:
    if items:
        return
    dropped = {one.rater for one in screening.exclusions if one.rule == "by hand"}
    judged = [f"{one.rater}: {one.told}" for one in screening.exclusions if one.rater not in dropped]
    if judged:
        more = [f"and {len(judged) - MOST_TOLD} more findings"] if len(judged) > MOST_TOLD else []
        by_hand = f" besides {len(dropped)} by --drop" if dropped else ""
        told = f"screening left out every rater{by_hand} ({'; '.join([*judged[:MOST_TOLD], *more])}); "
        told += "--keep RATER keeps one, --no-screening all"
    elif dropped:
        told = f"--drop leaves out all {len(dropped)} raters ({', '.join(sorted(dropped))}); name fewer"
    else:
        told = "no item was rated"
    raise ValueError(f"{source}: {told}")


def to_json(analysis: RatingAnalysis | PreferenceAnalysis) -> dict[str, Any]:
    """Return the numbers of an analysis as JSON has them: names of fields to values, null for what is not defined."""
    skipped: Collection[str] = ("answers", "preferences")
    content = {name: value for name, value in vars(analysis).items() if name not in skipped}
    return {name: _plain(value) for name, value in content.items()}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
