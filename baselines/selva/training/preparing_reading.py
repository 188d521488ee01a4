"""Clips read ahead of the networks, by worker processes that stay as long as a store is prepared.

A worker has one clip at a time, so a decoder that crashes or hangs costs that clip alone.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch

from baselines.selva.training.clip_list import Entry
from baselines.selva.training.clip_reading import ReadClip, Unusable, read_clip
from baselines.selva.training.pictures import Picture
from baselines.selva.training.store_record import Rate
from foundation.faults import MachineFault, machine_fault
from foundation.isolation import Death, Lost, time_limit
from foundation.pool import Pool
from foundation.work import available_cores

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A clip to be read.

    Attributes:
        shard: its place in the plan of who makes which.
        entry: of the list.
        path: its file; None where that is not to be read.
        unusable: why not.
    """

    shard: int
    entry: Entry
    path: Path | None
    unusable: Unusable | None = None


Found: TypeAlias = ReadClip | Unusable
_Outcome: TypeAlias = Found | MachineFault | ImportError  # the last two say nothing of the clip, and end the work


class ClipReader:
    """Reads clips for one call of `read` after the other; nothing is started before there is a file to read.

    Args:
        seconds: of every clip.
        rates: of the sounds wanted.
        picture: how frames are kept.
        workers: processes; None takes one a core; 0 reads in this process, which nothing protects from a crash.

    Raises:
        ValueError: `workers` is below 0, or the environment names a time limit that is none.
    """

    def __init__(self, *, seconds: float, rates: Sequence[Rate], picture: Picture, workers: int | None) -> None:
        if workers is not None and workers < 0:
            raise ValueError(f"workers: expected 0 or more, got {workers}")
        self._work = partial(_read, seconds, tuple(rates), picture)
        self._count = available_cores() if workers is None else workers
        self._limit = time_limit()
        self._pool: Pool[Job, _Outcome] | None = None

    def read(self, jobs: Iterable[Job]) -> Generator[tuple[Job, Found], None, None]:
        """Yield each clip as it was read, in order; workers are two clips each ahead of the one that is yielded.

        Raises:
            foundation.faults.MachineFault: a file cannot be read through no fault of its own.
            foundation.isolation.WorkerDied: a worker process cannot begin.
        """
        given: deque[Job] = deque()

        def noted() -> Iterator[Job]:
            for job in jobs:
                given.append(job)
                yield job

        with closing(self._outcomes(noted())) as outcomes:
            for outcome in outcomes:
                yield given.popleft(), _usable(outcome)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()

    def _outcomes(self, jobs: Iterator[Job]) -> Generator[_Outcome | Lost, None, None]:
        if not self._count:
            yield from map(self._work, jobs)
            return
        if self._pool is None:
            work = partial(_with_one_thread, self._work)
            self._pool = Pool(work, count=self._count, limit_seconds=self._limit, apart=_has_file)
        yield from self._pool.outcomes(jobs)


def _has_file(job: Job) -> bool:
    return job.path is not None


def _usable(outcome: _Outcome | Lost) -> Found:
    """Return a clip, or why there is none.

    Raises:
        foundation.faults.MachineFault: through no fault of its file.
        ImportError: the same, in a worker.
    """
    if isinstance(outcome, Lost):
        return Unusable("decoder crashed" if isinstance(outcome, Death) else "unreadable", outcome.reason)
    if isinstance(outcome, MachineFault | ImportError):
        raise outcome
    return outcome


def _with_one_thread(work: Callable[[Job], _Outcome], job: Job) -> _Outcome:
    """Work in a process beside others, as many as there are cores."""
    torch.set_num_threads(1)
    return work(job)


def _read(seconds: float, rates: Sequence[Rate], picture: Picture, job: Job) -> _Outcome:
    """Return a clip, why there is none, or what is wrong with this machine."""
    if job.path is None:
        return job.unusable or Unusable("no such file", "no such file")
    try:
        return read_clip(job.path, seconds=seconds, rates=rates, picture=picture)
    except (Unusable, MachineFault, ImportError) as error:
        return error
    except Exception as error:  # that nobody foresaw; one odd file must not end the work on all
        if (wrong := machine_fault(error)) is not None:
            return MachineFault(f"{job.path}: {wrong}; that is no fault of the file, so it is not counted as one")
        log.warning("%s: cannot be read", job.path, exc_info=True)
        return Unusable("unreadable", f"{type(error).__name__}: {error}")
