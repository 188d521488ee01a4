"""The six functions that `bootstrap_score` and `set_difference` replaced; each warns and calls its successor."""

import warnings
from typing import Any

from numpy.typing import ArrayLike

from metrics.fad import ResampledFrechet
from metrics.inception_score import ResampledInception
from metrics.kad import BandwidthSource, ResampledKernel
from metrics.uncertainty.bootstrap import bootstrap_score
from metrics.uncertainty.intervals import Interval
from metrics.uncertainty.set_difference import set_difference
from metrics.uncertainty.significance import Difference


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{old} will go; use metrics.uncertainty.bootstrap.{new}", FutureWarning, stacklevel=3)


def bootstrap_frechet(reference: ArrayLike, generated: ArrayLike, **resampling: Any) -> Interval:
    """Return `bootstrap_score` of a `metrics.fad.ResampledFrechet`."""
    _warn("bootstrap_frechet", "bootstrap_score(ResampledFrechet(reference, generated), ...)")
    return bootstrap_score(ResampledFrechet(reference, generated), **resampling)


def bootstrap_kernel(
    reference: ArrayLike,
    generated: ArrayLike,
    bandwidth: float | None = None,
    bandwidth_from: BandwidthSource = "generated",
    **resampling: Any,
) -> Interval:
    """Return `bootstrap_score` of a `metrics.kad.ResampledKernel`."""
    _warn("bootstrap_kernel", "bootstrap_score(ResampledKernel(reference, generated), ...)")
    return bootstrap_score(ResampledKernel(reference, generated, bandwidth, bandwidth_from), **resampling)


def bootstrap_inception(logits: ArrayLike, splits: int = 10, shuffle_seed: int = 2020, **resampling: Any) -> Interval:
    """Return `bootstrap_score` of a `metrics.inception_score.ResampledInception`."""
    _warn("bootstrap_inception", "bootstrap_score(ResampledInception(logits), ...)")
    return bootstrap_score(ResampledInception(logits, splits, shuffle_seed), **resampling)


def frechet_difference(reference: ArrayLike, a: ArrayLike, b: ArrayLike, **resampling: Any) -> Difference:
    """Return `set_difference` of two `metrics.fad.ResampledFrechet`."""
    _warn("frechet_difference", "set_difference(ResampledFrechet(reference, a), ResampledFrechet(reference, b), ...)")
    scorers = [ResampledFrechet(reference, run) for run in (a, b)]
    return set_difference(scorers[0], scorers[1], **{"seed": 0, **resampling})


def kernel_difference(
    reference: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    bandwidth: float | None = None,
    bandwidth_from: BandwidthSource = "generated",
    **resampling: Any,
) -> Difference:
    """Return `set_difference` of two `metrics.kad.ResampledKernel`."""
    _warn("kernel_difference", "set_difference(ResampledKernel(reference, a), ResampledKernel(reference, b), ...)")
    scorers = [ResampledKernel(reference, run, bandwidth, bandwidth_from) for run in (a, b)]
    return set_difference(scorers[0], scorers[1], **{"seed": 0, **resampling})


def inception_difference(
    a: ArrayLike, b: ArrayLike, splits: int = 10, shuffle_seed: int = 2020, **resampling: Any
) -> Difference:
    """Return `set_difference` of two `metrics.inception_score.ResampledInception`."""
    _warn("inception_difference", "set_difference(ResampledInception(a), ResampledInception(b), ...)")
    scorers = [ResampledInception(run, splits, shuffle_seed) for run in (a, b)]
    return set_difference(scorers[0], scorers[1], **resampling)
