"""Ratings beside the metrics: mean opinions as values of the rows, and mean ratings of the single answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.ratings.opinion import Opinion, opinions
from benchmark.report.ratings import Ratings, model_keys
from benchmark.report.results import Rated, Results, Row
from benchmark.report.samples import Samples
from benchmark.runs import MetricValue, ScoringRecord


def with_ratings(
    results: Results, ratings: Sequence[Ratings], source: str, known: Sequence[Opinion] | None = None
) -> Results:
    """Return the results with the mean opinion of every rated model as a value for each criterion.

    Args:
        results: of finished runs.
        ratings: of their answers, one entry per subset.
        source: the file, for the note below the table.
        known: the opinions, where they were computed before; their models are named as in `ratings_of`. None: computed
            here, with as many resamples, the seed and the level that the metrics have.

    Raises:
        ValueError: results of no runs.
    """
    if results.scoring is None:
        raise ValueError("ratings are of answers; give the runs they are of")
    if known is None:
        known = [one for part in ratings for one in _opinions(part, results.scoring)]
    keys = model_keys(results)
    found: dict[tuple[str, str], dict[str, MetricValue]] = {}
    for one in known:
        found.setdefault((one.subset, keys[one.subset, one.model]), {})[one.criterion] = MetricValue(
            value=one.mean, ci95=one.interval.ends, n=one.scenes, unit="points", better="higher", version=1,
            reason=one.interval.reason,
        )  # fmt: skip
    rows = tuple(_rated(row, found.get((row.subset, row.key), {})) for row in results.rows)
    criteria = tuple(dict.fromkeys(name for part in ratings for name in part.criteria))
    return replace(results, rows=rows, rated=Rated(criteria, _note(criteria, ratings, source, known)))


def _opinions(part: Ratings, scoring: ScoringRecord) -> list[Opinion]:
    return opinions(
        part.answers, resamples=scoring.resamples, seed=scoring.bootstrap_seed, level=scoring.confidence
    )  # fmt: skip


def _rated(row: Row, values: dict[str, MetricValue]) -> Row:
    return replace(row, values={**row.values, **values}) if values and row.run is not None else row


def _note(criteria: Sequence[str], ratings: Sequence[Ratings], source: str, found: Sequence[Opinion]) -> str:
    raters = len({rater for part in ratings for rater in part.answers.raters})
    count = sum(int(part.answers.items[list(part.criteria)].notna().any(axis=1).sum()) for part in ratings)
    low, high = ratings[0].answers.points
    reasons = dict.fromkeys(f" No interval: {one.interval.reason}." for one in found if one.interval.reason)
    people = f"{raters} raters" if ratings[0].answers.named else "raters without names"
    return (
        f"{', '.join(criteria)}: mean opinion in points from {low} to {high}, {count:,} ratings by {people} "
        f"({source}); intervals over other raters and other scenes.{''.join(reasons)}"
    )


def with_mean_ratings(samples: Sequence[Samples], ratings: Sequence[Ratings]) -> list[Samples]:
    """Return the samples with the mean rating of every answer as a column for each criterion, NaN where unrated."""
    by_subset = {part.subset: part for part in ratings}
    return [_with_means(part, by_subset[part.subset]) if part.subset in by_subset else part for part in samples]


def _with_means(part: Samples, ratings: Ratings) -> Samples:
    columns = list(ratings.criteria)
    scored = {}
    for key, table in part.scored.items():
        means = ratings.means[ratings.means["key"] == key].set_index("sample_id")[columns]
        scored[key] = table.assign(**{name: means[name].reindex(table["sample_id"]).to_numpy() for name in columns})
    return replace(part, scored=scored)
