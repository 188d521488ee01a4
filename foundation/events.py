"""What happens when: each stage of each batch as an event, told to whoever listens.

Where nobody listens a span costs a fraction of a microsecond. Work in other processes brings its times along with its
result (`timed`, `Timed.told`), since the clock is one for all processes of a machine.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Event:
    """One stage of one batch.

    Attributes:
        stage: decode, prepare (front ends fed apart from decoding), upload, generate, write, extract, keep or score.
        start_ns: by `time.perf_counter_ns`, which all processes of a machine share.
        duration_ns: 0 or more.
        process: its number.
        thread: its number in the system.
        samples: of the batch, or files by their names without an ending.
        detail: which of several that do this, such as an extractor.
    """

    stage: str
    start_ns: int
    duration_ns: int
    process: int
    thread: int
    samples: tuple[str, ...]
    detail: str = ""


Listener = Callable[[Event], None]

_listeners: tuple[Listener, ...] = ()
_changing = threading.Lock()
_nothing = nullcontext()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of every event that ends within; it is called in the thread of the event, and must not raise."""
    global _listeners
    with _changing:
        _listeners = (*_listeners, listener)
    try:
        yield
    finally:
        with _changing:
            _listeners = tuple(other for other in _listeners if other is not listener)


def span(stage: str, samples: Iterable[str], detail: str = "") -> AbstractContextManager[None]:
    """Return what makes an event of its block, also where it raises.

    Args:
        stage: see `Event`, as the others.
        samples: looked at only where somebody listens.
        detail: which of several.
    """
    return _measured(stage, tuple(samples), detail) if _listeners else _nothing


@contextmanager
def _measured(stage: str, samples: tuple[str, ...], detail: str) -> Iterator[None]:
    start = time.perf_counter_ns()
    try:
        yield
    finally:
        spent = time.perf_counter_ns() - start
        _tell(Event(stage, start, spent, os.getpid(), threading.get_native_id(), samples, detail))


def spanned(stage: str, sample: str, work: Callable[[], None]) -> Callable[[], None]:
    """Return work that makes an event when it is done, in whichever thread that is."""

    def run() -> None:
        with span(stage, (sample,)):
            work()

    return run


@dataclass(frozen=True)
class Timed(Generic[Result]):
    """A result with the time that it took, wherever that was."""

    result: Result
    start_ns: int
    duration_ns: int
    process: int
    thread: int

    def told(self, stage: str, sample: str) -> Result:
        """Return the result, and tell the listeners of this process when it was made."""
        if _listeners:
            _tell(Event(stage, self.start_ns, self.duration_ns, self.process, self.thread, (sample,)))
        return self.result


def timed(work: Callable[[Item], Result], item: Item) -> Timed[Result]:
    """Return what a worker makes of an item, with the time that it took; what it raises is raised."""
    start = time.perf_counter_ns()
    result = work(item)
    spent = time.perf_counter_ns() - start
    return Timed(result, start, spent, os.getpid(), threading.get_native_id())


def _tell(event: Event) -> None:
    for listener in _listeners:
        listener(event)
