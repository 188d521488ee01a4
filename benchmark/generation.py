"""Model x benchmark -> audio files: one waveform per sample, each written whole, none done twice.

The module is not called `generate` because `benchmark.generate` is the function; a submodule of that name would
replace it in the package as soon as it is imported.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from baselines import GenerationError, Generator, Request
from baselines.recorded import Recorded
from benchmark.answers import Answer, BatchSize, answers_to, checked, named
from benchmark.job import Job, finished, references, sample_seed
from benchmark.places import DEFAULT_RUNS
from benchmark.preparing import batches, check_workers, prepares
from benchmark.removal import remove_run
from benchmark.resuming import check_weights, failures_of_others, set_aside, standing
from benchmark.runs import FailureRecord, RunDirectory, folder_name
from benchmark.writer import Writer
from foundation import media
from foundation.files import PathLike, remove_partials
from foundation.locks import Lock
from foundation.paths import check_name
from foundation.work import Progress
from vgg_monoaudio.dataset import Benchmark, Sample, Subset, load_benchmark

__all__ = ["DEFAULT_RUNS", "generate", "references", "sample_seed"]

log = logging.getLogger(__name__)


def generate(
    benchmark: Benchmark | PathLike,
    model: str,
    *,
    subset: Subset,
    runs: PathLike = DEFAULT_RUNS,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    limit: int | None = None,
    batch_size: int | Literal["auto"] = 1,
    workers: int | None = None,
    device: str | None = None,
    fresh: bool = False,
    run_name: str | None = None,
    progress: Progress | None = None,
) -> RunDirectory:
    """Let a model answer every sample of a subset and return the run directory.

    A sample whose file is there already and whole is not asked again, so a run that was killed goes on where it
    stopped. Where run.json is damaged nothing says what the sounds answer: all are made again, and that is said. A
    failed sample is recorded with its reason and asked again by the next call. Recorded sounds are read every time:
    they are the user's files, and may have changed. A second process on the run directory waits for the first.

    Args:
        benchmark: a built benchmark or its directory.
        model: a registered name, or the address of a class: path/to/file.py:Class or package.module:Class.
        subset: inter, intra or single.
        runs: root of the run directories.
        options: the model's own options.
        seed: every sample's seed is made from it and the sample's id.
        limit: only the first so many samples; the others count as not generated.
        batch_size: requests handed over at once to models that take several; on a CPU no bit of the results depends
            on it. "auto": as many as the model says fit its GPU, else one.
        workers: processes that decode ahead of models that can have that; None decodes in threads of this process, one
            per core, 0 when a batch is due. Results do not depend on it.
        device: handed to models that have an option of that name; None lets the model choose.
        fresh: delete what the run directory holds; only if it is a run, see `benchmark.removal`.
        run_name: name of the run directory; the model's name by default.
        progress: called as samples are done.

    Raises:
        baselines.UnknownModel: no such model.
        ValueError: an option that the model does not have, input that it cannot use at all, a length that it cannot
            make, a subset that is not in the benchmark, a run name that is not the name of one folder, or a place
            that cannot be written to or has no room.
        UnusableRun: the run directory holds answers to another question, by other weights or other code, or audio
            without a record, and `fresh` is not set; or it is set, and the directory is not a run.
        vgg_monoaudio.dataset.BenchmarkError: a scene, or a sound that a control is given, is not the one that was
            built.
        foundation.checkpoints.MissingCheckpoint: weights are missing.
        benchmark.workers.WorkerDied: worker processes cannot begin.
    """
    built = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    _check(model, built, subset, run_name, limit=limit, batch_size=batch_size)
    check_workers(workers)
    job = Job(built, subset, built.samples(subset)[:limit], model, dict(options or {}), seed, device)
    directory = RunDirectory.locate(Path(runs), built.name, subset, run_name or folder_name(job.entry.name))
    with Lock(directory.path):
        _run(job, directory, fresh, batch_size, workers, progress)
    return directory


def check_request(
    benchmark: Benchmark,
    model: str,
    *,
    subset: Subset,
    runs: PathLike = DEFAULT_RUNS,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    limit: int | None = None,
    batch_size: int | Literal["auto"] = 1,
    workers: int | None = None,
    device: str | None = None,
    fresh: bool = False,
    run_name: str | None = None,
) -> None:
    """Raise what `generate` raises of these arguments before it loads a model; load and write nothing.

    Raises:
        ValueError: see `generate`.
        UnusableRun: likewise.
    """
    check_workers(workers)
    _check(model, benchmark, subset, run_name, limit=limit, batch_size=batch_size)
    job = Job(benchmark, subset, benchmark.samples(subset)[:limit], model, dict(options or {}), seed, device)
    directory = RunDirectory.locate(Path(runs), benchmark.name, subset, run_name or folder_name(job.entry.name))
    standing(job, directory, fresh, look_inside=False)


def _run(
    job: Job,
    directory: RunDirectory,
    fresh: bool,
    batch_size: int | Literal["auto"],
    workers: int | None,
    progress: Progress | None,
) -> None:
    found = standing(job, directory, fresh)
    previous, todo = found.previous, found.todo
    if not todo and previous is not None and previous.status == "finished":
        return
    found.tell()
    job.check_shown(todo)
    started = time.monotonic()
    generator = job.load() if todo else None
    model = job.model_record(generator) if generator is not None or previous is None else previous.model
    record = job.begun(model, previous)
    check_weights(directory, record, previous)
    if fresh:
        remove_run(directory)  # not before there is a model that can replace the answers
    elif found.damaged_record:
        set_aside(directory)
    directory.write(record)
    remove_partials(directory.path, alone=True)  # the run is locked
    before = previous.generation_seconds or 0.0 if previous else 0.0
    failures: list[FailureRecord] = []

    def end(reason: str | None = None) -> None:
        asked = {
            sample.sample_id for sample in job.samples if reason is None or directory.audio(sample.sample_id).is_file()
        }
        told = [*failures, *failures_of_others(previous, asked | {failure.sample for failure in failures})]
        spent = before + time.monotonic() - started
        directory.write(finished(record, directory, job.benchmark.samples(job.subset), told, spent, reason))

    try:
        if generator is not None:
            _Asking(job, generator, directory, progress, failures).ask(todo, batch_size, workers)
    except BaseException as error:  # Ctrl-C too
        with suppress(OSError):  # the disk may be what is wrong
            end("interrupted" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}")
        raise
    end()


def _check(model: object, built: Benchmark, subset: str, run_name: str | None, **counts: int | str | None) -> None:
    """Refuse arguments that lead nowhere, or out of the folder of runs.

    Raises:
        ValueError: names the argument, what was expected and what was given.
    """
    if not isinstance(model, str):
        what = f"the class {model.__name__}" if isinstance(model, type) else repr(model)
        raise ValueError(
            f"model: expected a name or an address, got {what}; "
            'register the class with @register_model("mymodel") and pass "mymodel", or pass "mymodel.py:MyModel"'
        )
    if subset not in built.subsets:
        raise ValueError(f"subset: {built.path} has {' and '.join(built.subsets)}, not {subset!r}")
    if run_name is not None:
        check_run_name(run_name)
    for name, count in counts.items():
        if count is None or (name == "batch_size" and count == "auto"):
            continue
        if isinstance(count, bool) or not isinstance(count, int):
            raise ValueError(f'{name}: expected a number or "auto", got {count!r}')
        if count < 1:
            raise ValueError(f"{name}: expected 1 or more, got {count}")


def check_run_name(run_name: str) -> None:
    """Refuse a name that would put a run outside its place, where `fresh` deletes what others have made.

    Raises:
        ValueError: the name is not that of one folder.
    """
    try:
        check_name(run_name, "folder")
    except ValueError as error:
        raise ValueError(f"--run-name: {error}") from error


class _Asking:
    """Asks a model for samples and keeps what it answers: decoded ahead, and written by a thread beside it."""

    def __init__(
        self,
        job: Job,
        generator: Generator,
        directory: RunDirectory,
        progress: Progress | None,
        failures: list[FailureRecord],
    ) -> None:
        self._job, self._generator, self._directory = job, generator, directory
        self._progress, self._failures = progress, failures
        self._peaks = [0.0]

    def ask(self, todo: Sequence[Sample], batch_size: int | Literal["auto"], workers: int | None) -> None:
        """Ask for every sample; add the failures to the list as they come."""
        job, generator = self._job, self._generator
        samples = iter(todo)
        done = len(job.samples) - len(todo)
        requests = [job.request(sample) for sample in todo]
        size = self._size(batch_size, requests)
        ahead = batches(generator, requests, size, workers=workers, own=job.code_sha256 is not None)
        with closing(ahead), Writer() as writer:
            for batch in ahead:
                if self._progress and hasattr(generator, "on_progress"):
                    generator.on_progress = partial(_report_within, self._progress, done, len(job.samples))
                for answer in answers_to(generator, batch.requests, batch.prepared, size):
                    writer.write(self._kept(next(samples), answer))
                done += len(batch.requests)
                if self._progress:
                    self._progress("generate", done, len(job.samples))
        if (clipped := sum(peak > 1 for peak in self._peaks)) > 0:
            peak = max(self._peaks)
            log.warning("%s: %d answers exceed full scale and are clipped; peak %.3g", job.entry.name, clipped, peak)

    def _size(self, wanted: int | Literal["auto"], requests: Sequence[Request]) -> BatchSize:
        """Return how many requests are asked at once; what a model says of its memory wrongly is one."""
        generator = self._generator
        if not (callable(getattr(generator, "generate_batch", None)) or prepares(generator)):
            return BatchSize(1)
        if wanted != "auto":
            return BatchSize(wanted)
        fitting = getattr(generator, "fitting_batch", None)
        try:
            return BatchSize(max(1, int(fitting(requests[0]))) if callable(fitting) else 1)
        except Exception as error:  # foreign code
            log.warning("%s: its fitting_batch: %s; one at a time", self._job.entry.name, named(error))
            return BatchSize(1)

    def _kept(self, sample: Sample, answer: Answer) -> Callable[[], None]:
        """Return what writes an answer, or removes what stands in its place, where it is none.

        All that is read of the model is read now, and the sound copied: at the next request both may be others.
        """
        path, generator = self._directory.audio(sample.sample_id), self._generator
        try:
            waveform, rate = checked(answer, generator.sample_rate, self._job.benchmark.duration_seconds)
        except GenerationError as error:
            self._failures.append(FailureRecord(sample=sample.sample_id, stage="generate", reason=str(error)))
            return partial(path.unlink, missing_ok=True)
        subtype: media.Subtype = "PCM_16"
        if isinstance(generator, Recorded):
            subtype = generator.subtype_of(sample.sample_id)
        self._peaks.append(float(np.abs(waveform).max(initial=0.0)) if subtype == "PCM_16" else 0.0)
        return partial(media.write_audio, path, waveform.copy(), rate, subtype=subtype)


def _report_within(progress: Progress, before: int, total: int, answered: int) -> None:
    """Report progress inside a batch."""
    progress("generate", before + answered, total)
