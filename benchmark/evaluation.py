"""Audio files -> features -> metrics.json and samples.parquet, for one run.

The module is not called `evaluate` because `benchmark.evaluate` is the function; see `benchmark.generation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.choices import Choices, ScoringRecord
from benchmark.features import DEFAULT_CACHE, Extracted, FeatureStore, Wanted, extract
from benchmark.profiles import Features, Profile, Question, load_profile
from benchmark.runs import (
    CountsRecord,
    FailureRecord,
    MetricsRecord,
    RunDirectory,
    RunRecord,
    UnusableRun,
    current_commit,
    current_environment,
)
from benchmark.scoring import Scores, score
from foundation.files import PathLike, file_sha256, fingerprint, replacing
from foundation.work import Progress
from metrics.registry import list_metrics
from vgg_monoaudio.dataset import Benchmark, Sample, load_benchmark


class NothingToScore(Exception):
    """No sample of a run could be scored."""


def evaluate(
    run: RunDirectory | PathLike,
    benchmark: Benchmark | PathLike,
    choices: Choices | None = None,
    *,
    profile: Profile | None = None,
    cache: PathLike = DEFAULT_CACHE,
    workers: int | None = None,
    allow_missing: bool = False,
    progress: Progress | None = None,
    **profile_options: Any,
) -> MetricsRecord:
    """Score a run; write and return its metrics.

    When neither audio nor reference nor choices changed since the last time, the record on disk is returned and
    nothing is computed. A sample that the model failed on, or whose file cannot be scored, stays in the record with
    its reason; the others' numbers do not change.

    Args:
        run: a run directory that `generate` wrote.
        benchmark: the benchmark it answers, or its directory.
        choices: what to compute.
        profile: loaded already, so that many runs share its networks; None loads what `choices` names.
        cache: where features are kept.
        workers: processes that decode; None takes one a core. Results do not depend on it.
        allow_missing: score the rest where generated files are absent or unreadable, instead of refusing.
        progress: called as files are done.
        profile_options: device, weights_dir, allow_unverified.

    Raises:
        UnusableRun: no run there, another benchmark's run, or generated files that are absent or cannot be scored.
        NothingToScore: no sample is left.
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
        benchmark.features.WorkerDied: a worker process was killed.
    """
    directory = run if isinstance(run, RunDirectory) else RunDirectory(Path(run))
    built = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    choices = choices or Choices()
    record = directory.read_run()
    samples = _samples(built, record, directory)
    present, failures = _present(samples, directory, record, allow_missing)
    profile = profile or load_profile(choices.profile, extended=choices.extended, **profile_options)
    if profile.name != choices.profile:
        raise ValueError(f"profile: choices name {choices.profile}, the one given is {profile.name}")
    if profile.extended != choices.extended:
        raise ValueError(f"profile: choices say extended={choices.extended}, the one given says {profile.extended}")
    scoring = ScoringRecord.of(choices, profile)
    mark = _fingerprint(directory, present, failures, built, record, scoring)
    if directory.metrics_json.is_file() and directory.samples_parquet.is_file():
        previous = directory.read_metrics()
        if previous.fingerprint == mark:
            return previous

    questions = [Question(s, directory.audio(s.sample_id), _reference_video(s, choices)) for s in present]
    store = FeatureStore(cache)
    seconds = built.duration_seconds
    extracted = extract(_wanted(questions, built, profile), store, seconds=seconds, workers=workers, progress=progress)
    questions, unscored = _scorable(questions, extracted, allow_missing)
    failures += unscored
    if not questions:
        raise NothingToScore(f"{directory.path}: none of {len(samples)} samples can be scored: {failures[0].reason}")
    evidence = profile.evidence(questions, built.sources, Features(store, extracted.sha256))
    groups = _groups(questions) if choices.resample_by == "source" else None
    scores = score(evidence, groups, scoring)
    directory.metrics_json.unlink(missing_ok=True)  # it must not stand beside the table of other numbers
    _write_samples(directory, samples, questions, failures, scores)
    result = _record(record, samples, questions, failures, scoring, scores, mark)
    directory.write(result)
    return result


def _samples(built: Benchmark, record: RunRecord, directory: RunDirectory) -> list[Sample]:
    subset: Any = record.benchmark.subset
    if subset not in built.manifests or built.fingerprint(subset) != record.benchmark.fingerprint:
        raise UnusableRun(
            f"{directory.path}: answers {record.benchmark.name} {record.benchmark.version} ({subset}) as it was then, "
            f"not {built.path} as it is now; generate again with --fresh"
        )
    return built.samples(subset)


def _present(
    samples: Sequence[Sample], directory: RunDirectory, record: RunRecord, allow_missing: bool
) -> tuple[list[Sample], list[FailureRecord]]:
    """Tell the samples that have a file from those that the model failed on; others should not be missing."""
    failed = {failure.sample: failure for failure in record.failures}
    present, failures, absent = [], [], []
    for sample in samples:
        name = sample.sample_id
        if directory.audio(name).is_file():
            present.append(sample)
        elif name in failed:
            failures.append(failed[name])
        else:
            absent.append(name)
            failures.append(FailureRecord(sample=name, stage="generate", reason="no generated file"))
    if absent and not allow_missing:
        raise UnusableRun(
            f"{directory.path / 'audio'}: no generated file for {len(absent)} of {len(samples)} samples, "
            f"the first is {absent[0]}; generate again, or pass --allow-missing to score the others"
        )
    return present, failures


def _fingerprint(
    directory: RunDirectory,
    present: Sequence[Sample],
    failures: Sequence[FailureRecord],
    built: Benchmark,
    record: RunRecord,
    scoring: ScoringRecord,
) -> str:
    """Everything that the numbers depend on: audio bytes, failures, reference, choices, and the metrics' versions."""
    return fingerprint(
        {
            "audio": [[sample.sample_id, file_sha256(directory.audio(sample.sample_id))] for sample in present],
            "failures": [failure.model_dump() for failure in failures],
            "benchmark": record.benchmark.fingerprint,
            "sources": built.record["sources"],
            "model": record.model.model_dump(),
            "scoring": scoring.model_dump(),
            "metrics": {metric.name: metric.version for metric in list_metrics(extended=scoring.extended)},
        }
    )


