"""Work on many items at once, and how far it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Progress = Callable[[str, int, int], None]  # stage, done, total
Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    done: Callable[[int], None] = lambda _count: None,
) -> Iterator[tuple[int, Result]]:
    """Yield (position, result) of each item as it comes.

    Threads do the work, so it should wait for a process of its own (ffmpeg) or leave the interpreter free (hashing).

    Args:
        work: what to do with one item; what it raises ends the iteration, and no further item is begun.
        items: in any order.
        workers: items at once; None takes one a core.
        done: called with the number of items that are done.
    """
    pool = ThreadPoolExecutor(workers or available_cores())
    try:
        positions = {pool.submit(work, item): position for position, item in enumerate(items)}
        for count, future in enumerate(as_completed(positions), start=1):
            yield positions[future], future.result()
            done(count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
