"""A thread that writes what a model answered while the model is at the next sample."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Self

WAITING_ANSWERS = 32  # that are answered and not yet written
LOOKING_SECONDS = 0.05


class Writer:
    """A thread that writes answers, in order, while the model is at the next; what it raises is raised here.

    What is answered is kept, whatever ends the asking. Ctrl-C while the last are written waits for them; once more
    leaves those that are not begun.
    """

    def __init__(self) -> None:
        """Begin to wait for work."""
        self._works: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING_ANSWERS)
        self._ended, self._left = threading.Event(), threading.Event()
        self._fault: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        interrupted: KeyboardInterrupt | None = None
        while not self._ended.is_set():  # a thread's own `join` cannot be waited for again after Ctrl-C
            try:
                self._put(None)
                self._ended.wait()
            except KeyboardInterrupt as again:
                if interrupted is not None or kind is KeyboardInterrupt:
                    self._left.set()
                interrupted = again
        if kind is None and (ending := self._fault or interrupted) is not None:
            raise ending

    def write(self, work: Callable[[], None]) -> None:
        """Have something done behind all that was given before.

        Raises:
            BaseException: what an earlier work raised; no further one is begun.
        """
        self._put(work)
        if self._fault is not None:
            raise self._fault

    def _put(self, work: Callable[[], None] | None) -> None:
        while not self._ended.is_set():  # it ends at the first fault, and then nobody makes room
            try:
                self._works.put(work, timeout=LOOKING_SECONDS)
            except queue.Full:
                continue
            return

    def _run(self) -> None:
        try:
            while (work := self._works.get()) is not None:
                if not self._left.is_set():
                    work()
        except BaseException as error:  # raised again where the next is given, or at the end
            self._fault = error
        finally:
            self._ended.set()
