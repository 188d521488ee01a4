"""Audio files -> features -> metrics.json and samples.parquet, for one run.

The module is not called `evaluate` because `benchmark.evaluate` is the function; see `benchmark.generation`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Unpack

import numpy as np
import pandas as pd

from benchmark.choices import Choices, ScoringRecord
from benchmark.features import DEFAULT_CACHE, FeatureStore, Wanted
from benchmark.profiles import Profile, Question, load_profile
from benchmark.profiles.gathering import Gathered, check_references, evidence_of, wanted_of
from benchmark.profiles.judged import asks_again
from benchmark.progress import Shown, shown
from benchmark.remote_site import site_at
from benchmark.runs import (
    SAMPLE_COLUMNS,
    CountsRecord,
    FailureRecord,
    MetricsRecord,
    RunDirectory,
    RunRecord,
    UnusableRun,
    current_commit,
    current_environment,
)
from benchmark.scored import scored_before, write_scored
from benchmark.scoring import Scores, score
from benchmark.sharing import SharedExtraction
from benchmark.site import Site, hold
from foundation.checkpoints import WeightOptions
from foundation.events import span
from foundation.files import PathLike, content_sha256, fingerprint, remove_partials
from foundation.ledger.ledger import Ledger
from foundation.names import check_known, options_of
from foundation.work import Progress, found_in_each
from metrics.registry import Metric, chosen_metrics
from vgg_monoaudio.dataset import Benchmark, Sample, load_benchmark, source_clips

log = logging.getLogger(__name__)


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
    share: bool = False,
    progress: Shown = None,
    **weights: Unpack[WeightOptions],
) -> MetricsRecord:
    """Score a run; write and return its metrics.

    If audio, reference and choices are those of the record on disk, that is returned and nothing is computed; a record
    that is damaged is made again, and that is said; so is one that lacks opinions of a judge which failed. A sample
    that the model failed on, or whose file cannot be scored, stays in the record with its reason; so do those beyond
    the limit of a run that was asked for the first samples alone, and the others are scored.

    Args:
        run: a run directory that `generate` wrote, or its address on an object store.
        benchmark: the benchmark it answers, or its directory.
        choices: what to compute.
        profile: one that is loaded, so that runs share its networks; None loads what `choices` names.
        cache: where features are kept.
        workers: processes that decode; None takes one per core. Results do not depend on it.
        allow_missing: score the rest where generated files are absent or unreadable, instead of refusing.
        share: compute features together with other calls that share this evaluation, in other processes or on other
            machines: each takes files that no other is at, one scores the run, and all return the record.
        progress: called as files are read and metrics computed; None shows it on stderr, False nowhere:
            `benchmark.progress`.
        weights: of the profile, where it is not given; see `foundation.checkpoints.WeightOptions`.

    Raises:
        TypeError: `choices` is not a `Choices`, `profile` not a loaded profile, or there is no such option.
        UnusableRun: no run, a run of another benchmark, or generated files that are absent or cannot be scored.
        NothingToScore: no sample is left.
        vgg_monoaudio.dataset.BenchmarkError: a sound or video of the benchmark is not the one that was built.
        foundation.checkpoints.MissingCheckpoint: weights of the profile are missing.
        benchmark.features.WorkerDied: worker processes cannot begin.
    """
    check_known(weights, options_of(evaluate, WeightOptions.__annotations__))
    _check_types(choices, profile)
    site = site_at(run)
    directory = site.directory
    site.pull()
    built = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    choices, run_record = choices or Choices(), directory.read_run()  # what is no run is refused before it is locked
    what = f"{directory.path.name} {run_record.benchmark.subset}"
    how = _How(FeatureStore(cache), workers, allow_missing, share)
    with shown(progress, what) as report:
        return _evaluated(
            site, built, choices, functools.cache(lambda: _profile(choices, profile, weights)), how, report
        )


@dataclass(frozen=True)
class _How:
    """How the work of one evaluation is done; the fields are arguments of `evaluate`."""

    store: FeatureStore
    workers: int | None
    allow_missing: bool
    share: bool


def _evaluated(
    site: Site, built: Benchmark, choices: Choices, load: Callable[[], Profile], how: _How, report: Progress
) -> MetricsRecord:
    """Score a run, or find that it is scored; see `evaluate`. `load` returns the profile, always the same one."""
    directory = site.directory
    if how.share:
        loaded = load()  # nobody waits for that
        with hold(site):
            site.pull()
            job = _Job.of(directory, built, choices, loaded, how.allow_missing)
            mark = job.fingerprint()
            if (previous := scored_before(directory, mark)[0]) is not None and not asks_again(previous):
                return previous
            shared = SharedExtraction(job.wanted(), Ledger(site.ledger(f"features-{mark[:12]}")), mark)
        shared.extract(how.store, seconds=built.duration_seconds, workers=how.workers, progress=report)
    with hold(site):
        site.pull()
        job = _Job.of(directory, built, choices, load(), how.allow_missing)
        mark = job.fingerprint()
        previous, damage = scored_before(directory, mark)
        if previous is not None and not asks_again(previous):
            return previous
        remove_partials(directory.path, alone=True)  # of a process that was killed while it wrote
        if damage:
            log.warning("%s; it is scored again now", damage)
        gathered = evidence_of(
            directory, built, job.present, job.profile, how.store, reference_video=choices.reference_video,
            frame_rule=choices.frame_rule, workers=how.workers, progress=report,
        )  # fmt: skip
        _tell_replaced(directory, choices, job.profile)
        record = job.score(gathered, mark, how.allow_missing, report)
        site.push(directory.metrics_json, directory.samples_parquet)
        return record


def _tell_replaced(directory: RunDirectory, choices: Choices, profile: Profile) -> None:
    """Warn of scores that are lost because only others were asked for by name; their features stay in the cache."""
    if not choices.metrics or not directory.metrics_json.is_file():
        return
    try:
        before = directory.read_metrics().metrics
    except UnusableRun:  # it is scored again because of that
        return
    wanted = {metric.name for metric in profile.wanted}
    lost = [name for name, value in before.items() if value.value is not None and name not in wanted]
    if lost:
        log.warning(
            "%s: the scores of %s are replaced by those that are named with --metrics; name them too to have all, "
            "their features are in the cache", directory.metrics_json, ", ".join(lost),
        )  # fmt: skip


@dataclass(frozen=True)
class _Job:
    """One run to be scored.

    Attributes:
        directory: where it is.
        built: the benchmark that it answers.
        run: its run.json.
        samples: all of the manifest.
        present: those that have a generated file.
        failures: those that the model failed on.
        profile: what scores them.
        scoring: what to compute, and how.
    """

    directory: RunDirectory
    built: Benchmark
    run: RunRecord
    samples: Sequence[Sample]
    present: Sequence[Sample]
    failures: Sequence[FailureRecord]
    profile: Profile
    scoring: ScoringRecord

    @classmethod
    def of(
        cls, directory: RunDirectory, built: Benchmark, choices: Choices, profile: Profile, allow_missing: bool
    ) -> _Job:
        """Return the run as it is now, held by this process, to be scored by what was chosen.

        Raises:
            UnusableRun: a run of another benchmark, or generated files that are absent.
            vgg_monoaudio.dataset.BenchmarkError: a sound or video of the benchmark is not the one that was built.
        """
        record = directory.read_run()  # as the process that was waited for left it
        samples = _samples(built, record, directory)
        present, failures = _present(samples, directory, record, allow_missing)
        check_references(built, present, choices.reference_video)  # also where nothing is computed
        scoring = ScoringRecord.of(choices, profile)
        return cls(directory, built, record, samples, present, failures, profile, scoring)

    def wanted(self) -> list[Wanted]:
        """Return what is to be computed."""
        return wanted_of(self.directory, self.built, self.present, self.profile, self.scoring.reference_video)

    def fingerprint(self) -> str:
        """Return the hash of all that numbers depend on: audio, failures, reference, choices, metrics' versions."""
        files = {sample.sample_id: self.directory.audio(sample.sample_id) for sample in self.present}
        hashes = found_in_each(content_sha256, files.values())
        return fingerprint(
            {
                "audio": [[name, hashes[path]] for name, path in files.items()],
                "failures": [failure.model_dump() for failure in self.failures],
                "benchmark": self.run.benchmark.fingerprint,
                "sources": [source.content() for source in self.built.record.sources],
                "model": self.run.model.model_dump(),
                "scoring": self.scoring.model_dump(),
                "metrics": {metric.name: metric.version for metric in self._metrics()},
            }
        )

    def _metrics(self) -> tuple[Metric, ...]:
        return chosen_metrics(self.scoring.metrics, extended=self.scoring.extended)

    def score(self, gathered: Gathered, mark: str, allow_missing: bool, progress: Progress) -> MetricsRecord:
        """Score what was gathered; write and return the record.

        Raises:
            UnusableRun: generated files cannot be scored, and none may be missing.
            NothingToScore: no sample is left.
        """
        unscored, questions = gathered.failures, gathered.questions
        if unscored and not allow_missing:
            raise UnusableRun(
                f"{len(unscored)} generated files cannot be scored, the first: {unscored[0].reason}; "
                "generate them again, or pass --allow-missing to score the others"
            )
        failures = [*self.failures, *gathered.dropped, *unscored]
        if not questions:
            count, path = len(self.samples), self.directory.path
            raise NothingToScore(
                f"{path}: none of {count} samples can be scored: {(unscored or gathered.dropped or failures)[0].reason}"
            )
        with span("score", (question.sample.sample_id for question in questions)):
            groups = groups_of(questions, self.scoring)
            scores = score(
                gathered.evidence, groups, self.scoring, device=self.profile.device, absent=gathered.absent,
                progress=progress,
            )  # fmt: skip
        result = self._record(len(questions), failures, scores, mark)
        write_scored(self.directory, result, self._table(questions, failures, scores))
        return result

    def _table(self, questions: Sequence[Question], failures: Sequence[FailureRecord], scores: Scores) -> pd.DataFrame:
        rows = {key: [getattr(sample, key) for sample in self.samples] for key in SAMPLE_COLUMNS}
        reasons = {failure.sample: failure.reason for failure in failures}
        position = {question.sample.sample_id: index for index, question in enumerate(questions)}
        table = pd.DataFrame(rows)
        names = [sample.sample_id for sample in self.samples]
        table["status"] = ["scored" if name in position else "failed" for name in names]
        table["reason"] = [reasons.get(name, "") for name in names]
        for metric, column in scores.columns.items():
            table[metric] = [column[position[name]] if name in position else float("nan") for name in names]
        return table

    def _record(self, scored: int, failures: Sequence[FailureRecord], scores: Scores, mark: str) -> MetricsRecord:
        expected = len(self.samples)
        generated = expected - sum(failure.stage == "generate" for failure in failures)
        return MetricsRecord(
            status="finished" if scored == expected else "partial",
            fingerprint=mark,
            benchmark=self.run.benchmark,
            model=self.run.model,
            scoring=self.scoring,
            commit=current_commit(),
            environment=current_environment(self.run.environment.device),
            counts=CountsRecord(expected=expected, generated=generated, scored=scored),
            metrics=scores.values,
            failures=list(failures),
            scored_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def _check_types(choices: object, profile: object) -> None:
    """Raise TypeError unless choices and profile are such; a profile's bare name is an easy mistake."""
    way_out = 'choose one by its name with Choices(profile="signal")'
    if not isinstance(choices, Choices | None):
        raise TypeError(f"choices: expected benchmark.Choices, got {choices!r}; {way_out}")
    if isinstance(profile, type) or not (profile is None or hasattr(profile, "evidence")):
        raise TypeError(f"profile: expected a loaded profile, as load_profile returns it, got {profile!r}; {way_out}")


def _samples(built: Benchmark, record: RunRecord, directory: RunDirectory) -> list[Sample]:
    subset: Any = record.benchmark.subset
    if not record.benchmark.is_of(built):
        here = f"holds {built.name} {built.version}" if record.benchmark.version != built.version else "has changed"
        raise UnusableRun(
            f"{directory.path}: was generated for an earlier build of {record.benchmark.name} "
            f"{record.benchmark.version} ({subset}); {built.path} {here}; generate again with --fresh, or give the "
            "benchmark that it answers"
        )
    return built.samples(subset)


def _present(
    samples: Sequence[Sample], directory: RunDirectory, record: RunRecord, allow_missing: bool
) -> tuple[list[Sample], list[FailureRecord]]:
    """Separate the samples that have a file from those that have none, with the reason.

    Those that the model failed on may lack one, and those that it was not asked for; no other.
    """
    failed = {failure.sample: failure for failure in record.failures}
    unasked = {sample.sample_id for sample in samples[record.limit :]} if record.limit is not None else set()
    present, failures, absent = [], [], []
    for sample in samples:
        name = sample.sample_id
        if directory.has_audio(name):
            present.append(sample)
        elif name in failed:
            failures.append(failed[name])
        elif name in unasked:
            reason = f"not asked for: the run is limited to the first {record.limit} samples"
            failures.append(FailureRecord(sample=name, stage="generate", reason=reason))
        else:
            absent.append(name)
            failures.append(FailureRecord(sample=name, stage="generate", reason="no generated file"))
    if absent and not allow_missing:
        raise UnusableRun(
            f"{directory.path / 'audio'}: no generated file for {len(absent)} of {len(samples)} samples, "
            f"the first is {absent[0]}; generate again, or pass --allow-missing to score the others"
        )
    return present, failures


def _profile(choices: Choices, loaded: Profile | None, weights: WeightOptions) -> Profile:
    profile = loaded or load_profile(
        choices.profile, extended=choices.extended, metrics=choices.metrics, **weights
    )  # fmt: skip
    if profile.name != choices.profile:
        raise ValueError(f"profile: choices name {choices.profile}, the one given is {profile.name}")
    wanted, found = (
        [metric.name for metric in metrics]
        for metrics in (chosen_metrics(choices.metrics, extended=choices.extended), profile.wanted)
    )
    if wanted != found:
        differ = sorted({*wanted} ^ {*found})
        raise ValueError(
            f"profile: was loaded for other metrics than the choices ask for, they differ in {', '.join(differ)}; "
            "give load_profile the same `extended` and `metrics`"
        )
    return profile


def groups_of(questions: Sequence[Question], scoring: ScoringRecord) -> np.ndarray[Any, Any] | None:
    """Name the clips that each scene is made of: two, or one where the target is alone; None to draw scenes."""
    if scoring.resample_by == "sample":
        return None
    return source_clips([q.sample.target_id for q in questions], [q.sample.paired_id for q in questions])
