"""Being asked to end: the step in hand is finished and saved first, then the signal has its way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_REQUESTS = ("SIGINT", "SIGTERM", "SIGHUP")  # not every system has them all


class Request:
    """Which signal asked this process to end; 0 as long as none did.

    What is ignored (SIGHUP under nohup) stays ignored. Only the main thread of a process can heed signals; elsewhere
    they do what they always do.
    """

    number = 0

    def __init__(self) -> None:
        """Find out what the signals would do."""
        self._before: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():
            known = [signal.Signals[name] for name in _REQUESTS if name in signal.Signals.__members__]
            handlers = {each: signal.getsignal(each) for each in known}
            self._before = {each: way for each, way in handlers.items() if way not in (signal.SIG_IGN, None)}

    def hold_back(self) -> None:
        """Note the next signal instead of letting it have its way; a second one has it."""
        for each in self._before:
            signal.signal(each, self._note)

    def let_go(self) -> None:
        """Let signals have their way from now on."""
        for each, way in self._before.items():
            signal.signal(each, way)

    def pass_on(self) -> None:
        """Let the signal that was noted do what it would have done at once."""
        if self.number:
            signal.raise_signal(self.number)

    @contextmanager
    def not_held_back(self) -> Iterator[None]:
        """Let signals have their way while the block runs, first the one that was noted before."""
        self.let_go()
        self.pass_on()
        yield
        self.hold_back()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        self.let_go()


def leave_to_parent(_worker: int = 0) -> None:
    """Let the parent of this process decide what comes of a request that reaches both, as of a whole process group.

    Ctrl-C is nothing here; of others the second ends this process, so that the parent can end it.
    """

    def once(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)

    for each in (signal.Signals[name] for name in _REQUESTS if name in signal.Signals.__members__):
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, signal.SIG_IGN if each == signal.SIGINT else once)


@contextmanager
def heeded() -> Iterator[Request]:
    """Yield what notes a request to end while the block runs."""
    request = Request()
    request.hold_back()
    try:
        yield request
    finally:
        request.let_go()
