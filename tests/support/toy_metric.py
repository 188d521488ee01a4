"""Metrics that the suite does not have: a set-wise one on evidence that is there, and one with evidence of its own."""

from typing import Any

import numpy as np

from benchmark.features import Arrays, Extractor
from foundation import media
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


def loudness_error(reference: Any, generated: Any) -> Any:
    """How far each sample's loudness is from its target's, in dB, shape (n,)."""
    return np.abs(np.subtract(generated, reference)).ravel()


def prepare_loudness(audio: media.Audio, seconds: float) -> Arrays:
    kept = audio.samples[:, : round(seconds * audio.sample_rate)]
    return {"decibels": np.array([10.0 * np.log10(np.mean(np.square(kept), dtype=np.float64) + 1e-12)])}


LOUDNESS = Metric(
    name="loudness_error",
    target="support.toy_metric:loudness_error",
    takes=("target.loudness", "generated.loudness"),
    label="Loudness",
    group="Audio Quality",
    unit="dB",
    better="lower",
    per="sample",
    decimals=2,
    description="Difference in loudness between generated and reference audio.",
)
LOUDNESS_EXTRACTOR = Extractor("loudness.audio", "v1", "audio", prepare_loudness, yields={"loudness": "decibels"})
