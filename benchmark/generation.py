"""Model x benchmark -> audio files: one waveform per sample, each written whole, none done twice.

The module is not called `generate` because `benchmark.generate` is the function; a submodule of that name would
replace it in the package as soon as it is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from baselines import Generator
from benchmark.answers import BatchSize
from benchmark.asking import Asking, batch_size, shard_size
from benchmark.job import Job, finished, lacking, references, sample_seed
from benchmark.places import DEFAULT_RUNS
from benchmark.preparing import check_workers
from benchmark.progress import Shown, shown
from benchmark.remote_site import site_of
from benchmark.removal import remove_run
from benchmark.resuming import Standing, check_weights, failures_of_others, set_aside, standing
from benchmark.runs import (
    AnyModelRecord,
    FailureRecord,
    RunDirectory,
    RunRecord,
    SettingsRecord,
    UnusableRun,
    folder_name,
)
from benchmark.site import Site, hold
from foundation.files import PathLike, fingerprint, remove_partials
from foundation.ledger.ledger import Driver, Ledger, Plan, shards_of
from foundation.names import joined
from foundation.paths import check_name
from foundation.work import Progress
from vgg_monoaudio.dataset import Benchmark, Sample, Subset, load_benchmark

__all__ = ["DEFAULT_RUNS", "generate", "references", "sample_seed"]


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
    settings: SettingsRecord | None = None,
    progress: Shown = None,
) -> RunDirectory:
    """Let a model answer every sample of a subset and return the run directory.

    A sample whose file is there already and whole is not asked again, so a run that was killed goes on where it
    stopped. Where run.json is damaged nothing says what the sounds answer: all are made again, and that is said. A
    failed sample is recorded with its reason and asked again by the next call. Recorded sounds are read every time:
    they are the user's files, and may have changed. Several processes that make the same call at once, on one machine
    or many, share the samples; each returns when all are done. What one that dies leaves, the others do.

    Args:
        benchmark: a built benchmark or its directory.
        model: a registered name, or the address of a class: path/to/file.py:Class or package.module:Class.
        subset: inter, intra or single.
        runs: root of the run directories: a folder, or an address such as s3://bucket/runs.
        options: the model's own options.
        seed: every sample's seed is made from it and the sample's id.
        limit: only the first so many samples; the others count as not generated, and `evaluate` scores these.
        batch_size: requests handed over at once to models that take several; on a CPU no bit of the results depends
            on it. "auto": as many as the model says fit its GPU, else one.
        workers: processes that decode ahead of models that can have that; None decodes in threads of this process, one
            per core, 0 when a batch is due. Results do not depend on it.
        device: handed to models that have an option of that name; None lets the model choose.
        fresh: delete what the run directory holds; only if it is a run, see `benchmark.removal`.
        run_name: name of the run directory; the model's name by default.
        settings: what a settings file said of these arguments; it is recorded and decides nothing.
        progress: called as samples are done; None shows it on stderr, False nowhere: `benchmark.progress`.

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
    job = Job(built, subset, built.samples(subset)[:limit], model, dict(options or {}), seed, device, settings)
    site = site_of(runs, built.name, subset, run_name or folder_name(job.entry.name))
    with shown(progress, f"{job.entry.name} {subset}") as report:
        _Run(job, site, batch_size, workers, report).finish(fresh=fresh)
    return site.directory


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
) -> bool:
    """Raise what `generate` raises of these arguments before it loads a model; load and write nothing.

    Returns:
        Whether there is anything left to ask the model.

    Raises:
        ValueError: see `generate`.
        UnusableRun: likewise.
    """
    check_workers(workers)
    _check(model, benchmark, subset, run_name, limit=limit, batch_size=batch_size)
    job = Job(benchmark, subset, benchmark.samples(subset)[:limit], model, dict(options or {}), seed, device)
    site = site_of(runs, benchmark.name, subset, run_name or folder_name(job.entry.name))
    site.pull()
    return bool(standing(job, site.directory, fresh, look_inside=False).todo)


MOST_PASSES = 3  # over samples whose answers were written and are gone


