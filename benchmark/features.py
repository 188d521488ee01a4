"""Features by content: each file is decoded once for everything that is wanted of it, and nothing is computed twice.

A feature is known by the hash of the file's bytes and the key of the extractor (preprocessing version and weights).
File names and folders play no part, so 1,071 scenes that share 67 sources cost 67 extractions, a second run costs
none, and a file that changed is never mistaken for the one before it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.places import DEFAULT_CACHE as DEFAULT_CACHE
from foundation import media
from foundation.files import PathLike, file_sha256, replacing
from foundation.work import Progress, available_cores

Arrays = dict[str, NDArray[Any]]
Medium = Literal["audio", "video"]


class TooShort(media.MediaError):
    """A file that ends before the time that is scored."""


class WorkerDied(Exception):
    """A worker process was killed from outside, mostly for want of memory."""


@dataclass(frozen=True)
class Extractor:
    """One half of a backbone as the harness drives it: a front end for worker processes, a network for this one.

    Attributes:
        name: unique; "<backbone>.<part>".
        key: content key of preprocessing and weights; features under another key are other features.
        medium: what it is fed.
        prepare: front end, a function of a module (it travels to worker processes): from the decoded file and the
            seconds scored to the tensors that the network eats. For audio it is given `media.Audio`, for video the
            frames of `frames`.
        frames: the frames wanted of a video.
        network: from a batch of what `prepare` returned to one set of features each; None: `prepare` does it all.
        batch_size: files that the network is given at once.
        yields: evidence that these features are as they stand: its feature, as in `metrics.metric`, to the array's
            name among what is kept.
    """

    name: str
    key: str
    medium: Medium
    prepare: Callable[[Any, float], Arrays]
    frames: media.FrameRequest | None = None
    network: Callable[[Sequence[Arrays]], list[Arrays]] | None = field(default=None, compare=False)
    batch_size: int = 8
    yields: Mapping[str, str] = field(default_factory=dict, compare=False)


class FeatureStore:
    """Features on disk, one safetensors file for each file of media and extractor."""

    def __init__(self, root: PathLike = DEFAULT_CACHE) -> None:
        self._root = Path(root)

    def path(self, extractor: Extractor, sha256: str) -> Path:
        """Return where the features of a file are kept."""
        return self._root / extractor.name / extractor.key[:32] / sha256[:2] / f"{sha256}.safetensors"

    def has(self, extractor: Extractor, sha256: str) -> bool:
        """Tell whether the features of a file are there."""
        return self.path(extractor, sha256).is_file()

    def read(self, extractor: Extractor, sha256: str) -> Arrays:
        """Return the features of a file."""
        from safetensors.numpy import load

        return load(self.path(extractor, sha256).read_bytes())

    def write(self, extractor: Extractor, sha256: str, arrays: Arrays) -> None:
        """Keep the features of a file; whole or not at all."""
        from safetensors.numpy import save

        data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        with replacing(self.path(extractor, sha256)) as temporary:
            temporary.write_bytes(data)


@dataclass(frozen=True)
class Wanted:
    """A file and the extractors that want it."""

    path: Path
    medium: Medium
    extractors: tuple[Extractor, ...]


@dataclass(frozen=True)
class Extracted:
    """What became of the files asked for.

    Attributes:
        sha256: file to the hash of its bytes; files that could not be opened have none.
        failures: file to the reason why it has no features.
        computed: how many features were not there before.
    """

    sha256: dict[Path, str]
    failures: dict[Path, str]
    computed: int


def extract(
    wanted: Sequence[Wanted],
    store: FeatureStore,
    *,
    seconds: float,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Extracted:
    """Make sure that the store has every feature wanted.

    Worker processes decode and prepare; networks run here, in batches. What is done is written at once, so a run
    that is killed loses one batch.

    Args:
        wanted: files and extractors; a file may stand there several times.
        store: where features are kept.
        seconds: how much of every file is scored, from its start.
        workers: processes; None takes one a core where there is enough to do and threads where there is not, 0 works
            in this process.
        progress: called as files are done.

    Raises:
        WorkerDied: a worker process was killed.
    """
    hashes, failures = _hash_files(wanted)
    missing = _missing(wanted, hashes, store)
    harvest = _Harvest(store, hashes, failures, [extractor for *_, extractors in missing for extractor in extractors])
    jobs = [(path, medium, seconds, tuple(map(_without_network, parts))) for path, medium, parts in missing]
    for done, (path, outcome) in enumerate(_prepared(jobs, workers), start=1):
        harvest.take(path, outcome)
        if progress:
            progress("features", done, len(jobs))
    harvest.finish()
    return Extracted(hashes, harvest.failures, harvest.computed)


class _Harvest:
    """Gathers what front ends prepared into batches, runs the networks on them, and keeps what comes out."""

    def __init__(
        self,
        store: FeatureStore,
        hashes: Mapping[Path, str],
        failures: Mapping[Path, str],
        extractors: Sequence[Extractor],
    ) -> None:
        self.failures = dict(failures)
        self.computed = 0
        self._store, self._hashes = store, hashes
        self._extractors = {extractor.name: extractor for extractor in extractors}
        self._batches: dict[str, list[tuple[Path, Arrays]]] = {}

    def take(self, path: Path, outcome: dict[str, Arrays] | str) -> None:
        """Take what became of one file: tensors by extractor, or the reason why there are none."""
        if isinstance(outcome, str):
            self._fail(path, outcome)
            return
        for name, arrays in outcome.items():
            batch, extractor = self._batches.setdefault(name, []), self._extractors[name]
            batch.append((path, arrays))
            if extractor.network is None or len(batch) >= extractor.batch_size:
                self._flush(name)

    def finish(self) -> None:
        """Run the networks on the batches that are not full."""
        for name in list(self._batches):
            self._flush(name)

    def _flush(self, name: str) -> None:
        batch, extractor = self._batches.pop(name), self._extractors[name]
        prepared = [arrays for _, arrays in batch]
        results = extractor.network(prepared) if extractor.network else prepared
        for (path, _), arrays in zip(batch, results, strict=True):
            if all(np.isfinite(array).all() for array in arrays.values()):
                self._store.write(extractor, self._hashes[path], arrays)
                self.computed += 1
            else:
                self._fail(path, f"its features by {name} are not finite")

    def _fail(self, path: Path, reason: str) -> None:
        """Record a file and every other that holds the same bytes: one of them stood for all."""
        sha256 = self._hashes[path]
        self.failures |= {other: f"{other}: {reason}" for other, its in self._hashes.items() if its == sha256}


def _hash_files(wanted: Sequence[Wanted]) -> tuple[dict[Path, str], dict[Path, str]]:
    hashes, failures = {}, {}
    for path in dict.fromkeys(item.path for item in wanted):
        try:
            hashes[path] = file_sha256(path)
        except OSError as error:
            failures[path] = f"{path}: {error.strerror}"
    return hashes, failures


def _missing(
    wanted: Sequence[Wanted], hashes: Mapping[Path, str], store: FeatureStore
) -> list[tuple[Path, Medium, list[Extractor]]]:
    """Return, for each content, one file of it and the extractors whose features are not there."""
    jobs: dict[tuple[str, Medium], tuple[Path, Medium, list[Extractor]]] = {}
    for item in wanted:
        if item.path not in hashes:
            continue
        sha256 = hashes[item.path]
        for extractor in item.extractors:
            if not store.has(extractor, sha256):
                _, _, extractors = jobs.setdefault((sha256, item.medium), (item.path, item.medium, []))
                if extractor not in extractors:
                    extractors.append(extractor)
    return list(jobs.values())


def _without_network(extractor: Extractor) -> Extractor:
    """Leave the network at home: only the front end travels."""
    return Extractor(extractor.name, extractor.key, extractor.medium, extractor.prepare, extractor.frames)


_Job = tuple[Path, Medium, float, tuple[Extractor, ...]]


def _prepared(jobs: Sequence[_Job], workers: int | None) -> Iterator[tuple[Path, dict[str, Arrays] | str]]:
    """Yield every file with its prepared tensors or the reason it has none; a few files ahead of the networks."""
    count = min(len(jobs), _worthwhile(jobs) if workers is None else workers)
    executor: Executor
    if count > 1:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that torch's threads hold
        executor = ProcessPoolExecutor(count, mp_context=context, initializer=_settle_worker)
    elif workers is None and len(jobs) > 1:  # decoding and torch leave the interpreter free; nothing to start
        count = min(len(jobs), available_cores())
        executor = ThreadPoolExecutor(count)
    else:
        for job in jobs:
            yield job[0], _prepare(job)
        return
    with executor as pool:
        queue = iter(jobs)
        running: dict[Future[dict[str, Arrays] | str], Path] = {}

        def start(job: _Job) -> None:
            with _ctrl_c_held():  # submitting starts workers
                running[pool.submit(_prepare, job)] = job[0]

        try:
            for job in islice(queue, 2 * count):
                start(job)
            while running:
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield running.pop(future), future.result()
                    for job in islice(queue, 1):
                        start(job)
        except BrokenProcessPool as error:
            raise WorkerDied(
                f"a worker process was killed, perhaps for want of memory, {len(jobs)} files were to be read; the same "
                "command goes on from here, --workers 0 reads in one process"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Keep Ctrl-C waiting while processes are started: they inherit that, and leave it to this process to end them.

    Without it every worker answers Ctrl-C with a traceback of its own.
    """
    if not hasattr(signal, "pthread_sigmask"):  # no POSIX system
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle_worker() -> None:
    """One thread a worker, because there are as many workers as cores; and none outlives the process it works for."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # returns when the parent is gone, also after `kill -9`
        os._exit(1)


def _prepare(job: _Job) -> dict[str, Arrays] | str:
    """Decode a file once and feed every front end from that; a reason instead where the file does not serve."""
    path, medium, seconds, extractors = job
    try:
        if medium == "audio":
            audio = media.read_audio_native(path)
            there = audio.samples.shape[1] / audio.sample_rate
            if audio.samples.shape[1] < round(seconds * audio.sample_rate):
                raise TooShort(path, f"{there:.3f} s of sound, {seconds:g} s are scored")
            if not np.isfinite(audio.samples).all():
                raise media.MediaError(path, "holds samples that are not finite")
            return {extractor.name: extractor.prepare(audio, seconds) for extractor in extractors}
        requests = [extractor.frames for extractor in extractors if extractor.frames is not None]
        streams = media.read_video_streams(path, requests, seconds=seconds)
        return {e.name: e.prepare(frames, seconds) for e, frames in zip(extractors, streams, strict=True)}
    except media.MediaError as error:
        return error.reason
    except ValueError as error:  # a front end that cannot use this file
        return str(error)


def _worthwhile(jobs: Sequence[_Job]) -> int:
    """Return how many processes to start: one costs as much time as some 64 sounds or 8 videos take in threads."""
    return min(available_cores(), sum(8 if medium == "video" else 1 for _, medium, *_ in jobs) // 64)
