"""Differences of two runs in the scores that belong to a whole set (FAD, KAD, IS), tested from their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from benchmark.runs import MetricsRecord, RunDirectory, ScoringRecord, UnusableRun
from benchmark.scoring import measurement
from foundation.checkpoints import WeightOptions
from metrics.placement import computing_on
from metrics.registry import Metric, list_metrics
from metrics.uncertainty.bootstrap import Difference, set_difference
from metrics.uncertainty.resampling import Resampled

if TYPE_CHECKING:
    from benchmark.evidence import Evidence

AS_SCORED = 1e-6  # relative, between a score of metrics.json and the same from the features


@dataclass(frozen=True)
class SetDifference:
    """One set-wise score of both runs on the samples that both scored, and the test of the difference."""

    first: float
    second: float
    difference: Difference


def set_differences(
    runs: Sequence[RunDirectory],
    records: Sequence[MetricsRecord],
    samples: Sequence[str],
    benchmark_dir: Path,
    *,
    cache: Path | str,
    groups: NDArray[Any] | None,
    **weights: Unpack[WeightOptions],
) -> dict[str, SetDifference]:
    """Return the set-wise scores of two runs on the same samples, by metric, each with its paired test.

    A metric is there if both runs have a value of it, the samples are enough for one, and its row names a resampler.

    Features that are kept are read; what is missing is computed, which needs the profile's weights.

    Args:
        runs: the two.
        records: their metrics.json; they agree in benchmark and scoring.
        samples: ids that both scored, in the order of the rows of `groups`.
        benchmark_dir: the benchmark that both answer.
        cache: where features are kept.
        groups: (n, k) clips of each sample, or None to resample by sample.
        weights: of the profile; see `foundation.checkpoints.WeightOptions`.

    Raises:
        UnusableRun: another benchmark, other backbones than those that scored, or audio that is not what was scored.
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
    """
    metrics = [metric for metric in list_metrics(extended=True) if _can_be_tested(metric, records, len(samples))]
    if not metrics:
        return {}
    evidence, device = _evidence(metrics, runs, records, samples, benchmark_dir, cache, weights)
    with computing_on(device):
        return _tested_each(metrics, evidence, runs, records, samples, groups)


def _can_be_tested(metric: Metric, records: Sequence[MetricsRecord], samples: int) -> bool:
    enough = samples >= metric.minimum_samples
    return bool(metric.resampler) and enough and all(_stored(record, metric.name) is not None for record in records)


def _tested_each(
    metrics: Sequence[Metric],
    evidence: Sequence[Evidence],
    runs: Sequence[RunDirectory],
    records: Sequence[MetricsRecord],
    samples: Sequence[str],
    groups: NDArray[Any] | None,
) -> dict[str, SetDifference]:
    scoring = records[0].scoring
    found = {}
    for metric in metrics:
        first, second = (measurement(metric, one, groups, scoring) for one in evidence)
        if first is not None and second is not None:
            scorers = first.resampled(), second.resampled()
            difference = _tested(scorers, first.groups, scoring)
            scores = first.set_score(scorers[0])[0], second.set_score(scorers[1])[0]
            _check_as_scored(metric.name, scores, runs, records, len(samples))
            found[metric.name] = SetDifference(*scores, difference)
    return found


def _stored(record: MetricsRecord, name: str) -> float | None:
    return record.metrics[name].value if name in record.metrics else None


def _tested(scorers: tuple[Resampled, Resampled], groups: NDArray[Any] | None, scoring: ScoringRecord) -> Difference:
    return set_difference(
        *scorers, groups=groups, resamples=scoring.resamples, seed=scoring.bootstrap_seed, level=scoring.confidence
    )


def _evidence(
    metrics: Sequence[Metric],
    runs: Sequence[RunDirectory],
    records: Sequence[MetricsRecord],
    samples: Sequence[str],
    folder: Path,
    cache: Path | str,
    weights: WeightOptions,
) -> tuple[list[Evidence], str]:
    """What the profile says of the samples of each run, and where its networks run."""
    from benchmark.features import FeatureStore
    from benchmark.profiles import load_profile
    from benchmark.profiles.gathering import evidence_of
    from vgg_monoaudio.dataset import load_benchmark

    scoring = records[0].scoring
    subset: Any = records[0].benchmark.subset
    built = load_benchmark(folder)
    if not records[0].benchmark.is_of(built):
        raise UnusableRun(f"{folder}: not the benchmark that {runs[0].path} answers")
    profile = load_profile(scoring.profile, metrics=[metric.name for metric in metrics], **weights)
    for run, record in zip(runs, records, strict=True):
        if not profile.backbones().items() <= record.scoring.backbones.items():
            raise UnusableRun(f"{run.path}: was scored by other backbones than those here; score it again")
    by_id = {sample.sample_id: sample for sample in built.samples(subset)}
    chosen, store, found = [by_id[name] for name in samples], FeatureStore(cache), []
    for run in runs:
        gathered = evidence_of(
            run, built, chosen, profile, store, reference_video=scoring.reference_video, frame_rule=scoring.frame_rule
        )
        if lost := [*gathered.failures, *gathered.dropped]:
            raise UnusableRun(f"{lost[0].reason}; score the run again")
        found.append(gathered.evidence)
    return found, profile.device


def _check_as_scored(
    name: str, scores: Sequence[float], runs: Sequence[RunDirectory], records: Sequence[MetricsRecord], samples: int
) -> None:
    """Refuse audio that is not what was scored: on the whole set the features must give the number on record."""
    for score, run, record in zip(scores, runs, records, strict=True):
        stored = record.metrics[name]
        whole = stored.n == samples and stored.value is not None
        if whole and not np.isclose(score, stored.value or 0.0, rtol=AS_SCORED, atol=AS_SCORED):
            raise UnusableRun(f"{run.path}: its audio gives {name} {score:g}, metrics.json {stored.value:g}")
