"""Who holds a lock, and whether there is still such a process."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from foundation.processes import is_running, process_space, started_at

PATIENCE_SECONDS = 120.0  # a machine that was suspended, a network file system that shows what it saw a minute ago
TOKEN_BYTES = 8

_BEAT_KEY = b'{"beat": "'  # a lock begins with it; the counter that follows is written in place
_BEAT_DIGITS = 20


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as the lock says.

    Attributes:
        token: of this holding alone.
        host: name of the machine.
        space: in which its process number means something, see `process_space`.
        process: its number.
        process_started: when, as the system tells it.
        command: the program and its verb; never all arguments, which may hold a password.
        since: UTC, ISO 8601; for people, never compared.
    """

    token: str
    host: str
    space: str
    process: int
    process_started: str
    command: str
    since: str

    @classmethod
    def this(cls) -> Holder:
        """Return this process."""
        return cls(
            token=secrets.token_hex(TOKEN_BYTES), host=socket.gethostname(), space=process_space(),
            process=os.getpid(), process_started=started_at(os.getpid()) or "", command=_command(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip

    def written(self, beats: int = 0) -> bytes:
        """Return what a lock of this holder contains after so many beats."""
        return json.dumps({"beat": f"{beats:0{_BEAT_DIGITS}}", **asdict(self)}).encode() + b"\n"

    def __str__(self) -> str:
        """Name host, process and command."""
        return f"process {self.process} on {self.host} (`{self.command}`, since {self.since})"

    def runs_here(self) -> bool:
        """Whether this process can ask the system about the holder's."""
        return (self.host, self.space) == (socket.gethostname(), process_space())


@dataclass(frozen=True)
class Seen:
    """A lock as it was found: any change of `mark` is a sign of life."""

    mark: tuple[int, bytes]  # which file, its bytes
    holder: Holder | None  # None: it does not say, or may not be read

    def __str__(self) -> str:
        return str(self.holder) if self.holder else "a process that does not give its name"


def write_beat(file: int, beats: int) -> None:
    """Write the counter into an open lock, in place."""
    os.pwrite(file, b"%0*d" % (_BEAT_DIGITS, beats), len(_BEAT_KEY))
    os.fsync(file)


def is_gone(seen: Seen, still_seconds: float) -> bool:
    """Tell whether the holder of a lock has ended, as far as this process can find out.

    Args:
        seen: the lock.
        still_seconds: how long it has not changed, by the clock of this process.
    """
    if seen.holder is not None and seen.holder.runs_here():
        running = is_running(seen.holder.process, seen.holder.process_started)
        if running is not None:
            return not running
    return still_seconds >= PATIENCE_SECONDS


def look(path: Path) -> Seen | None:
    """Return a lock as it stands; None where there is none."""
    try:
        status = path.stat()
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except PermissionError:  # of another account; it changes when its holder writes
        return Seen((status.st_ino, str(status.st_mtime_ns).encode()), None)
    return Seen((status.st_ino, content), holder_in(content))


def holder_in(content: bytes) -> Holder | None:
    """Return whom a record names; None where it is of another version, or was written this very moment."""
    try:
        read = json.loads(content)
        read.pop("beat")
        return Holder(**{**read, "process": int(read["process"])})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _command() -> str:
    """Return the program and its verb."""
    program, *arguments = sys.argv or [""]
    name = Path(program).name
    if name == "__main__.py":
        name = f"python -m {Path(program).parent.name}"
    verb = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    return f"{name or 'python'} {verb}".strip()
