"""A set-wise metric that the suite does not have: how far the means of both sets are apart, squared."""

from typing import Any

import numpy as np

from metrics.registry import Metric
from metrics.uncertainty.resampling import Counts, Needs


def mean_shift(reference: Any, generated: Any) -> float:
    return float(np.square(np.mean(reference, axis=0) - np.mean(generated, axis=0)).sum())


class ResampledMeanShift:
    """The same of resamples."""

    needs = Needs(rows=2)
    lower_bound = 0.0
    smooth = True

    def __init__(self, reference: Any, generated: Any) -> None:
        self._shift = np.asarray(reference, dtype=np.float64) - np.asarray(generated)
        self.samples = len(self._shift)

    def __call__(self, counts: Counts) -> Any:
        return np.square(counts @ self._shift / counts.sum(axis=1, keepdims=True)).sum(axis=1)


ROW = Metric(
    name="mean_shift",
    target="support.toy_metric:mean_shift",
    takes=("target.embedding", "generated.embedding"),
    resampler="support.toy_metric:ResampledMeanShift",
    label="Shift",
    group="Audio Quality",
    better="lower",
    per="set",
    minimum_samples=2,
    decimals=2,
    description="Squared distance of the mean embeddings of generated and reference audio.",
)
