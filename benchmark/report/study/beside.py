"""A study beside the runs whose answers were rated: all that its tables and figures need of them, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.ratings.analysis import RatingAnalysis
from benchmark.report.agreement import Agreement, agreements
from benchmark.report.rated import with_ratings
from benchmark.report.ratings import Ratings, ratings_of
from benchmark.report.results import Results
from benchmark.report.samples import Samples, read_samples


@dataclass(frozen=True)
class Beside:
    """Ratings and scores of the same answers.

    Attributes:
        results: the runs, the analysis's mean opinions among their values.
        ratings: by subset.
        samples: what the metrics scored, by subset.
        agreements: of the metrics with the ratings, over all subsets.
    """

    results: Results
    ratings: tuple[Ratings, ...]
    samples: Mapping[str, Samples]
    agreements: tuple[Agreement, ...]


def beside_runs(analysis: RatingAnalysis, results: Results) -> Beside:
    """Return what a study and its runs say together.

    Raises:
        ValueError: ratings of answers that the runs do not have, named by line; results of no runs; or an analysis
            whose intervals have another level than those of the runs, which no table can mix.
    """
    scoring, level = results.scoring, analysis.settings.level
    if scoring is None:
        raise ValueError("ratings are of answers; give the runs they are of")
    if level != scoring.confidence:
        raise ValueError(
            f"level: the runs have intervals of {scoring.confidence:g}, the analysis of {level:g}; "
            f"analyse with Settings(level={scoring.confidence:g})"
        )
    samples = read_samples(results)
    ratings = ratings_of(analysis.answers, results, samples)
    by_subset = {part.subset: part for part in samples}
    found = [
        one for part in ratings for one in agreements(part, by_subset[part.subset], results.of(part.subset), scoring)
    ]
    rated = with_ratings(results, ratings, Path(analysis.answers.source).name, analysis.opinions)
    return Beside(rated, tuple(ratings), by_subset, tuple(found))
