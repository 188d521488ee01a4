"""One process at a time: a lock says who holds it, and a holder that is gone does not keep it.

The lock of a file or folder `<name>` is the file `.<name>.lock` beside it, never inside, so it is no part of what it
protects. It names host, process (with the moment it was started, because process numbers are used again), command
and a counter, the heartbeat, which a thread of the holder advances. A second process waits, and says once for whom.

A holder is gone when its process has ended, or, where that cannot be asked (another machine, another container), when
its heartbeat stands still for `PATIENCE_SECONDS` by the clock of the one who waits: neither the age of a file nor the
clocks of two machines are compared. Then the lock is taken over, and that is said.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import glob
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from foundation.holders import TOKEN_BYTES, Holder, Seen, is_gone, look, write_beat
from foundation.write_failures import WriteFailed

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]  # taking over is then as atomic as the renaming of a file

BEAT_SECONDS = 5.0
POLL_SECONDS = 0.5

_LONGEST_NAME = 200  # bytes; file systems take 255, and what is added has to fit

log = logging.getLogger(__name__)


class LockLost(Exception):
    """Another process took the lock of one that stood still; both may have written."""


class Lock:
    """Holds a file or folder while the block runs; waits where another process holds it.

    Where neither the lock nor the file or folder may be written there is nothing to protect, and no lock is taken.

    Raises:
        LockLost: at the end of the block; this process stood still for so long that another took over.
        WriteFailed: the lock cannot be written, for example on a full disk; names it.
    """

    def __init__(
        self,
        subject: str | os.PathLike[str],
        *,
        tells_after: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name what is to be held; it need not exist.

        Args:
            subject: a file or folder.
            tells_after: seconds of waiting after which it is said for whom; short waits may be ordinary.
            sleep: for tests.
            clock: for tests.
        """
        self.subject = Path(subject).resolve()
        self.path = lock_path(subject)
        self._tells_after, self._sleep, self._clock = tells_after, sleep, clock
        self._holder = Holder.this()
        self._file: int | None = None
        self._ended = threading.Event()
        self._process = 0
        self._made: list[Path] = []  # folders that only the lock is in so far, the innermost first

    def __enter__(self) -> Lock:
        """Take the lock, at once or when its holder has ended."""
        atexit.register(self._left)  # Ctrl-C may come between the lock and the block, or while it is given back
        try:
            self._made = [folder for folder in self.path.parents if not folder.exists()]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._acquire()
        except OSError as error:
            if not _forbidden(error):
                raise
            if os.access(self.subject, os.W_OK):
                reason = f"{self.path.parent}: {os.strerror(error.errno or 0)}"
                log.warning("%s: is not locked (%s); do not let two processes work on it", self.subject, reason)
            return self
        self._process = os.getpid()
        _remove_leavings(self.path)
        # A daemon: it ends with the process. A forked child has no thread but its own, so it never keeps a lock alive.
        threading.Thread(target=self._beat, name=f"lock of {self.subject.name}", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        if self._file is None or self._process != os.getpid():
            atexit.unregister(self._left)
            return
        self._ended.set()
        found, mine = self._given_back(self._file)
        os.close(self._file)
        self._file = None
        atexit.unregister(self._left)
        with contextlib.suppress(OSError):  # not empty: something came of the work
            for folder in self._made:
                folder.rmdir()
        if found is not None and not mine and error is None:
            raise LockLost(
                f"{self.subject}: {found} took it over while this process stood still, so both may have written; "
                "run the same command again when it has ended"
            )

    def _given_back(self, file: int) -> tuple[Seen | None, bool]:
        """Remove the lock, if it is this one's; return what was found, and whether it is."""
        with _guard(file):
            found = look(self.path)
            mine = found is not None and found.holder == self._holder
            if mine:
                self.path.unlink()
        return found, mine

    def _left(self) -> None:
        """Give back, at the end of Python, a lock that an interrupted block did not; a forked child leaves it alone."""
        if self._holder.process == os.getpid():
            with contextlib.suppress(OSError), _opened(self.path) as file:
                self._given_back(file)

    def _acquire(self) -> None:
        """Return when the lock is held."""
        told, watched, since = "", None, self._clock()
        began = since
        while True:
            if not self.path.exists() and self._create():
                return
            seen = look(self.path)
            if seen is None:
                continue  # given back just now
            if seen.mark != watched:
                watched, since = seen.mark, self._clock()
            if is_gone(seen, self._clock() - since):
                if self._take_over(seen):
                    log.warning("%s: took over the lock of %s, which is gone", self.subject, seen)
                    return
            elif str(seen) != told and self._clock() - began >= self._tells_after:
                told = str(seen)
                log.warning("%s: %s is at work on it; waiting for its end", self.subject, seen)
            self._sleep(POLL_SECONDS)

    def _create(self) -> bool:
        """Make the lock where there is none: with all its content at once, or not at all."""
        temporary, file = self._written()
        try:
            os.link(temporary, self.path)
        except (FileExistsError, FileNotFoundError):  # the latter: the new holder took it for a leaving
            os.close(file)
            return False
        except OSError:  # a file system without hard links: the file is there before its content is
            os.close(file)
            try:
                file = self._written_to(self.path, os.O_EXCL)
            except FileExistsError:
                return False
        finally:
            temporary.unlink(missing_ok=True)
        self._file = file
        return True

    def _take_over(self, seen: Seen) -> bool:
        """Put a lock of this process in the place of one whose holder is gone; of several who try, one succeeds."""
        with contextlib.suppress(FileNotFoundError), _opened(self.path) as old, _guard(old) as guarded:
            found = look(self.path)
            if not guarded or found is None or found.mark != seen.mark:
                return False
            temporary, file = self._written()
            temporary.replace(self.path)
            if not (seen.holder and seen.holder.runs_here()):
                # Another machine may have done the same in the same moment, and the guard not reach so far.
                self._sleep(BEAT_SECONDS)
                after = look(self.path)
                if after is None or after.holder != self._holder:
                    os.close(file)
                    return False
            self._file = file
            return True
        return False

    def _written(self) -> tuple[Path, int]:
        """Return a new file beside the lock, written and open."""
        temporary = self.path.with_name(f"{self.path.name}.{self._holder.token}")
        return temporary, self._written_to(temporary, os.O_TRUNC)

    def _written_to(self, path: Path, flag: int) -> int:
        file = os.open(path, os.O_RDWR | os.O_CREAT | flag, 0o644)
        content = self._holder.written()
        try:
            while content:  # the last room of a disk takes a part of it, and says so by the number
                content = content[os.write(file, content) :]
            os.fsync(file)  # another machine sees it from now on
        except OSError as error:
            os.close(file)
            path.unlink()
            raise WriteFailed(error.errno, os.strerror(error.errno or 0), os.fspath(self.path)) from error
        return file

    def _beat(self) -> None:
        """Advance the counter until the lock is given back or lost."""
        beats = 0
        while not self._ended.wait(BEAT_SECONDS):
            beats += 1
            with contextlib.suppress(OSError):  # the work goes on; who waits long enough will take over
                self.beat(beats)

    def beat(self, beats: int) -> None:
        """Write the counter, in the file that was made for this holder, wherever its name leads by now."""
        if self._file is not None:
            write_beat(self._file, beats)


class Refusing:
    """In place of waiting for a lock: refuses where its holder lives, waits only to find out whether it does."""

    def __init__(self, subject: str | os.PathLike[str], refusal: Callable[[Seen], Exception]) -> None:
        """Take what is to be held, and what makes the exception that says who holds it."""
        self._lock, self._refusal = lock_path(subject), refusal
        self._first: Seen | None = None

    def __call__(self, seconds: float) -> None:
        """Wait for so long.

        Raises:
            Exception: the refusal; the holder lives.
        """
        seen = look(self._lock)
        if seen is not None:
            self._first = self._first or seen
            here = seen.holder is not None and seen.holder.runs_here()
            if here or seen.mark != self._first.mark:
                raise self._refusal(seen)
        time.sleep(seconds)


def lock_path(subject: str | os.PathLike[str]) -> Path:
    """Return where the lock of a file or folder is; the same for every way that leads there through links."""
    path = Path(subject).resolve()
    name = path.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return path.with_name(f".{name}.lock")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDWR)
    try:
        yield file
    finally:
        os.close(file)


@contextlib.contextmanager
def _guard(file: int) -> Iterator[bool]:
    """Yield whether no other process of this machine is about to change what this file's name stands for."""
    if fcntl is None:
        yield True
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        yield error.errno not in {errno.EWOULDBLOCK, errno.EACCES}  # else: a file system without such locks
        return
    try:
        yield True
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _remove_leavings(path: Path) -> None:
    """Remove what processes left that were killed while they made a lock; one that is making it now tries again."""
    for leaving in path.parent.glob(f"{glob.escape(path.name)}.{'[0-9a-f]' * (2 * TOKEN_BYTES)}"):
        leaving.unlink(missing_ok=True)


def _forbidden(error: OSError) -> bool:
    return error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}
