"""What people judged, as columns beside the metrics."""

from __future__ import annotations

from benchmark.ratings.criteria import criterion_words
from metrics.metric import Metric


def criterion_metric(criterion: str) -> Metric:
    """Return the column of a criterion of a human study: mean opinion, higher is better."""
    return Metric(
        name=criterion,
        target="benchmark.ratings.opinion:opinions",
        takes=(),
        label=criterion,
        group="Human Study",
        unit="points",
        better="higher",
        per="sample",
        decimals=2,
        headline=True,
        partial=True,
        description=f"Mean opinion of raters: {criterion_words(criterion)}.",
    )
