"""Whether a file that was written earlier is whole, told by its own account of its length; nothing is decoded.

A copy that stopped, or a file system that lost the end of a file, leaves a wav or an mp4 that promises more bytes than
there are. Telling so takes a few reads of some bytes, so each of thousands of files can be looked at before it counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from foundation.files import PathLike

_STREAMED = 0xFFFFFFFF  # in place of a length, by writers that cannot go back to fill it in


def what_is_missing(path: PathLike) -> str | None:
    """Return why a file is not whole, None where it is as far as its own account goes.

    A wav must hold every byte of the sound that its header promises, an mp4 every byte of the boxes that it begins
    with, and a table of contents. Of other files no more is asked than a byte.

    Args:
        path: a file.

    Raises:
        OSError: it cannot be read.
    """
    size = Path(path).stat().st_size
    if size == 0:
        return "empty"
    kind = Path(path).suffix.lower()
    if kind not in {".wav", ".mp4"}:
        return None
    with Path(path).open("rb") as file:
        return _of_wav(file, size) if kind == ".wav" else _of_mp4(file, size)


def is_whole(path: PathLike) -> bool:
    """Tell whether a file is there, and whole as far as `what_is_missing` can tell."""
    return Path(path).is_file() and what_is_missing(path) is None


def _of_wav(file: BinaryIO, size: int) -> str | None:
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return "not a wav"
    place, described = 12, False
    while place + 8 <= size:
        file.seek(place)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        if name == b"data":
            there = size - place - 8
            if length == _STREAMED and there:
                return None
            if not described or not length:
                return "holds no sound"
            return f"cut: {there:,} of {length:,} bytes of sound" if there < length else None
        described = described or name == b"fmt "
        place += 8 + length + length % 2
    return "cut: its sound is missing"


def _of_mp4(file: BinaryIO, size: int) -> str | None:
    place = 0
    names: set[bytes] = set()
    while place < size:
        file.seek(place)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:  # the real length follows, in eight bytes
            length = int.from_bytes(head[8:16], "big")
        if length == 0 and name == b"mdat":  # to the end of the file
            length = size - place
        if length < 8 or (not names and name != b"ftyp"):
            return "not an mp4" if not names else "damaged between its boxes"
        names.add(name)
        place += length
    if place > size:
        return f"cut: {size:,} of {place:,} bytes"
    return None if b"moov" in names else "cut: it has no table of contents"


def begins_at_zero(path: PathLike) -> bool:
    """Tell whether every stream of a file begins at zero, so that every frame rule reads its picture alike.

    Raises:
        MediaError: it cannot be opened.
    """
    from foundation.media.opening import opened

    with opened(path) as container:
        return all(not stream.start_time for stream in container.streams if stream.type in ("audio", "video"))
