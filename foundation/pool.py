"""Work on many items by processes or threads, so that an item that kills or hangs its worker costs itself alone.

Each worker has one item at a time, so it is known what it was at when it died. `concurrent.futures` does not know
that, and ends as a whole; nor does it end a worker that hangs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from foundation.isolation import LEAVING_SECONDS, Death, Lost, ProcessWorker, ThreadWorker, Worker, WorkerDied

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2  # items for each worker that are begun or done before they are fetched
_STOP_SECONDS = 0.1  # between two looks at whether to stop


class Stopped(Exception):
    """Outcomes are no longer wanted."""


@dataclass(frozen=True)
class _Raised:
    """What a supervisor raised; an exception that `work` returned is a result like any other."""

    error: BaseException


@dataclass(frozen=True)
class Elsewhere:
    """Where items go that are given to a process of their own.

    Attributes:
        more: how many are done there at once beside those that have a process here.
        begin: from `work` to a worker; as many are begun as the pool has in all.
    """

    more: int
    begin: Callable[[Callable[[Any], Any]], Worker]


_elsewhere: Elsewhere | None = None


@contextmanager
def done_elsewhere(elsewhere: Elsewhere) -> Iterator[None]:
    """Let all pools that begin meanwhile, in whichever thread, have their workers from there and not begin processes.

    Whoever begins a pool for them counts its workers by `with_others`.
    """
    global _elsewhere
    before, _elsewhere = _elsewhere, elsewhere
    try:
        yield
    finally:
        _elsewhere = before


def with_others(processes: int) -> int:
    """Return how many workers there are where this process has so many: those elsewhere, too."""
    return processes + (_elsewhere.more if _elsewhere is not None else 0)


def outcomes(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    count: int,
    limit_seconds: float,
    apart: Callable[[Item], bool],
    stop: threading.Event | None = None,
) -> Generator[Result | Lost, None, None]:
    """Yield what `work` returns for each item, in the order of the items, or why there is nothing.

    An item whose process dies is tried once more, in a fresh process and with nothing else at work: the system may
    have killed that process for the memory that others took. If it dies again the item is lost. An item that takes
    too long is lost: its process is killed, a thread is left alone and replaced.

    Args:
        work: what to do; a function of a module where items go to processes.
        items: what to do it with, each asked for when its turn comes.
        count: workers at once.
        limit_seconds: longest time for one item.
        apart: which items are given to a process of their own; the others are done by threads of this process.
        stop: set by another thread to end the work while this one waits for an outcome.

    Raises:
        WorkerDied: a worker process cannot begin.
        Stopped: `stop` was set before all outcomes were there.
    """
    with closing(Pool(work, count=count, limit_seconds=limit_seconds, apart=apart)) as pool:
        yield from pool.outcomes(items, stop)


def _next(outcomes: queue.SimpleQueue[Result], stop: threading.Event | None) -> Result:
    """Wait for the next outcome, or until there shall be none."""
    if stop is None:
        return outcomes.get()
    while not stop.is_set():
        with suppress(queue.Empty):
            return outcomes.get(timeout=_STOP_SECONDS)
    raise Stopped


class Pool(Generic[Item, Result]):
    """Workers that stay for one call of `outcomes` after the other; see the function of that name.

    There is a supervisor for each: it hands its worker an item, waits for what becomes of it, and replaces it.
    """

    def __init__(
        self, work: Callable[[Item], Result], *, count: int, limit_seconds: float, apart: Callable[[Item], bool]
    ) -> None:
        self.closed = False
        self._items: queue.SimpleQueue[tuple[int, Item] | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[tuple[int, Result | Lost | _Raised]] = queue.SimpleQueue()
        self._work, self._limit, self._apart = work, limit_seconds, apart
        self._begin = ProcessWorker if _elsewhere is None else _elsewhere.begin
        self._turns = _Turns()
        self._workers: dict[tuple[int, bool], Worker] = {}
        self._supervisors = [threading.Thread(target=self._supervise, args=(n,), daemon=True) for n in range(count)]
        for supervisor in self._supervisors:
            supervisor.start()

    def outcomes(
        self, items: Iterable[Item], stop: threading.Event | None = None
    ) -> Generator[Result | Lost, None, None]:
        """Yield what becomes of each item, in order; one call at a time. The pool is closed where not all is fetched.

        Raises:
            WorkerDied: a worker process cannot begin.
            Stopped: `stop` was set before all outcomes were there.
        """
        waiting = iter(enumerate(items))
        found: dict[int, Any] = {}
        given = 0

        def give(most: int) -> None:
            nonlocal given
            for item in islice(waiting, most):
                self._items.put(item)
                given += 1

        place = 0
        try:
            give(_AHEAD * len(self._supervisors))
            while place < given:
                while place not in found:
                    done, outcome = _next(self._outcomes, stop)
                    found[done] = outcome
                outcome = found.pop(place)
                if isinstance(outcome, _Raised):
                    raise outcome.error
                give(1)
                place += 1
                yield outcome
        finally:
            if place < given:
                self.close()

    def close(self) -> None:
        """End every worker, whatever it is at."""
        self.closed = True
        for _ in self._supervisors:
            self._items.put(None)
        for worker in list(self._workers.values()):
            worker.end()
        for supervisor in self._supervisors:
            supervisor.join(LEAVING_SECONDS)

    def _supervise(self, number: int) -> None:
        while (given := self._items.get()) is not None and not self.closed:
            place, item = given
            try:
                self._outcomes.put((place, self._outcome(number, item)))
            except BaseException as error:  # raised again where outcomes are fetched
                self._outcomes.put((place, _Raised(error)))

    def _outcome(self, number: int, item: Item) -> Any:
        with self._turns.together():
            try:
                outcome = self._ask(number, item)
            except WorkerDied as error:  # killed as it began, for the same reason perhaps
                outcome = Death(str(error))
        if not isinstance(outcome, Death) or self.closed:
            return outcome
        with self._turns.alone():
            outcome = self._ask(number, item)
        if isinstance(outcome, Death):
            return Death(f"ended the process that read it, twice: {outcome.reason}")
        return outcome

    def _ask(self, number: int, item: Item) -> Any:
        """Hand an item to the worker of this number; forget a worker that did not come back with a result."""
        key = (number, self._apart(item))
        if key not in self._workers:
            self._workers[key] = self._begin(self._work) if key[1] else ThreadWorker(self._work)
        worker = self._workers[key]
        if self.closed:  # `close` may have looked for workers to end before there was this one
            worker.end()
            return Lost("was left, because all is")
        try:
            return worker.ask(item, self._limit)
        finally:
            if worker.ended:
                worker.end()
                del self._workers[key]


class _Turns:
    """Many at once, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy, self._reserved = 0, False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Wait until nobody is or wants to be alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reserved)
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until all others are done, and keep them waiting."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reserved)
            self._reserved = True
            self._changed.wait_for(lambda: self._busy == 0)
        try:
            yield
        finally:
            with self._changed:
                self._reserved = False
                self._changed.notify_all()