class _Run:
    """One driver of a run: begins it, goes on with it or joins those that are at it; the last one ends it."""

    def __init__(
        self, job: Job, site: Site, batch_size: int | Literal["auto"], workers: int | None, progress: Progress
    ) -> None:
        self._job, self._site, self._directory = job, site, site.directory
        self._batch_size, self._workers, self._progress = batch_size, workers, progress
        self._ledger = Ledger(site.ledger())
        self._generator: Generator | None = None
        self._chosen: BatchSize | None = None
        self._driven: set[str] = set()  # samples of the plans that this driver was at
        self._passes = 0

    def finish(self, *, fresh: bool) -> None:
        """Return when the run is finished."""
        self._site.pull()
        self._load_for(standing(self._job, self._directory, fresh, look_inside=False).todo)
        while (begun := self._begin(fresh)) is not None:
            self._drive(*begun)
            fresh = False

    def _load_for(self, todo: Sequence[Sample]) -> None:
        """Load the model if there is something to ask it; nobody waits for that."""
        if todo and self._generator is None:
            self._job.check_shown(todo)
            self._generator = self._job.load()

    def _begin(self, fresh: bool) -> tuple[RunRecord, Driver] | None:
        """Return the record of the run and what drives it here; None where it is finished."""
        mark = fingerprint([self._job.fingerprint, self._job.code_sha256, [s.sample_id for s in self._job.samples]])
        marks = [f"{mark} fresh"] if fresh else [mark, f"{mark} fresh"]
        while True:
            joining = marks if self._generator is not None else ()  # else there is nothing to ask here
            with hold(self._site, self._ledger, joining=joining) as plan:
                self._site.pull()
                found = standing(self._job, self._directory, fresh and plan is None)
                todo = self._left(found)
                if todo and self._generator is None:
                    pass  # answers that are not whole: a model is needed after all, and the run is let go for that
                elif plan is not None and found.previous is not None:
                    return self._joined(found.previous, plan)
                elif not todo and found.previous is not None and found.previous.status == "finished":
                    self._ledger.store.clear()  # of who was killed just before that
                    self._keep_settings(found.previous)
                    return None
                else:
                    return self._begun(found, todo, fresh, marks[0])
            self._load_for(todo)

    def _keep_settings(self, finished: RunRecord) -> None:
        """Record what a settings file says of a run that is finished: the others of the same call record it, too."""
        settings = self._job.settings
        if settings is not None and not self._driven and settings != finished.settings:
            self._write(finished.model_copy(update={"settings": settings}))

    def _left(self, found: Standing) -> list[Sample]:
        """Return what is to be asked, apart from what failed in the run that this driver was at, or is the user's own.

        Raises:
            UnusableRun: answers of this driver are gone, time and again.
        """
        if not self._driven or found.previous is None or found.previous.status != "finished":
            return found.todo
        asked = {failure.sample for failure in found.previous.failures}
        if self._job.entry.kind == "recorded":  # these are read every time, but once by a call
            asked |= self._driven
        left = [sample for sample in found.todo if sample.sample_id not in asked]
        if left and self._passes >= MOST_PASSES:
            raise UnusableRun(
                f"{self._directory.path}: {len(left)} answers that were written are gone, the first is "
                f"{left[0].sample_id}; see who removes them, and give the same command again"
            )
        return left

    def _joined(self, previous: RunRecord, plan: Plan) -> tuple[RunRecord, Driver]:
        """Be one more driver of a plan."""
        now = self._job.begun(self._model(previous), previous)
        check_weights(self._directory, now, previous, joining=True)
        return previous, self._ledger.join(plan)

    def _begun(self, found: Standing, todo: Sequence[Sample], fresh: bool, mark: str) -> tuple[RunRecord, Driver]:
        """Begin the run or go on with it: a plan of what is left, and its first driver."""
        previous = found.previous
        found.tell()
        self._job.check_shown(todo)
        record = self._job.begun(self._model(previous), previous)
        check_weights(self._directory, record, previous)
        if fresh:
            remove_run(self._directory)  # not before there is a model that can replace the answers
        elif found.damaged_record:
            set_aside(self._directory)
        if fresh or found.damaged_record:
            self._site.push(self._directory.path)
        self._write(record)
        remove_partials(self._directory.path, alone=True)  # the run is held, and nobody is at it
        names = [sample.sample_id for sample in todo]
        size = shard_size(self._size(todo[0])) if todo else 1
        known = {
            "seconds": previous.generation_seconds or 0.0 if previous else 0.0,
            "failures": [failure.model_dump() for failure in previous.failures] if previous else [],
        }
        return record, self._ledger.join(self._ledger.begin(mark, shards_of(names, size), known))

    def _drive(self, record: RunRecord, driver: Driver) -> None:
        """Ask for what is to be asked here; end the run if nobody else has when nothing is left."""
        asking = None
        self._passes += 1
        with driver:
            try:
                if self._generator is not None and driver.plan.shards:
                    asking = self._asking(self._generator, driver)
                    asking.ask()
                with self._site.lock():
                    self._end(record, driver, asking)
            except BaseException as error:  # Ctrl-C too
                why = "interrupted" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"
                with suppress(OSError), self._site.lock():  # the disk may be what is wrong
                    driver.leave()  # of two that end at once, the second is the last
                    if driver.is_last():  # the others go on, with what this one leaves too
                        self._end(record, driver, asking, why)
                raise
        self._driven.update(name for names in driver.plan.shards for name in names)

    def _asking(self, generator: Generator, driver: Driver) -> Asking:
        first = next(sample for sample in self._job.samples if sample.sample_id == driver.plan.shards[0][0])
        return Asking(
            self._job, generator, self._site, driver, size=self._size(first), workers=self._workers,
            progress=self._progress,
        )  # fmt: skip

    def _end(self, record: RunRecord, driver: Driver, asking: Asking | None, why: str | None = None) -> None:
        """Write the record of the run as it is now, and end the plan; nothing where another driver did. It is held."""
        if not driver.is_planned():
            return
        self._site.pull()
        remove_partials(self._directory.path, alone=driver.is_last())  # of drivers that were killed as they wrote
        known, found = driver.plan.known, driver.found()
        told = [FailureRecord(**failure) for one in found for failure in one["failures"]]
        told += [failure for failure in asking.failures if failure not in told] if asking else []
        asked = {s.sample_id for s in self._job.samples if why is None or self._directory.audio(s.sample_id).is_file()}
        before = [FailureRecord(**failure) for failure in known["failures"]]
        told += failures_of_others(before, asked | {failure.sample for failure in told})
        spent = known["seconds"] + sum(one["seconds"] for one in found) + (asking.unsaid_seconds if asking else 0.0)
        everything = self._job.benchmark.samples(self._job.subset)
        self._write(finished(record, self._directory, everything, told, spent, why))
        self._ledger.store.clear()

    def _model(self, previous: RunRecord | None) -> AnyModelRecord:
        if self._generator is None and previous is not None:
            return previous.model
        return self._job.model_record(self._generator)

    def _size(self, sample: Sample) -> BatchSize:
        if self._chosen is None:
            if self._generator is None:
                return BatchSize(1)
            request = self._job.request(sample)
            self._chosen = batch_size(self._generator, self._batch_size, request, self._job.entry.name)
        return self._chosen

    def _write(self, record: RunRecord) -> None:
        self._directory.write(record)
        self._site.push(self._directory.run_json)


def _check(model: object, built: Benchmark, subset: Subset, run_name: str | None, **counts: int | str | None) -> None:
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
        raise ValueError(f"subset: {built.path} has {joined(built.subsets, 'and')}, not {subset!r}")
    if why := lacking(model, built.samples(subset)):
        raise ValueError(f"model {model}: {why}, so there is nothing that it could answer with; leave it out")
    if run_name is not None:
        check_run_name(run_name)
    for name, count in counts.items():
        if count is None or (name == "batch_size" and count == "auto"):
            continue
        if isinstance(count, bool) or not isinstance(count, int):
            expected = 'a whole number or "auto"' if name == "batch_size" else "a whole number"
            raise ValueError(f"{name}: expected {expected}, got {count!r}")
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
