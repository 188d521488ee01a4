"""A reader: an actor on one core of a Ray cluster that decodes for a driver, and the driver's end of it.

A reader does no work itself but has it done by a process, as `foundation.isolation` has them. So what an item does to
its process is known as it is on one machine, and whatever befalls the reader is not the fault of the item.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmark.executors.ray_folder import FolderMissing, difference, enter
from benchmark.executors.ray_shares import Seat
from foundation.isolation import STARTING_SECONDS, Lost, ProcessWorker
from foundation.transfer import packed

_SENDING_SECONDS = 60.0  # for a result to come back that is there

Work = bytes  # a function of a module, pickled: by that it is known whether it is the same


class ReaderLost(Exception):
    """A reader does not come back with what it was asked: it, its node or the way there is lost."""


class Core:
    """A core of this machine: a process that is kept until an item ends it or there is other work.

    Attributes:
        ended: nothing is done there any more.
    """

    def __init__(self) -> None:
        self._worker: ProcessWorker | None = None
        self._work: Work = b""
        self.ended = False

    def ask(self, work: Work, item: object, limit_seconds: float) -> Any:
        """Return what becomes of an item; see `ProcessWorker.ask`.

        Raises:
            WorkerDied: the process ended before it had begun.
        """
        if self._worker is not None and work != self._work:
            self._drop(self._worker)
        if self._worker is None:
            self._worker, self._work = ProcessWorker(pickle.loads(work)), work
        worker = self._worker
        if self.ended:  # `end` may have looked for a process before there was this one
            self._drop(worker)
            return Lost("was left, because all is")
        try:
            return worker.ask(item, limit_seconds)
        finally:
            if worker.ended:
                self._drop(worker)

    def end(self) -> None:
        """Kill the process."""
        self.ended = True
        if (worker := self._worker) is not None:
            worker.end()

    def _drop(self, worker: ProcessWorker) -> None:
        worker.end()
        self._worker = None


class Reader:
    """One reader; an actor on the cluster."""

    def __init__(self, folder: str, variables: Mapping[str, str]) -> None:
        os.environ.update(variables)
        self._folder = folder
        self._core = Core()

    def begin(self, seen: Mapping[str, str]) -> str:
        """Go to the folder that the command was given in; return why nothing can be read here, or an empty text.

        Args:
            seen: what the driver sees of the files, see `ray_folder.sight_of`.
        """
        try:
            enter(self._folder)
        except FolderMissing as error:
            return str(error)
        return difference(seen)

    def read(self, work: Work, item: bytes, limit_seconds: float) -> tuple[bytes, list[Any]]:
        """Return what becomes of a pickled item, packed as by `foundation.transfer.packed`."""
        import numpy as np

        head, beside = packed(self._core.ask(work, pickle.loads(item), limit_seconds))
        return head, [np.frombuffer(memory, np.uint8) for memory in beside]


@dataclass(eq=False)
class RemoteReader:
    """The driver's end of a reader.

    Attributes:
        seat: where it is.
        fetching: how many results the driver has on the way at once.
        failures: readers that were lost at this seat, one after the other, without an item done in between.
        ended: it was killed.
    """

    ray: Any
    actor: Any
    seat: Seat
    fetching: threading.Semaphore
    failures: int = 0
    ended: bool = False

    def begin(self, seen: Mapping[str, str]) -> str:
        """Wait until it has begun, however long its node has no room; see `Reader.begin`.

        Raises:
            ReaderLost: it never will.
        """
        with self._told():
            return str(self.ray.get(self.actor.begin.remote(seen)))

    def ask(self, work: Work, item: object, limit_seconds: float) -> Any:
        """Return what becomes of an item there.

        Raises:
            ReaderLost: it does not come back with that.
        """
        try:
            letter = pickle.dumps(item)
        except Exception as error:  # an item of foreign code
            return Lost(f"{type(error).__name__}: {error}")
        with self._told():
            answer = self.actor.read.remote(work, letter, limit_seconds)
            patience = STARTING_SECONDS + limit_seconds + _SENDING_SECONDS
            there, _ = self.ray.wait([answer], timeout=patience, fetch_local=False)
            if not there:
                raise ReaderLost(f"it did not answer within {patience:g} s")
            with self.fetching:
                head, beside = self.ray.get(answer, timeout=patience)
                arrays = [array.copy() for array in beside]  # its own lie in the object store, locked
                del answer, there, beside
        self.failures = 0
        try:
            return pickle.loads(head, buffers=arrays)
        except Exception as error:  # a result of foreign code, which does not unpickle here
            return Lost(f"{type(error).__name__}: {error}")

    def end(self) -> None:
        """Kill it, with what it is at."""
        self.ended = True
        self.ray.kill(self.actor)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self.ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raised = isinstance(error, self.ray.exceptions.RayTaskError)  # its text is a traceback: what it was is last
            raise ReaderLost(lines[-1 if raised else 0]) from error
