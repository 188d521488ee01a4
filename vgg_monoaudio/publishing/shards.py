"""What every export needs: an empty folder, and samples divided into files of at most some size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from foundation.files import PathLike

_Item = TypeVar("_Item")


def fresh_folder(out: PathLike) -> Path:
    """Return the folder, made when missing.

    Raises:
        ValueError: there is something in it.
    """
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder}: not empty; choose another folder for the export")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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
