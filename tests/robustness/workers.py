"""Processes that read files one by one: a file that kills one, or that keeps it busy for too long, is found out."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

HANG_SECONDS = 30


def _serve(connection: Connection, examine: Callable[[Path], Any]) -> None:
    while (path := connection.recv()) is not None:
        connection.send(examine(path))


class _Worker:
    """One process, started again after each that died."""

    def __init__(self, examine: Callable[[Path], Any]) -> None:
        self._examine = examine
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._examine), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, path: Path) -> Any:
        """Return what `examine` makes of a file, or in a word what became of the process."""
        try:
            self._connection.send(path)
            if self._connection.poll(HANG_SECONDS):
                return self._connection.recv()
            outcome = f"hang: over {HANG_SECONDS} s"
        except (EOFError, ConnectionError):
            self._process.join()
            outcome = f"crash: exit status {self._process.exitcode}"
        self._process.kill()
        self._process.join()
        self._start()
        return outcome

    def end(self) -> None:
        self._connection.send(None)
        self._process.join()


def examined(paths: Iterable[Path], examine: Callable[[Path], Any], count: int) -> dict[Path, Any]:
    """Return what `examine`, a function of a module, makes of each file; a text "crash: ..." or "hang: ..." instead."""
    waiting, found, lock = iter(list(paths)), {}, threading.Lock()

    def work() -> None:
        worker = _Worker(examine)
        while True:
            with lock:
                path = next(waiting, None)
            if path is None:
                break
            outcome = worker.ask(path)
            with lock:
                found[path] = outcome
        worker.end()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
