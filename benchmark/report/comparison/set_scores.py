"""Differences of two runs in the scores that belong to a whole set (FAD, KAD, IS), tested from their features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmark.runs import MetricsRecord, RunDirectory, UnusableRun
from metrics.uncertainty.bootstrap import Difference, frechet_difference, inception_difference, kernel_difference

if TYPE_CHECKING:
    from benchmark.scoring import Evidence

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
    cache: Path,
    groups: NDArray[Any] | None,
    **profile_options: Any,
) -> dict[str, SetDifference]:
    """Return FAD, KAD and inception score of two runs on the same samples, by metric, each with its paired test.

    Features that are kept are read; what is missing is computed, which needs the profile's weights.

    Args:
        runs: the two.
        records: their metrics.json; they agree in benchmark and scoring.
        samples: ids that both scored, in the order of the rows of `groups`.
        benchmark_dir: the benchmark that they answer.
        cache: where features are kept.
        groups: (n, k) clips of each sample, or None to resample by sample.
        profile_options: device, weights_dir, allow_unverified.

    Raises:
        UnusableRun: another benchmark, other backbones than those that scored, or audio that is not what was scored.
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
    """
    first, second = _evidence(runs, records, samples, benchmark_dir, cache, profile_options)
    scoring = records[0].scoring
    reference, one, other = first.reference_embedding, first.generated_embedding, second.generated_embedding
    drawn: dict[str, Any] = {"groups": groups, "level": scoring.confidence}
    tests: dict[str, Callable[[], Difference]] = {"fad": lambda: frechet_difference(reference, one, other, **drawn)}
    kad = [_kad_embeddings(evidence) for evidence in (first, second)]
    tests["kad"] = lambda: kernel_difference(
        kad[0][0], kad[0][1], kad[1][1], bandwidth_from=scoring.bandwidth_from, **drawn
    )
    tests["inception_score"] = lambda: inception_difference(
        first.generated_logits, second.generated_logits, resamples=scoring.resamples, seed=scoring.bootstrap_seed,
        **drawn,
    )  # fmt: skip
    found = {}
    for name, test in tests.items():
        if all(name in record.metrics and record.metrics[name].value is not None for record in records):
            scores = [_score(name, evidence, scoring.bandwidth_from) for evidence in (first, second)]
            _check_as_scored(name, scores, runs, records, len(samples))
            found[name] = SetDifference(scores[0], scores[1], test())
    return found


def _evidence(
    runs: Sequence[RunDirectory],
    records: Sequence[MetricsRecord],
    samples: Sequence[str],
    folder: Path,
    cache: Path,
    profile_options: dict[str, Any],
) -> list[Evidence]:
    from benchmark.features import FeatureStore, Wanted, extract
    from benchmark.profiles import Features, Question, load_profile
    from vgg_monoaudio.dataset import load_benchmark

    scoring = records[0].scoring
    subset: Any = records[0].benchmark.subset
    built = load_benchmark(folder)
    if subset not in built.manifests or built.fingerprint(subset) != records[0].benchmark.fingerprint:
        raise UnusableRun(f"{folder}: not the benchmark that {runs[0].path} answers")
    profile = load_profile(scoring.profile, **profile_options)
    for run, record in zip(runs, records, strict=True):
        if not profile.backbones().items() <= record.scoring.backbones.items():
            raise UnusableRun(f"{run.path}: was scored by other backbones than those here; score it again")
    by_id = {sample.sample_id: sample for sample in built.samples(subset)}
    target = scoring.reference_video == "target"
    found = []
    for run in runs:
        questions = [
            Question(by_id[name], run.audio(name), by_id[name].target_video if target else by_id[name].video)
            for name in samples
        ]
        sounds = [*[source.audio for source in built.sources], *[question.generated for question in questions]]
        videos = dict.fromkeys(question.reference_video for question in questions)
        wanted = [Wanted(path, "audio", profile.audio) for path in sounds]
        wanted += [Wanted(path, "video", profile.video) for path in videos]
        store = FeatureStore(cache)
        extracted = extract(wanted, store, seconds=built.duration_seconds)
        if extracted.failures:
            raise UnusableRun(f"{next(iter(extracted.failures.values()))}; score the run again")
        found.append(profile.evidence(questions, built.sources, Features(store, extracted.sha256)))
    return found


def _kad_embeddings(evidence: Evidence) -> tuple[NDArray[Any], NDArray[Any]]:
    reference, generated = evidence.reference_kad_embedding, evidence.generated_kad_embedding
    if reference is None or generated is None:
        return evidence.reference_embedding, evidence.generated_embedding
    return reference, generated


def _score(name: str, evidence: Evidence, bandwidth_from: Any) -> float:
    from metrics import frechet_audio_distance, inception_score, kernel_audio_distance

    if name == "fad":
        return float(frechet_audio_distance(evidence.reference_embedding, evidence.generated_embedding))
    if name == "kad":
        return float(kernel_audio_distance(*_kad_embeddings(evidence), bandwidth_from=bandwidth_from))
    return float(inception_score(evidence.generated_logits)[0])


def _check_as_scored(
    name: str, scores: Sequence[float], runs: Sequence[RunDirectory], records: Sequence[MetricsRecord], samples: int
) -> None:
    """Refuse audio that is not what was scored: on the whole set the features must give the number on record."""
    for score, run, record in zip(scores, runs, records, strict=True):
        stored = record.metrics[name]
        whole = stored.n == samples and stored.value is not None
        if whole and not np.isclose(score, stored.value or 0.0, rtol=AS_SCORED, atol=AS_SCORED):
            raise UnusableRun(f"{run.path}: its audio gives {name} {score:g}, metrics.json {stored.value:g}")
