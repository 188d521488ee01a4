"""Model x benchmark -> audio files: one waveform a sample, each written whole, none done twice.

The module is not called `generate` because `benchmark.generate` is the function; a submodule of that name would
replace it in the package as soon as it is imported.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from baselines import (
    GenerationError,
    Generator,
    ModelEntry,
    Reference,
    Request,
    Waveform,
    get_model,
    load_model,
    option_names,
)
from baselines.programs.settings import HARMLESS_SETTINGS
from benchmark.places import DEFAULT_RUNS
from benchmark.runs import (
    BenchmarkRecord,
    CountsRecord,
    FailureRecord,
    ModelRecord,
    RunDirectory,
    RunRecord,
    UnusableRun,
    current_commit,
    current_environment,
)
from foundation import media
from foundation.files import PathLike, fingerprint, remove_partials
from foundation.work import Progress
from vgg_monoaudio.dataset import Benchmark, Sample, Subset, load_benchmark

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """One model on one subset, as asked for."""

    benchmark: Benchmark
    subset: Subset
    samples: list[Sample]
    entry: ModelEntry
    options: dict[str, Any]
    seed: int
    device: str | None

    @property
    def fingerprint(self) -> str:
        """Audio that lies in the run directory is reused under the same fingerprint alone."""
        return fingerprint(
            {
                "benchmark": self.benchmark.fingerprint(self.subset),
                "model": self.entry.name,
                "revision": self.entry.revision,
                "options": {**self.entry.options, **self._sounding},
                "seed": self.seed,
                "duration": self.benchmark.duration_seconds,
            }
        )

    @property
    def _sounding(self) -> dict[str, Any]:
        """Options that can change an answer: not how long a program may take, or where its words are kept."""
        harmless = HARMLESS_SETTINGS if self.entry.program or self.entry.kind == "external" else ()
        return {name: value for name, value in self.options.items() if name not in harmless}

    def request(self, sample: Sample) -> Request:
        return Request(
            sample_id=sample.sample_id,
            video=sample.video,
            prompt=sample.label,
            negative_prompt="",
            duration=self.benchmark.duration_seconds,
            seed=sample_seed(self.seed, sample.sample_id),
        )


def generate(
    benchmark: Benchmark | PathLike,
    model: str,
    *,
    subset: Subset,
    runs: PathLike = DEFAULT_RUNS,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    limit: int | None = None,
    batch_size: int = 1,
    device: str | None = None,
    fresh: bool = False,
    run_name: str | None = None,
    progress: Progress | None = None,
) -> RunDirectory:
    """Let a model answer every sample of a subset and return the run directory.

    A sample whose file is there already is not asked again, so a run that was killed goes on where it stopped. A
    sample that the model has no answer for is recorded with its reason; it is asked again by the next call. Recorded
    sounds are read anew every time: they are the user's files, and may have changed.

    One process at a time may work on a run directory.

    Args:
        benchmark: a built benchmark or its directory.
        model: a registered name.
        subset: inter or intra.
        runs: root of the run directories.
        options: the model's own options.
        seed: every sample's seed is made from it and the sample's id.
        limit: only the first so many samples; the others count as not generated.
        batch_size: requests handed over at once to models that take several; results do not depend on it.
        device: handed to models that have an option of that name; None lets the model choose.
        fresh: throw away what the run directory holds.
        run_name: name of the run directory; the model's name by default.
        progress: called as samples are done.

    Raises:
        baselines.UnknownModel: no such model.
        ValueError: an option that the model does not have, or input that it cannot use at all.
        UnusableRun: the run directory holds answers to another question, or by other weights, or by nobody knows
            whom, and `fresh` is not set.
        foundation.checkpoints.MissingCheckpoint: weights are missing.
    """
    built = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    entry = get_model(model)
    samples = built.samples(subset)[:limit]
    job = _Job(built, subset, samples, entry, dict(options or {}), seed, device)
    directory = RunDirectory.locate(Path(runs), built.name, subset, run_name or entry.name)
    previous = _previous(directory, job, fresh)
    again = entry.kind == "recorded"
    todo = [sample for sample in samples if again or not directory.audio(sample.sample_id).is_file()]
    if not todo and previous is not None and previous.status == "finished":
        return directory
    started = time.monotonic()
    generator = _load(job) if todo else None
    record = _record(job, generator, previous)
    _check_weights(directory, record, previous)
    directory.write(record)
    remove_partials(directory.path)
    failures = [] if generator is None else _answer_all(job, generator, todo, directory, batch_size, progress)
    failures += _failures_of_others(previous, samples)
    spent = (previous.generation_seconds or 0.0 if previous else 0.0) + time.monotonic() - started
    directory.write(_finished(record, directory, built.samples(subset), failures, spent))
    return directory


def sample_seed(seed: int, sample_id: str) -> int:
    """Return the seed of one sample, from 0 to 2^63 - 1; it depends on nothing but run seed and sample id."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{sample_id}".encode()).digest()[:8], "big") >> 1


