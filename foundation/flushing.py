"""Bringing files and folders to the disk itself, so that a loss of power does not undo or empty them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

# What file systems say that have nothing to flush, or cannot flush folders.
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EROFS}


def flush(path: Path) -> None:
    """Bring a file's bytes to the disk.

    Raises:
        OSError: there is no such file, or the disk does not take its bytes: some file systems say only here that they
            are full.
    """
    _sync(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # a copy may be read-only


def flush_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk, as far as the system can; what it cannot do is no error."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    try:
        _sync(folder, os.O_RDONLY)
    except PermissionError:  # a folder that may be written to, and not be listed
        return


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are absent, and bring the new names to the disk."""
    if folder.is_dir():
        return
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(absent):
        flush_folder(place.parent)


def _sync(path: Path, how: int) -> None:
    descriptor = os.open(path, how | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise
    finally:
        os.close(descriptor)
