"""What a program prints: kept in a file that does not grow without end, and quoted where the program fails."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

LARGEST_LOG_BYTES = 64 << 20  # a log that is larger is cut
KEPT_LOG_BYTES = 16 << 20  # to so much of its end
TAIL_LINES = 4
TAIL_CHARACTERS = 600
_TAIL_BYTES = 16_384


class Log:
    """The log of one start of a program; earlier starts are in the same file.

    The program writes to the file itself, so what it printed is there whatever becomes of us, and a child that it
    leaves behind holds nothing of ours. `cut` is called often enough that little is written in between.
    """

    def __init__(self, path: Path, command: Sequence[str]) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("ab")
        self.file.write(f"\n$ {shlex.join(command)}\n".encode("utf-8", "backslashreplace"))
        self.file.flush()
        self._start = self.file.tell()
        self.cut()

    def __enter__(self) -> Log:
        """Return this log."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Cut the file a last time and close it."""
        self.cut()
        self.file.close()

    def cut(self) -> None:
        """Keep the end of a file that has become too large; all who write to it append, so they just go on.

        What is printed while the end is copied may be lost.
        """
        if self.file.closed or (size := os.fstat(self.file.fileno()).st_size) <= LARGEST_LOG_BYTES:
            return
        with self._path.open("rb") as whole:
            whole.seek(size - KEPT_LOG_BYTES)
            end = whole.read(KEPT_LOG_BYTES)
        note = f"... {size - len(end)} bytes were left out here: a log has at most {LARGEST_LOG_BYTES} bytes\n"
        os.ftruncate(self.file.fileno(), 0)
        self.file.write(note.encode() + end)
        self.file.flush()
        self._start = max(0, self._start - size + len(end) + len(note))

    def last_lines(self) -> str:
        """Return the last lines of this start, as `last_lines`."""
        return last_lines(self._path, self._start)


def last_lines(log: Path, start: int) -> str:
    """Return the last lines that were logged from a position on, as the end of a message, with where the rest is."""
    size = log.stat().st_size
    with log.open("rb") as file:
        file.seek(max(start if start <= size else 0, size - _TAIL_BYTES))  # another harness may have cut it
        text = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    if not lines:
        return f"; its log is empty (log: {log})"
    return f"; its last lines: {' | '.join(lines[-TAIL_LINES:])[-TAIL_CHARACTERS:]} (log: {log})"
