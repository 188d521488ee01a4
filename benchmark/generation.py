"""Model x benchmark -> audio files: one waveform per sample, each written whole, none done twice.

The module is not called `generate` because `benchmark.generate` is the function; a submodule of that name would
replace it in the package as soon as it is imported.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from baselines import GenerationError, Generator
from baselines.recorded import Recorded
from benchmark.answers import answers_to, checked
from benchmark.job import Job, finished, references, sample_seed
from benchmark.places import DEFAULT_RUNS
from benchmark.runs import FailureRecord, OwnModelRecord, RunDirectory, RunRecord, UnusableRun, folder_name
from foundation import media
from foundation.files import PathLike, is_folder_name, remove_partials
from foundation.locks import Lock
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
    batch_size: int = 1,
    device: str | None = None,
    fresh: bool = False,
    run_name: str | None = None,
    progress: Progress | None = None,
) -> RunDirectory:
    """Let a model answer every sample of a subset and return the run directory.

    A sample whose file is there already is not asked again, so a run that was killed goes on where it stopped. A
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
        batch_size: requests handed over at once to models that take several; results do not depend on it.
        device: handed to models that have an option of that name; None lets the model choose.
        fresh: delete what the run directory holds.
        run_name: name of the run directory; the model's name by default.
        progress: called as samples are done.

    Raises:
        baselines.UnknownModel: no such model.
        ValueError: an option that the model does not have, input that it cannot use at all, a length that it cannot
            make, a subset that is not in the benchmark, a run name that is not the name of one folder, or a place
            that cannot be written to or has no room.
        UnusableRun: the run directory holds answers to another question, by other weights or other code, or audio
            without a record, and `fresh` is not set.
        foundation.checkpoints.MissingCheckpoint: weights are missing.
    """
    built = benchmark if isinstance(benchmark, Benchmark) else load_benchmark(benchmark)
    _check(model, built, subset, run_name, limit=limit, batch_size=batch_size)
    job = Job(built, subset, built.samples(subset)[:limit], model, dict(options or {}), seed, device)
    directory = RunDirectory.locate(Path(runs), built.name, subset, run_name or folder_name(job.entry.name))
    with Lock(directory.path):
        _run(job, directory, fresh, batch_size, progress)
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
    batch_size: int = 1,
    device: str | None = None,
    fresh: bool = False,
    run_name: str | None = None,
) -> None:
    """Raise what `generate` raises of these arguments before it loads a model; load and write nothing.

    Raises:
        ValueError: see `generate`.
        UnusableRun: likewise.
    """
    _check(model, benchmark, subset, run_name, limit=limit, batch_size=batch_size)
    job = Job(benchmark, subset, benchmark.samples(subset)[:limit], model, dict(options or {}), seed, device)
    directory = RunDirectory.locate(Path(runs), benchmark.name, subset, run_name or folder_name(job.entry.name))
    _begin(job, directory, fresh)


def _begin(job: Job, directory: RunDirectory, fresh: bool) -> tuple[RunRecord | None, list[Sample]]:
    """Return the record of what is there and the samples that are to be asked; refuse what cannot be done."""
    previous = None if fresh else _previous(directory, job)
    again = fresh or job.entry.kind == "recorded"
    todo = [sample for sample in job.samples if again or not directory.audio(sample.sample_id).is_file()]
    if todo:
        job.check_possible(directory, todo)
    return previous, todo


def _run(job: Job, directory: RunDirectory, fresh: bool, batch_size: int, progress: Progress | None) -> None:
    previous, todo = _begin(job, directory, fresh)
    if not todo and previous is not None and previous.status == "finished":
        return
    started = time.monotonic()
    generator = job.load() if todo else None
    model = job.model_record(generator) if generator is not None or previous is None else previous.model
    record = job.begun(model, previous)
    _check_weights(directory, record, previous)
    if fresh and directory.path.exists():
        shutil.rmtree(directory.path)  # not before there is a model that can replace the answers
    directory.write(record)
    remove_partials(directory.path)
    failures = [] if generator is None else _answer_all(job, generator, todo, directory, batch_size, progress)
    failures += _failures_of_others(previous, job.samples)
    spent = (previous.generation_seconds or 0.0 if previous else 0.0) + time.monotonic() - started
    directory.write(finished(record, directory, job.benchmark.samples(job.subset), failures, spent))


def _check(model: object, built: Benchmark, subset: str, run_name: str | None, **counts: int | None) -> None:
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
        if count is not None and count < 1:
            raise ValueError(f"{name}: expected 1 or more, got {count}")


def check_run_name(run_name: str) -> None:
    """Refuse a name that would put a run outside its place, where `fresh` deletes what others have made.

    Raises:
        ValueError: the name is not that of one folder.
    """
    if not is_folder_name(run_name):
        raise ValueError(f"--run-name: expected the name of one folder, got {run_name!r}")


def _previous(directory: RunDirectory, job: Job) -> RunRecord | None:
    if not directory.run_json.is_file():
        if any(directory.path.glob("audio/*.wav")):
            raise UnusableRun(
                f"{directory.path}: holds audio but no run.json, so it is not known what it answers; "
                "pass --fresh to replace it"
            )
        return None
    previous = directory.read_run()
    before = previous.model.source_sha256 if isinstance(previous.model, OwnModelRecord) else None
    changed = before not in (None, job.code_sha256)
    if changed or previous.fingerprint != job.fingerprint:
        other = "made with another version of its file" if changed else "to another benchmark, seed or options"
        raise UnusableRun(
            f"{directory.path}: holds answers of {previous.model.name} {other}; "
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


def _answer_all(
    job: Job,
    generator: Generator,
    todo: Sequence[Sample],
    directory: RunDirectory,
    batch_size: int,
    progress: Progress | None,
) -> list[FailureRecord]:
    """Ask for every sample that has no file yet; return the failures."""
    failures, peaks = [], [0.0]
    done = len(job.samples) - len(todo)
    size = batch_size if hasattr(generator, "generate_batch") else 1
    for start in range(0, len(todo), size):
        batch = todo[start : start + size]
        if progress and hasattr(generator, "on_progress"):
            generator.on_progress = partial(_report_within, progress, done, len(job.samples))
        for sample, answer in zip(batch, answers_to(generator, [job.request(s) for s in batch]), strict=True):
            path = directory.audio(sample.sample_id)
            try:
                waveform, rate = checked(answer, generator.sample_rate, job.benchmark.duration_seconds)
            except GenerationError as error:
                failures.append(FailureRecord(sample=sample.sample_id, stage="generate", reason=str(error)))
                path.unlink(missing_ok=True)
                continue
            subtype: media.Subtype = "PCM_16"
            if isinstance(generator, Recorded):
                subtype = generator.subtype_of(sample.sample_id)
            media.write_audio(path, waveform, rate, subtype=subtype)
            peaks.append(float(np.abs(waveform).max(initial=0.0)) if subtype == "PCM_16" else 0.0)
        done += len(batch)
        if progress:
            progress("generate", done, len(job.samples))
    if (clipped := sum(peak > 1 for peak in peaks)) > 0:
        log.warning("%s: %d answers exceed full scale and are clipped; peak %.3g", job.entry.name, clipped, max(peaks))
    return failures


def _report_within(progress: Progress, before: int, total: int, answered: int) -> None:
    """Report progress inside a batch."""
    progress("generate", before + answered, total)
