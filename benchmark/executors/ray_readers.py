"""The readers of one driver on a Ray cluster, beside its own cores, and the workers of its pools that ask them.

An item goes to a reader and its result comes back, through Ray's object store where it is large. The driver copies
what came and drops the reference at once, so the store holds no more than one result for each reader.

The driver owns its readers: Ray ends them with it, also when it is killed.
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmark.executors.outcomes import RESTARTS
from benchmark.executors.ray_reader import Core, Reader, ReaderLost, RemoteReader
from benchmark.executors.ray_shares import Seat
from foundation.isolation import Lost
from foundation.pool import Elsewhere, done_elsewhere

TRIES = 2  # of an item with readers that are lost; then it is done on a core of the driver
FETCHED_AT_ONCE = 4  # results that come into the object store of the driver's node from others

log = logging.getLogger(__name__)

Place = Core | RemoteReader


class RayWorker:
    """A worker of a pool: has each item done wherever there is a place for it, by a reader or on a core of the driver.

    An item whose reader is lost is done at another place, since that is no fault of the item.
    """

    def __init__(self, readers: Readers, work: Callable[[Any], Any]) -> None:
        self._readers, self._work = readers, pickle.dumps(work)
        self.ended = False
        self.at: Place | None = None

    def ask(self, item: object, limit_seconds: float) -> Any:
        """Return what becomes of an item.

        Raises:
            WorkerDied: a process on a core of the driver ended before it had begun.
        """
        lost = 0
        while (place := self._readers.take(self, here=lost >= TRIES)) is not None:
            try:
                return place.ask(self._work, item, limit_seconds)
            except ReaderLost as error:
                lost += 1
                self._readers.lose(place, str(error))
            finally:
                self._readers.put_back(self, place)
        return Lost("was left, because all is")

    def end(self) -> None:
        """End what it is at, wherever that is."""
        self.ended = True
        self._readers.leave(self)


@dataclass
class Readers:
    """All places where a driver has items done: its readers, and its own cores.

    A reader is a place from when it has begun. One that is lost is begun again in its seat, and given up after some
    times without an item done in between; the own cores remain.

    Attributes:
        start: starts a reader in a seat.
        seats: of the readers.
        cores: how many processes the driver has on its own node, 1 or more.
        seen: what the driver sees of the files that are read, see `ray_folder.sight_of`.
    """

    start: Callable[[Seat], RemoteReader]
    seats: Sequence[Seat]
    cores: int
    seen: Mapping[str, str] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _free: deque[RemoteReader] = field(default_factory=deque)
    _free_here: deque[Core] = field(default_factory=deque)
    _all: set[Place] = field(default_factory=set)
    _said: set[tuple[Seat, str]] = field(default_factory=set)
    _closed: bool = False

    def __post_init__(self) -> None:
        with self._changed:
            for _ in range(self.cores):
                self._add_core()
            for seat in self.seats:
                self._add_reader(seat, 0)

    def worker(self, work: Callable[[Any], Any]) -> RayWorker:
        """Return a worker for a pool."""
        return RayWorker(self, work)

    def take(self, worker: RayWorker, *, here: bool) -> Place | None:
        """Wait for a free place and give it to a worker; None where the worker has ended meanwhile.

        Args:
            worker: it asks for one.
            here: no reader will do.
        """
        with self._changed:
            while not (worker.ended or self._closed):
                if self._free and not here:
                    worker.at = self._free.popleft()  # the driver's own cores have the networks to drive, too
                elif self._free_here:
                    worker.at = self._free_here.popleft()
                else:
                    self._changed.wait()
                    continue
                return worker.at
            return None

    def put_back(self, worker: RayWorker, place: Place) -> None:
        """Take a place back from a worker; where it was ended, another begins instead."""
        with self._changed:
            worker.at = None
            self._settle(place)

    def lose(self, place: Place, reason: str) -> None:
        """End a reader that is lost; another begins as it is put back, unless that was in vain too often."""
        if isinstance(place, Core):  # it dies with the driver
            return
        with self._changed:
            place.end()
            place.failures += 1
            self._say(place.seat, "lost", f"{reason}; what it was at is read elsewhere")
            if place.failures > RESTARTS:
                self._give_up(place, "none is started there again")

    def leave(self, worker: RayWorker) -> None:
        """End what a worker that has ended is at, or waits for."""
        with self._changed:  # else the place may be another's by now
            if worker.at is not None:
                worker.at.end()
            self._changed.notify_all()

    def close(self) -> None:
        """End every place, whatever is done there."""
        with self._changed:
            self._closed = True
            for place in self._all:
                place.end()
            self._changed.notify_all()

    def _settle(self, place: Place) -> None:
        """Let a place in, or another one instead of it."""
        if not place.ended:
            if isinstance(place, Core):
                self._free_here.append(place)
            else:
                self._free.append(place)
            self._changed.notify_all()
        elif place in self._all:
            self._all.remove(place)
            if isinstance(place, Core):
                self._add_core()
            else:
                self._add_reader(place.seat, place.failures)

    def _add_core(self) -> None:
        if not self._closed:
            core = Core()
            self._all.add(core)
            self._settle(core)

    def _add_reader(self, seat: Seat, failures: int) -> None:
        if not self._closed:
            reader = self.start(seat)
            reader.failures = failures
            self._all.add(reader)
            threading.Thread(target=self._await, args=(reader,), daemon=True).start()

    def _await(self, reader: RemoteReader) -> None:
        """Let a reader in when it has begun."""
        try:
            fault = reader.begin(self.seen)
        except ReaderLost as error:
            self.lose(reader, str(error))
            fault = ""
        with self._changed:
            if fault:
                self._give_up(reader, fault)
            self._settle(reader)

    def _give_up(self, reader: RemoteReader, reason: str) -> None:
        reader.end()
        self._all.discard(reader)
        self._say(reader.seat, "given up", reason)

    def _say(self, seat: Seat, what: str, reason: str) -> None:
        """Say what befalls the readers of a node; of the first of them, since a node that is lost befalls all."""
        if not self._closed and (seat, what) not in self._said:
            self._said.add((seat, what))
            log.warning("reader on %s: %s", seat.host or seat.node, reason)


@contextmanager
def reading_with(
    ray: Any, seats: Sequence[Seat], cores: int, actor: tuple[str, Mapping[str, str]], seen: Mapping[str, str]
) -> Iterator[None]:
    """Have pools that begin in the block served by readers, too; end these with the block.

    Args:
        ray: the module.
        seats: of the readers; where there are none, pools have processes here alone.
        cores: how many processes this driver has on its own node.
        actor: folder to work in, and variables for the environment there.
        seen: what the driver sees of the files that are read, see `ray_folder.sight_of`.
    """
    if not seats:
        yield
        return
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    kind = ray.remote(num_cpus=1)(Reader)
    fetching = threading.Semaphore(FETCHED_AT_ONCE)

    def start(seat: Seat) -> RemoteReader:
        there = NodeAffinitySchedulingStrategy(seat.node, soft=False)
        return RemoteReader(ray, kind.options(scheduling_strategy=there).remote(*actor), seat, fetching)

    readers = Readers(start, seats, cores, seen)
    try:
        with done_elsewhere(Elsewhere(len(seats), readers.worker)):
            yield
    finally:
        readers.close()
