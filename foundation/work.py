"""Work on many items at once, and how far it is."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

Progress = Callable[[str, int, int], None]  # stage, done, total
Item = TypeVar("Item")
Result = TypeVar("Result")


_FILES_TOGETHER = 32  # that a thread is given: to hand over one costs as much as to find that it is known already


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


def look_at_each(
    look: Callable[[Item], Result], files: Iterable[Item], *, workers: int | None = None
) -> Iterator[tuple[Item, Result | OSError]]:
    """Yield each file with what `look` finds in it, or with the OSError that it raised, in the order given.

    Many files are looked at by threads, some hundred ahead of the one that is yielded; few are looked at here, each
    when its turn comes.

    Args:
        look: it should leave the interpreter free, as hashing does; what else it raises is raised when the turn of
            its file comes.
        files: in the order in which they are yielded.
        workers: threads; None takes one a core.
    """

    def look_at(part: Sequence[Item]) -> list[tuple[Item, Result | OSError]]:
        return [(file, _found(look, file)) for file in part]

    waiting = list(files)
    threads = workers or available_cores()
    if len(waiting) <= _FILES_TOGETHER or threads == 1:
        yield from ((file, _found(look, file)) for file in waiting)
        return
    parts = [waiting[at : at + _FILES_TOGETHER] for at in range(0, len(waiting), _FILES_TOGETHER)]
    pool = ThreadPoolExecutor(threads)
    try:
        ahead: deque[Future[list[tuple[Item, Result | OSError]]]] = deque()
        for part in parts:
            ahead.append(pool.submit(look_at, part))
            if len(ahead) > 2 * threads:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def found_in_each(
    look: Callable[[Item], Result], files: Iterable[Item], *, workers: int | None = None
) -> dict[Item, Result]:
    """Return each file with what `look` finds in it, in the order given; see `look_at_each`.

    Raises:
        OSError: of the first file that `look` raised it of.
    """
    results = {}
    for file, found in look_at_each(look, files, workers=workers):
        if isinstance(found, OSError):
            raise found
        results[file] = found
    return results


def _found(look: Callable[[Item], Result], file: Item) -> Result | OSError:
    try:
        return look(file)
    except OSError as error:
        return error
