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
    """Which signal asked this process to end; 0 as long as none did."""

    number = 0

    def pass_on(self) -> None:
        """Let the signal do what it would have done at once."""
        if self.number:
            signal.raise_signal(self.number)


@contextmanager
def heeded() -> Iterator[Request]:
    """Yield what notes a request to end while the block runs; a second signal is not held back.

    What is ignored (SIGHUP under nohup) stays ignored. Only the main thread of a process can heed signals; elsewhere
    they do what they always do.
    """
    request, before = Request(), dict[signal.Signals, Any]()

    def note(number: int, _frame: FrameType | None) -> None:
        request.number = number
        for heeded_signal, handler in before.items():
            signal.signal(heeded_signal, handler)

    if threading.current_thread() is threading.main_thread():
        known = [signal.Signals[name] for name in _REQUESTS if name in signal.Signals.__members__]
        before.update({each: signal.getsignal(each) for each in known})
        before = {each: handler for each, handler in before.items() if handler not in (signal.SIG_IGN, None)}
        for each in before:
            signal.signal(each, note)
    try:
        yield request
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
