"""Files on disk: written whole or not at all, and known by the hash of their bytes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from foundation.flushing import flush, flush_folder, make_folder
from foundation.partials import is_partial, partial_name, remove_partials
from foundation.write_failures import WriteFailed, naming_failures

__all__ = [
    "PathLike", "WriteFailed", "content_sha256", "file_sha256", "fingerprint", "flush", "flush_folder",
    "is_partial", "once_a_file", "remove_partials", "replacing", "write_text",
]  # fmt: skip

PathLike = str | os.PathLike[str]

# Clocks of file systems tick: FAT's every 2 s, ext4's every few ms. A file that changes twice within one tick, and
# keeps its length, looks unchanged.
_TICK_NS = 2_000_000_000


@contextmanager
def replacing(path: PathLike, *, lasting: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to `path` when the block ends well, else remove it.

    A reader therefore sees the old file, the new one or none, never half of one, whenever the writer is killed. The
    bytes are on the disk before the rename, so that a loss of power leaves no empty file under the final name. A
    killed writer leaves its temporary behind: see `remove_partials`.

    Args:
        path: the file to come; its folder is made where it is absent.
        lasting: bring the rename itself to the disk too; without that, a loss of power may bring the old file back,
            or none. Enough for what can be computed again, at half the time.

    Raises:
        WriteFailed: the disk is full, a limit is reached or the folder may not be written to. It is told so also
            where a library, or a program that was run, failed for that reason and said something else.
    """
    final = Path(path)
    temporary = final.with_name(partial_name(final.name))
    try:
        with naming_failures(final, temporary):
            make_folder(final.parent)
            yield temporary
            flush(temporary)
            temporary.replace(final)
            if lasting:
                flush_folder(final.parent)
    finally:
        with suppress(OSError):  # what went wrong before says more
            temporary.unlink(missing_ok=True)


def write_text(path: PathLike, text: str) -> None:
    """Write a UTF-8 text file under a temporary name, then rename it; see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def file_sha256(path: PathLike) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits; reads the whole file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_Stamp = tuple[int, int, int, int, int]
_Found = TypeVar("_Found")


def once_a_file(look: Callable[[PathLike], _Found]) -> Callable[[PathLike], _Found]:
    """Return a function of one file that looks at it once per process, as long as the file stays as it is.

    "As it is" means the same file (device and inode), length, and times of change of content and of status. A file
    whose content changed within the last two seconds is looked at every time: its times cannot tell whether it changed
    again.

    Args:
        look: its results must be small, and nobody may change them; what it raises is raised every time.
    """
    known: dict[str, tuple[_Stamp, _Found]] = {}

    @wraps(look)
    def looked(path: PathLike) -> _Found:
        place = os.path.abspath(path)  # noqa: PTH100 - resolving asks the disk at every step
        try:
            stamp = _stamp(path)
        except OSError:
            return look(path)  # which says in its own way that there is no such file
        kept = known.get(place)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        began = time.time_ns()
        found = look(path)
        if _stamp(path) == stamp and began - stamp[3] > _TICK_NS:
            known[place] = (stamp, found)
        return found

    return looked


@once_a_file
def content_sha256(path: PathLike) -> str:
    """Return the SHA-256 of a file's bytes; the file is read once per process, as long as it stays as it is."""
    return file_sha256(path)


def _stamp(path: PathLike) -> _Stamp:
    status = Path(path).stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def fingerprint(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return the SHA-256 of JSON-able content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
