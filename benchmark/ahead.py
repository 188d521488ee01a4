"""Make the next things in a thread of its own while the last ones are used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Generic, TypeVar

from foundation.isolation import LEAVING_SECONDS

Item = TypeVar("Item")

_SMALL_ITEMS = 1000  # that may wait: so many that they never keep a large one from being made


@dataclass(frozen=True)
class _Made(Generic[Item]):
    item: Item


def made_ahead(
    make: Callable[[threading.Event], Generator[Item, None, None]], *, large: Callable[[Item], bool], count: int
) -> Generator[Item, None, None]:
    """Yield what `make` yields, in its order; a thread makes it ahead of whoever asks.

    What `make` raises is raised here, after all that it yielded before. Close the iterator on leaving early: it then
    asks the thread to end, and waits a few seconds for that.

    Args:
        make: called in the thread with an event, which is set when no more is wanted; a generator that waits long
            should look at it.
        large: which items hold much memory.
        count: large items that wait at once. One more may be made and not yet let in, and one more be in use.
    """
    stop = threading.Event()
    room = {True: threading.Semaphore(count), False: threading.Semaphore(_SMALL_ITEMS)}
    made: queue.SimpleQueue[_Made[Item] | BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            with closing(make(stop)) as items:
                for item in items:
                    room[large(item)].acquire()
                    if stop.is_set():
                        return
                    made.put(_Made(item))
                    del item  # else it lives until the next is made
            made.put(None)
        except BaseException as error:  # raised again where items are taken
            made.put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (given := made.get()) is not None:
            if isinstance(given, BaseException):
                raise given
            room[large(given.item)].release()
            yield given.item
    finally:
        stop.set()
        for places in room.values():
            places.release()  # it may be waiting for one
        thread.join(LEAVING_SECONDS)