def references(samples: Sequence[Sample]) -> dict[str, Reference]:
    """Return what controls may know: the sounds of every sample's two clips."""
    return {s.sample_id: Reference(s.target_id, s.target_audio, s.paired_audio) for s in samples}


def _previous(directory: RunDirectory, job: _Job, fresh: bool) -> RunRecord | None:
    if fresh and directory.path.exists():
        shutil.rmtree(directory.path)
    if not directory.run_json.is_file():
        if any(directory.path.glob("audio/*.wav")):
            raise UnusableRun(
                f"{directory.path}: holds audio but no run.json, so nothing says what it answers; "
                "pass --fresh to replace it"
            )
        return None
    previous = directory.read_run()
    if previous.fingerprint != job.fingerprint:
        raise UnusableRun(
            f"{directory.path}: holds answers of {previous.model.name} to another benchmark, seed or options; "
            "pass --fresh to replace them, or --run-name to keep both"
        )
    return previous


def _check_weights(directory: RunDirectory, record: RunRecord, previous: RunRecord | None) -> None:
    """Refuse to go on with other weights than those that began: the run would be two models' answers."""
    if previous is None or not any(directory.path.glob("audio/*.wav")):
        return
    before, now = previous.model.weights_sha256, record.model.weights_sha256
    changed = sorted(part for part in before | now if before.get(part) != now.get(part))
    if changed:
        raise UnusableRun(
            f"{directory.path}: holds answers made with another {changed[0]} checkpoint; "
            "pass --fresh to replace them, or --run-name to keep both"
        )


def _failures_of_others(previous: RunRecord | None, samples: Sequence[Sample]) -> list[FailureRecord]:
    """Return what is known of samples that are not asked this time, because of a limit."""
    asked = {sample.sample_id for sample in samples}
    return [failure for failure in previous.failures if failure.sample not in asked] if previous else []


def _load(job: _Job) -> Generator:
    """Build the model: its own options, the references where it is a control, the device where it knows of devices."""
    options = dict(job.options)
    if job.entry.needs_references:
        options["references"] = references(job.benchmark.samples(job.subset))
    if job.device is not None and "device" in option_names(job.entry):
        options.setdefault("device", job.device)
    return load_model(job.entry.name, **options)


def _record(job: _Job, generator: Generator | None, previous: RunRecord | None) -> RunRecord:
    if generator is None and previous is not None:
        model = previous.model
    else:
        weights = getattr(generator, "weights", {})  # part to file, for models that open any
        model = ModelRecord(
            name=job.entry.name,
            kind=job.entry.kind,
            options={**job.entry.options, **job.options},
            sample_rate=getattr(generator, "sample_rate", None),
            weights_sha256={part: file.sha256 for part, file in weights.items()},
            unverified_weights=not all(file.verified for file in weights.values()),
            untrained=bool(getattr(generator, "untrained", False)),
            notes=list(getattr(generator, "notes", [])),
        )
    return RunRecord(
        status="running",
        fingerprint=job.fingerprint,
        benchmark=BenchmarkRecord(
            name=job.benchmark.name,
            version=job.benchmark.version,
            subset=job.subset,
            fingerprint=job.benchmark.fingerprint(job.subset),
            samples=len(job.benchmark.manifests[job.subset]),
        ),
        model=model,
        seed=job.seed,
        duration_seconds=job.benchmark.duration_seconds,
        commit=current_commit(),
        environment=current_environment(job.device or "auto"),
        counts=CountsRecord(expected=len(job.benchmark.manifests[job.subset]), generated=0),
        failures=[],
        started=_now() if previous is None else previous.started,
    )