def _reference_video(sample: Sample, choices: Choices) -> Path:
    return sample.target_video if choices.reference_video == "target" else sample.video


def _wanted(questions: Sequence[Question], built: Benchmark, profile: Profile) -> list[Wanted]:
    sounds = [source.audio for source in built.sources] + [question.generated for question in questions]
    videos = dict.fromkeys(question.reference_video for question in questions)
    return [
        *(Wanted(path, "audio", profile.audio) for path in sounds),
        *(Wanted(path, "video", profile.video) for path in videos),
    ]


def _scorable(
    questions: Sequence[Question], extracted: Extracted, allow_missing: bool
) -> tuple[list[Question], list[FailureRecord]]:
    """Drop the samples whose own file failed; a source that failed is a broken benchmark."""
    reasons = dict(extracted.failures)
    unscored = []
    for question in questions:
        reason = reasons.pop(question.generated, None)
        if reason is not None:
            unscored.append(FailureRecord(sample=question.sample.sample_id, stage="evaluate", reason=reason))
    if reasons:
        raise UnusableRun(f"the benchmark's own files do not serve: {next(iter(reasons.values()))}; build it again")
    if unscored and not allow_missing:
        raise UnusableRun(
            f"{len(unscored)} generated files cannot be scored, the first: {unscored[0].reason}; "
            "generate them again, or pass --allow-missing to score the others"
        )
    bad = {failure.sample for failure in unscored}
    return [question for question in questions if question.sample.sample_id not in bad], unscored


def _groups(questions: Sequence[Question]) -> np.ndarray[Any, Any]:
    """Name the clips that each scene is made of: two, or one where nothing stands beside the target."""
    clips = [[q.sample.target_id, q.sample.paired_id] for q in questions]
    return np.array([[clip for clip in both if clip] for both in clips], dtype=object)


def _write_samples(
    directory: RunDirectory,
    samples: Sequence[Sample],
    questions: Sequence[Question],
    failures: Sequence[FailureRecord],
    scores: Scores,
) -> None:
    keys = ("sample_id", "label", "paired_label", "target_id", "paired_id", "target_category", "paired_category")
    rows = {key: [getattr(sample, key) for sample in samples] for key in (*keys, "target_side")}
    reasons = {failure.sample: failure.reason for failure in failures}
    position = {question.sample.sample_id: index for index, question in enumerate(questions)}
    table = pd.DataFrame(rows)
    table["status"] = ["scored" if sample.sample_id in position else "failed" for sample in samples]
    table["reason"] = [reasons.get(sample.sample_id, "") for sample in samples]
    for name, column in scores.columns.items():
        table[name] = [
            column[position[s.sample_id]] if s.sample_id in position else float("nan") for s in samples
        ]  # fmt: skip
    with replacing(directory.samples_parquet) as temporary:
        table.to_parquet(temporary, index=False)


def _record(
    run: RunRecord,
    samples: Sequence[Sample],
    questions: Sequence[Question],
    failures: Sequence[FailureRecord],
    scoring: ScoringRecord,
    scores: Scores,
    mark: str,
) -> MetricsRecord:
    generated = len(samples) - sum(failure.stage == "generate" for failure in failures)
    return MetricsRecord(
        status="finished" if len(questions) == len(samples) else "partial",
        fingerprint=mark,
        benchmark=run.benchmark,
        model=run.model,
        scoring=scoring,
        commit=current_commit(),
        environment=current_environment(run.environment.device),
        counts=CountsRecord(expected=len(samples), generated=generated, scored=len(questions)),
        metrics=scores.values,
        failures=list(failures),
        scored_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
