"""One process at a time, where there are neither locks nor renaming: claims of rising numbers, each made once.

The claim of the highest number counts. It names its holder and a heartbeat, which a thread of the holder advances, or
says that it was given back. Whoever finds it given back, or its holder gone, makes the next: of several who try, one
does, and he removes those before it. The highest is never removed: one who looked long ago and makes a lower one sees
that it does not count.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from foundation.holders import Holder, Seen, holder_in, is_gone
from foundation.locks import BEAT_SECONDS, POLL_SECONDS, LockLost
from foundation.remote.store import FsspecStore

_CLAIM = "lock."
_GIVEN_BACK = b"given back\n"

log = logging.getLogger(__name__)


class StoreLock:
    """Holds what is kept elsewhere while the block runs; waits where another process holds it.

    A holder is gone as for `foundation.locks`: its process on this machine has ended, or its claim stands still for
    `PATIENCE_SECONDS` by the clock of the one who waits.

    Raises:
        LockLost: at the end of the block; this process stood still for so long that another took over.
    """

    def __init__(
        self,
        store: FsspecStore,
        subject: str,
        *,
        tells_after: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name where the claims are, and what they are on, for messages.

        Args:
            store: where the claims are.
            subject: what they are on.
            tells_after: seconds of waiting after which it is said for whom; short waits may be ordinary.
            sleep: for tests.
            clock: for tests.
        """
        self._store, self._subject = store, subject
        self._tells_after, self._sleep, self._clock = tells_after, sleep, clock
        self._holder = Holder.this()
        self._number = -1
        self._beats = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> StoreLock:
        """Take the lock, at once or when its holder has ended."""
        self._acquire()
        self._thread = threading.Thread(target=self._beat, name=f"lock of {self._subject}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()  # else its last beat could come after the word that ends the claim
        highest = self._highest()
        if highest == self._number:
            self._store.replace(self._name(), _GIVEN_BACK)
        elif error is None:
            raise LockLost(
                f"{self._subject}: another process took it over while this one stood still, so both may have written; "
                "run the same command again when it has ended"
            )

    def _acquire(self) -> None:
        """Return when the lock is held."""
        told, watched, since = "", None, self._clock()
        began = since
        while True:
            seen = self._seen()
            if seen is None or seen.mark[1] == _GIVEN_BACK:
                if self._claim(seen.mark[0] + 1 if seen else 0):
                    return
                continue
            if seen.mark != watched:
                watched, since = seen.mark, self._clock()
            if is_gone(seen, self._clock() - since):
                if self._claim(seen.mark[0] + 1):
                    log.warning("%s: took over the lock of %s, which is gone", self._subject, seen)
                    return
                continue
            if str(seen) != told and self._clock() - began >= self._tells_after:
                told = str(seen)
                log.warning("%s: %s is at work on it; waiting for its end", self._subject, seen)
            self._sleep(POLL_SECONDS)

    def _claim(self, number: int) -> bool:
        """Make the claim of a number, and tell whether it counts: it is ours and the highest. Remove the others."""
        self._number, mine = number, self._holder.written()
        made = self._store.create(self._name(), mine) or self._store.read(self._name()) == mine
        numbers = self._numbers()
        if not made or max(numbers, default=number) != number:
            return False
        for lower in sorted(numbers - {number}):
            self._store.remove(f"{_CLAIM}{lower}")
        return True

    def _seen(self) -> Seen | None:
        """Return the claim that counts; None where there was never one."""
        number = self._highest()
        if number is None:
            return None
        content = self._store.read(f"{_CLAIM}{number}") or b""
        return Seen((number, content), holder_in(content))

    def _highest(self) -> int | None:
        return max(self._numbers(), default=None)

    def _numbers(self) -> set[int]:
        numbers = [name.removeprefix(_CLAIM) for name in self._store.names() if name.startswith(_CLAIM)]
        return {int(number) for number in numbers if number.isdecimal()}

    def _name(self) -> str:
        return f"{_CLAIM}{self._number}"

    def _beat(self) -> None:
        """Advance the counter until the lock is given back."""
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):  # the work goes on; who waits long enough will take over
                self.beat()

    def beat(self) -> None:
        """Write the next number of the counter into this holder's claim."""
        self._beats += 1
        self._store.replace(self._name(), self._holder.written(self._beats))