def _finished(
    record: RunRecord, directory: RunDirectory, samples: Sequence[Sample], failures: list[FailureRecord], spent: float
) -> RunRecord:
    generated = sum(directory.audio(sample.sample_id).is_file() for sample in samples)
    counts = CountsRecord(expected=record.counts.expected, generated=generated)
    update = {"status": "finished", "counts": counts, "failures": failures, "finished": _now()}
    return record.model_copy(update={**update, "generation_seconds": round(spent, 3)})


def _answer_all(
    job: _Job,
    generator: Generator,
    todo: Sequence[Sample],
    directory: RunDirectory,
    batch_size: int,
    progress: Progress | None,
) -> list[FailureRecord]:
    """Ask for every sample that has no file yet; return those that came to nothing."""
    failures, peaks = [], [0.0]
    done = len(job.samples) - len(todo)
    size = batch_size if hasattr(generator, "generate_batch") else 1
    for start in range(0, len(todo), size):
        batch = todo[start : start + size]
        if progress and hasattr(generator, "on_progress"):
            generator.on_progress = partial(_tell_within, progress, done, len(job.samples))
        for sample, answer in zip(batch, _answers(generator, [job.request(s) for s in batch]), strict=True):
            path = directory.audio(sample.sample_id)
            try:
                waveform, rate = _checked(answer, generator.sample_rate, job.benchmark.duration_seconds)
            except GenerationError as error:
                failures.append(FailureRecord(sample=sample.sample_id, stage="generate", reason=str(error)))
                path.unlink(missing_ok=True)
                continue
            media.write_audio(path, waveform, rate)
            peaks.append(float(np.abs(waveform).max(initial=0.0)))
        done += len(batch)
        if progress:
            progress("generate", done, len(job.samples))
    if (clipped := sum(peak > 1 for peak in peaks)) > 0:
        log.warning("%s: %d answers exceed full scale and are clipped; peak %.3g", job.entry.name, clipped, max(peaks))
    return failures


def _tell_within(progress: Progress, before: int, total: int, answered: int) -> None:
    """Tell how far a model is that works on a long batch."""
    progress("generate", before + answered, total)


_Answer = Waveform | tuple[Waveform, int] | GenerationError


def _answers(generator: Generator, requests: list[Request]) -> Iterator[_Answer]:
    """Ask for a batch at once, and one by one where the batch fails, so that a bad sample costs itself alone."""
    if len(requests) > 1:
        try:
            answers: list[Waveform] = list(generator.generate_batch(requests))  # type: ignore[attr-defined]
            if len(answers) != len(requests):
                raise GenerationError(f"{len(answers)} answers to {len(requests)} requests")
        except Exception as error:
            log.warning("a batch of %d failed (%s); its samples are asked one by one", len(requests), _named(error))
        else:
            yield from answers
            return
    for request in requests:
        try:
            answer: _Answer = generator.generate(request)
        except GenerationError as error:
            answer = error
        except (
            Exception
        ) as error:  # a model is foreign code: whatever it raises is this sample's failure, not the night's
            log.warning("sample %s: %s\n%s", request.sample_id, _named(error), traceback.format_exc())
            answer = GenerationError(_named(error))
        yield answer


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _checked(answer: _Answer, sample_rate: int | None, duration: float) -> tuple[Waveform, int]:
    """Return the waveform and its rate, or say what is wrong with the answer."""
    if isinstance(answer, GenerationError):
        raise answer
    waveform, rate = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, sample_rate)
    if not isinstance(rate, int | np.integer) or rate <= 0:
        raise GenerationError(f"the model's sample rate is {rate!r}; expected Hz, as an attribute or with the waveform")
    try:
        sound = np.asarray(waveform)
    except (TypeError, ValueError, RuntimeError) as error:  # torch refuses tensors of a GPU or with a gradient
        raise GenerationError(f"the answer is no array: {_named(error)}") from error
    if sound.ndim != 1 or not np.issubdtype(sound.dtype, np.floating):
        raise GenerationError(f"the answer is {sound.dtype} {sound.shape}, expected floats (samples,)")
    wanted = round(duration * rate)
    if sound.size != wanted:
        raise GenerationError(f"the answer has {sound.size} samples, expected {wanted} ({duration:g} s at {rate} Hz)")
    if not np.isfinite(sound).all():
        raise GenerationError(f"sample {int(np.argmin(np.isfinite(sound)))} of the waveform is not finite")
    return sound.astype(np.float32, copy=False), int(rate)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
