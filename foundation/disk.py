"""Whether a file can be written, asked before the work that makes it: the folder, the name, the room on the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from foundation.files import PathLike

LONGEST_NAME_BYTES = 255  # of one file or folder, on all common file systems
PARTIAL_NAME_BYTES = 21  # what a writer's temporary file adds to the name of the file that it becomes


class UnusablePlace(ValueError):
    """A place that nothing can be written to; the message names it and the reason."""


def check_folder(folder: PathLike) -> None:
    """Refuse a folder that files cannot be written into, whether it is there yet or would have to be made.

    Raises:
        UnusablePlace: a file in its place or above it, no permission, or a name that is too long.
    """
    path = Path(folder)
    for part in path.parts:
        _check_name(path, part, LONGEST_NAME_BYTES)
    there = _nearest(path)
    if not there.is_dir():
        raise UnusablePlace(f"{path}: {there} is a file where a folder should be; give another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UnusablePlace(f"{path}: {there} may not be written to; give another place, or change its permissions")


def check_file(file: PathLike) -> None:
    """Refuse the path of a file that cannot be written; one that is there already is replaced.

    Raises:
        UnusablePlace: as `check_folder`, or the path is that of a folder.
    """
    path = Path(file)
    check_folder(path.parent)
    _check_name(path, path.name, LONGEST_NAME_BYTES - PARTIAL_NAME_BYTES)
    if path.is_dir():
        raise UnusablePlace(f"{path}: a folder; give the path of a file")


def check_room(folder: PathLike, wanted: float, what: str) -> None:
    """Refuse to begin what cannot end for want of room.

    Args:
        folder: where it is to be written; need not be there yet.
        wanted: bytes that it takes at least.
        what: what takes them, for the message.

    Raises:
        UnusablePlace: the disk has less room than that.
    """
    free = shutil.disk_usage(_nearest(Path(folder))).free
    if free < wanted:
        raise UnusablePlace(
            f"{folder}: the disk has {_megabytes(free)} free, {what} take at least {_megabytes(wanted)}; "
            "make room, or give another place"
        )


def _nearest(path: Path) -> Path:
    """Return the path, or what exists of it: the nearest folder above."""
    whole = path.absolute()
    return next(place for place in (whole, *whole.parents) if place.exists())


def _check_name(path: Path, name: str, longest: int) -> None:
    size = len(os.fsencode(name))
    if size > longest:
        raise UnusablePlace(f"{path}: a name of {size} bytes, at most {longest} can be written; give a shorter one")


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
