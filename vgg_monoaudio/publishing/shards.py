"""What every export needs: a folder that is whole or absent, and samples divided into files of at most some size."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from foundation.files import PathLike
from foundation.locks import Lock

_Item = TypeVar("_Item")


@contextmanager
def exported(out: PathLike) -> Iterator[Path]:
    """Yield an empty folder to write into; it becomes `out` when the block ends well, else it is removed.

    An export is therefore there whole or not at all. What a killed one left beside `out` is removed by the next.

    Args:
        out: a folder that is absent or empty.

    Raises:
        ValueError: there is something in it.
    """
    folder = Path(out).resolve()
    work = folder.with_name(f".{folder.name}.exporting")
    with Lock(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ValueError(f"{out}: not empty; choose another folder for the export")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            yield work
            _take_place(work, folder)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise


def _take_place(work: Path, folder: Path) -> None:
    """Give a finished folder its name, or its content to a folder that has to stay where it is."""
    if folder.is_mount():
        for path in sorted(work.iterdir()):
            shutil.move(path, folder)
        work.rmdir()
        return
    if folder.exists():
        folder.rmdir()
    work.rename(folder)


def split_by_size(items: Sequence[_Item], sizes: Sequence[int], most: int) -> Iterator[list[_Item]]:
    """Yield consecutive parts of a list, none larger than `most` unless a single item is.

    Raises:
        ValueError: `most` is below 1.
    """
    if most < 1:
        raise ValueError(f"shard_bytes: expected at least 1, got {most}")
    part: list[_Item] = []
    filled = 0
    for item, size in zip(items, sizes, strict=True):
        if part and filled + size > most:
            yield part
            part, filled = [], 0
        part.append(item)
        filled += size
    if part:
        yield part
