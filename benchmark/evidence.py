"""Evidence: what the backbones of a profile make of a set of samples, as arrays by name.

The names are those that the rows of `metrics.registry` take, `<who>.<feature>`, see `metrics.metric`. A profile gives
what it has; a metric that takes a name which is not there has no counterpart in that profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foundation.names import joined, nearest
from metrics.registry import Metric, list_metrics

Rows = NDArray[Any] | Sequence[NDArray[Any]]  # one per sample; a sequence where they differ in shape (onsets)
Evidence = Mapping[str, Rows]
Whose = Literal["target", "paired", "generated", "video", "source"]  # the last: every source of the benchmark


def taken(metrics: Iterable[Metric]) -> frozenset[str]:
    """Return the names of all evidence that one of these metrics takes."""
    return frozenset(name for metric in metrics for name in metric.takes)


def stacked(rows: Sequence[NDArray[Any]]) -> Rows:
    """Return one array, shape (n, ...), of n rows; the rows themselves where they differ in shape."""
    return np.stack(rows) if len({row.shape for row in rows}) == 1 else list(rows)


def count_samples(evidence: Evidence) -> int:
    """Return how many samples there is evidence of.

    Raises:
        ValueError: there is no evidence, a name that no metric takes, or not as many rows of each.
    """
    if not evidence:
        raise ValueError("evidence: expected at least one array, got none")
    known = taken(list_metrics(extended=True))
    for name in evidence:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {joined(close)}?" if close else f"they take {', '.join(sorted(known))}"
            raise ValueError(f'evidence: no metric takes "{name}"; {hint}')
    counts = {name: len(rows) for name, rows in evidence.items()}
    first, samples = next(iter(counts.items()))
    for name, count in counts.items():
        if count != samples:
            raise ValueError(f"evidence: expected one row per sample, got {samples} of {first} and {count} of {name}")
    return samples
