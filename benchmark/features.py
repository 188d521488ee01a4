"""Features by content: each file is decoded once for all that is wanted of it, and nothing is computed twice.

A feature is known by the hash of the file's bytes and the key of the extractor (preprocessing version and weights).
File names and folders play no part, so 1,071 scenes that share 67 sources cost 67 extractions, a second run costs
none, and a file that changed is never mistaken for its earlier version.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.ahead import made_ahead
from benchmark.feature_store import FeatureStore as FeatureStore
from benchmark.feature_store import without_time_stamps
from benchmark.pending import Pending
from benchmark.places import DEFAULT_CACHE as DEFAULT_CACHE
from benchmark.workers import Arrays as Arrays
from benchmark.workers import Extractor as Extractor
from benchmark.workers import Job, Medium, Workers, without_network
from benchmark.workers import TooShort as TooShort
from benchmark.workers import WorkerDied as WorkerDied
from foundation.events import span
from foundation.faults import check_own_fault
from foundation.files import content_sha256
from foundation.work import Progress, look_at_each

log = logging.getLogger(__name__)

QUEUED_BATCHES = 2  # that wait for a network


@dataclass(frozen=True)
class Wanted:
    """A file and the extractors that want it.

    Attributes:
        path: the file.
        medium: what is to be read of it.
        extractors: those that want it.
        from_zero: its streams are known to begin at zero, so that every frame rule reads it alike, as in the films
            that `build` makes.
    """

    path: Path
    medium: Medium
    extractors: tuple[Extractor, ...]
    from_zero: bool = False


@dataclass(frozen=True)
class Extracted:
    """Outcome of an extraction.

    Attributes:
        sha256: file to the hash of its bytes; files that could not be opened have none.
        failures: file to the reason why it has no features.
        computed: how many features were not there before.
        timed: files that another frame rule may read in another way, see `FeatureStore`.
    """

    sha256: dict[Path, str]
    failures: dict[Path, str]
    computed: int
    timed: frozenset[Path] = frozenset()


def extract(
    wanted: Sequence[Wanted],
    store: FeatureStore,
    *,
    seconds: float,
    workers: int | Workers | None = None,
    progress: Progress | None = None,
) -> Extracted:
    """Make sure that the store has every feature wanted.

    Worker processes decode and prepare, and a thread gathers what they send into batches; networks run here, in the
    thread that calls, so neither waits for the other. At most `QUEUED_BATCHES` full batches wait, beside the one that
    a network is at and those that are filling. What is done is written by tens of files or some seconds (`pending.py`),
    and when this ends, however it does; so a run that is killed loses these, and some seconds' work.

    Args:
        wanted: files and extractors; a file may be listed several times.
        store: where features are kept.
        seconds: how much of every file is scored, from its start.
        workers: processes; None takes one per core where there is enough to do and threads where there is not; 0 works
            in this process. `Workers` are kept for further calls.
        progress: called as files are done.

    Raises:
        WorkerDied: worker processes cannot begin.
        foundation.faults.MachineFault: a file cannot be read for want of memory, open files or a permission.
    """
    hashes, failures = _hash_files(wanted)
    timed = _timed(wanted, hashes)
    missing = _missing(wanted, hashes, timed, store)
    jobs = [(path, medium, seconds, tuple(map(without_network, parts))) for path, medium, parts in missing]
    gathering = _Gathering(jobs, hashes, {extractor.name: extractor for *_, parts in missing for extractor in parts})
    with ExitStack() as held:
        if not isinstance(workers, Workers):
            workers = held.enter_context(closing(Workers(workers)))
        steps = held.enter_context(closing(_steps(gathering, workers)))
        kept = _Kept(held.enter_context(Pending(store)), hashes, failures)
        if progress and jobs:
            progress("features", 0, len(jobs))
        for step in steps:
            if isinstance(step, _Batch):
                kept.run(step)
            elif isinstance(step, _Failed):
                kept.fail(step)
            elif progress:
                progress("features", step, len(jobs))
    return Extracted(hashes, kept.failures, kept.computed, timed)


@dataclass(frozen=True)
class _Batch:
    """What front ends prepared of some files for one network; without a network, of one file what is to be kept."""

    extractor: Extractor
    files: list[tuple[Path, Arrays]]


@dataclass(frozen=True)
class _Failed:
    """A file that has no features; with `copies`, nor has any other that holds the same bytes."""

    path: Path
    reason: str
    copies: bool = True


_Step = _Batch | _Failed | int  # how many files are read


def _steps(gathering: _Gathering, workers: Workers) -> Generator[_Step, None, None]:
    """Yield the steps of a gathering: made by a thread of its own, but where one process does all."""
    if workers.count == 0:
        return gathering.steps(workers)
    return made_ahead(lambda stop: gathering.steps(workers, stop), large=_is_large, count=QUEUED_BATCHES)


def _is_large(step: _Step) -> bool:
    return isinstance(step, _Batch) and step.extractor.network is not None


class _Gathering:
    """Turns files into steps: batches for the networks, and files that have no features."""

    def __init__(self, jobs: Sequence[Job], hashes: Mapping[Path, str], extractors: Mapping[str, Extractor]) -> None:
        self._jobs, self._hashes, self._extractors = jobs, hashes, extractors
        self._filling: dict[str, list[tuple[Path, Arrays]]] = {}

    def steps(self, workers: Workers, stop: threading.Event | None = None) -> Generator[_Step, None, None]:
        """Yield what to do, in order; after the steps of each file the number of files that are read."""
        for done, (path, outcome) in enumerate(workers.prepared(self._jobs, stop), start=1):
            yield from self._of(path, outcome)
            yield done
        for name in list(self._filling):
            yield self._full(name)

    def _of(self, path: Path, outcome: dict[str, Arrays] | str) -> Iterator[_Step]:
        """Yield the steps of one file: tensors by extractor, or the reason why there are none.

        A file that is not the one which was hashed any more gives no features: they would be kept under the hash of
        other bytes.
        """
        if isinstance(outcome, str):
            check_own_fault(path, outcome)
            yield _Failed(path, outcome)
        elif not self._still_is(path):
            yield _Failed(path, "it changed while it was read; give the same command again", copies=False)
        else:
            for name, arrays in outcome.items():
                batch, extractor = self._filling.setdefault(name, []), self._extractors[name]
                batch.append((path, arrays))
                if extractor.network is None or len(batch) >= extractor.batch_size:
                    yield self._full(name)

    def _full(self, name: str) -> _Batch:
        return _Batch(self._extractors[name], self._filling.pop(name))

    def _still_is(self, path: Path) -> bool:
        """Tell whether a file holds the bytes that were hashed."""
        try:
            return content_sha256(path) == self._hashes[path]
        except OSError:
            return False


def _defined_or_nan(array: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(~np.isinf(array))


class _Kept:
    """Runs the networks on batches, and keeps what comes out."""

    def __init__(self, pending: Pending, hashes: Mapping[Path, str], failures: Mapping[Path, str]) -> None:
        self.failures = dict(failures)
        self.computed = 0
        self._pending, self._hashes = pending, hashes

    def run(self, batch: _Batch) -> None:
        """Run the network on a batch and keep the features of each file."""
        extractor = batch.extractor
        tensors = [arrays for _, arrays in batch.files]
        results = tensors
        if extractor.network:
            with span("extract", (path.stem for path, _ in batch.files), extractor.name):
                results = extractor.network(tensors)
        for (path, _), arrays in zip(batch.files, results, strict=True):
            sound = np.isfinite if not extractor.gaps else _defined_or_nan
            if all(sound(array).all() for array in arrays.values()):
                self._pending.add(extractor, self._hashes[path], arrays, path.stem)
                self.computed += 1
            else:
                self.fail(_Failed(path, f"its features by {extractor.name} are not finite"))
        self._pending.write_due()

    def fail(self, failed: _Failed) -> None:
        """Record a file and, as one stood for all, every other that holds the same bytes."""
        sha256 = self._hashes[failed.path]
        paths = [path for path, its in self._hashes.items() if its == sha256] if failed.copies else [failed.path]
        self.failures |= {path: f"{path}: {failed.reason}" for path in paths}


def _hash_files(wanted: Sequence[Wanted]) -> tuple[dict[Path, str], dict[Path, str]]:
    hashes, failures = {}, {}
    for path, found in look_at_each(content_sha256, dict.fromkeys(item.path for item in wanted)):
        if isinstance(found, OSError):
            check_own_fault(path, str(found.strerror))
            failures[path] = f"{path}: {found.strerror}"
        else:
            hashes[path] = found
    return hashes, failures


def _timed(wanted: Sequence[Wanted], hashes: Mapping[Path, str]) -> frozenset[Path]:
    """Return the files in which a frame rule may find other samples or frames than another one does."""
    from_zero = {hashes[item.path] for item in wanted if item.from_zero and item.path in hashes}
    return frozenset(
        path for path, sha256 in hashes.items() if sha256 not in from_zero and not without_time_stamps(path)
    )


def _missing(
    wanted: Sequence[Wanted], hashes: Mapping[Path, str], timed: Collection[Path], store: FeatureStore
) -> list[tuple[Path, Medium, list[Extractor]]]:
    """Return, for each content, one file of it and the extractors whose features are not there, or not whole."""
    jobs: dict[tuple[str, Medium], tuple[Path, Medium, list[Extractor]]] = {}
    unusable = []
    for item in wanted:
        if item.path not in hashes:
            continue
        sha256 = hashes[item.path]
        for extractor in item.extractors:
            why = store.why_not(extractor, sha256, timed=item.path in timed)
            if why is None:
                continue
            _, _, extractors = jobs.setdefault((sha256, item.medium), (item.path, item.medium, []))
            if extractor not in extractors:
                extractors.append(extractor)
                unusable += [why] if why else []
    if unusable:
        others = f" (and {len(unusable) - 1} others)" if len(unusable) > 1 else ""
        log.warning("%s; computed again%s", unusable[0], others)
    return list(jobs.values())
