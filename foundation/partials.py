"""Names of files that are being written, and the removal of those whose writer is gone.

A temporary name says who writes: host, process, the moment at which that process began (a number of the kernel's, so
that a later process of the same number is not taken for it), and a number that is drawn for each file. Two processes,
two threads, and two hosts whose processes have the same number therefore never share one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
from functools import cache
from pathlib import Path

LONGEST_NAME_BYTES = 255  # of the file systems in use; a few take less
_LONGEST_SUFFIX_BYTES = 16  # libraries choose a format by it; a longer one is part of a title
_PARTIAL = re.compile(
    r"\..*\.(?P<host>[0-9a-f]{8})-(?P<process>\d+)-(?P<began>\d+)-[0-9a-f]{8}\.partial(\.[^.]*)?", re.S
)
_EARLIER_PARTIAL = re.compile(r"\..+\.\d+\.partial(\.[^.]*)?", re.S)  # of versions up to 0.2: the process alone


def partial_name(final: str) -> str:
    """Return a temporary name for a file, hidden, new at each call and never longer than a name can be."""
    stem, suffix = os.path.splitext(final)  # noqa: PTH122 - a name, not a path
    if len(os.fsencode(suffix)) > _LONGEST_SUFFIX_BYTES:
        stem, suffix = final, ""
    process = os.getpid()
    tail = f".{_this_host()}-{process}-{_began(process) or 0}-{secrets.token_hex(4)}.partial{suffix}"
    room = LONGEST_NAME_BYTES - 1 - len(os.fsencode(tail))
    return "." + os.fsencode(stem)[:room].decode("utf-8", "ignore") + tail


def is_partial(path: Path) -> bool:
    """Tell whether a name is that of a file which is being written, or was when its writer was killed."""
    return bool(_PARTIAL.fullmatch(path.name) or _EARLIER_PARTIAL.fullmatch(path.name))


def remove_partials(folder: str | os.PathLike[str], *, alone: bool = False) -> None:
    """Remove what killed writers left in a folder and its subfolders.

    Only what has the name of a partial goes, and only where its writer is gone for certain: a process of this host
    that is no more. Links are neither followed nor removed. What a process of another host left stays, however old.

    Args:
        folder: where to look.
        alone: the caller holds the folder, nobody else writes there: every partial goes, whoever wrote it.
    """
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            if not is_partial(path) or path.is_symlink() or not (alone or _writer_is_gone(name)):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.is_file():
                path.unlink(missing_ok=True)


def _writer_is_gone(name: str) -> bool:
    found = _PARTIAL.fullmatch(name)
    if found is None or found["host"] != _this_host():
        return False
    process, began = int(found["process"]), int(found["began"])
    if not _lives(process):
        return True
    now = _began(process)
    return bool(began) and now is not None and now != began


@cache
def _this_host() -> str:
    """Return eight digits that stand for this host; a container that numbers its own processes is one of its own."""
    try:
        processes = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - what it gives is no path
    except OSError:  # Linux alone has it
        processes = ""
    return hashlib.sha256(f"{platform.node()} {processes}".encode()).hexdigest()[:8]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's; or no number of a process
        return True
    return True


def _began(process: int) -> int | None:
    """Return when a process began, in ticks since the system did; None where that cannot be told."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return int(status.rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None
