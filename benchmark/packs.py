"""A pack: the features of many files of media by one extractor, in one file that never changes.

    8 bytes    VGGPACK1
    4 bytes    length of the head, the lowest byte first
    head       JSON: extractor, key, and a line for each record
    records    one after another, each the arrays of one file of media as safetensors

A record's line holds the hash of the file of media, the frame rule, a CRC-32 of the record, its place after the head
and its length in bytes. The file's name follows from the head, and so from the content. So a pack that was renamed, or
overwritten with another, is seen by its head alone; a record that was damaged or cut is seen when it is read, and costs
itself alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from benchmark.workers import Arrays
from foundation.media import FRAME_RULE

SUFFIX = ".pack"
SHOWN_DIGITS = 12  # of a hash, in messages
_MAGIC = b"VGGPACK1"
_LENGTH_BYTES = 4  # of the head's length
_NAME_DIGITS = 32
_WORDS = {"sha256": "file", "extractor": "extractor", "key": "version or weights"}


class UnusableFeatures(Exception):
    """Features that are damaged, or those of something else; the message says so, and where they are."""


class ForeignFeatures(UnusableFeatures):
    """Features that are whole, and those of something else."""


Stamp = tuple[int, int, int]  # of a file: inode, length, time of change


@dataclass(eq=False, slots=True)
class Pack:
    """A pack whose head was read.

    Attributes:
        path: where it is, or will be when it was fetched.
        stamp: of the file that the head was read of; None as long as the pack is on an object store alone.
        gone: it is not there any more, or has become another.
    """

    path: Path
    stamp: Stamp | None
    gone: bool = False


@dataclass(eq=False, slots=True)
class Record:
    """Where the features of a file of media are.

    Attributes:
        pack: which they are in.
        frame_rule: by which the file was read.
        crc32: of the bytes.
        start: of the first byte in the pack.
        length: bytes.
        other: the same features elsewhere.
    """

    pack: Pack
    frame_rule: str
    crc32: int
    start: int
    length: int
    other: Record | None


class Line(NamedTuple):
    """What the head of a pack says of a record; its place there is after the head. See `Record`."""

    sha256: str
    frame_rule: str
    crc32: int
    start: int
    length: int


def packed(identity: Mapping[str, str], features: Mapping[str, Arrays]) -> tuple[str, bytes]:
    """Return name and bytes of a pack.

    Args:
        identity: name and key of the extractor.
        features: hash of a file of media to its features.
    """
    from safetensors.numpy import save

    lines, records, start = [], [], 0
    for sha256, arrays in features.items():
        data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        lines.append(Line(sha256, FRAME_RULE, zlib.crc32(data), start, len(data)))
        records.append(data)
        start += len(data)
    head = json.dumps({**identity, "records": lines}, sort_keys=True, separators=(",", ":")).encode()
    length = len(head).to_bytes(_LENGTH_BYTES, "little")
    return _name_of(head), b"".join((_MAGIC, length, head, *records))


def _name_of(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()[:_NAME_DIGITS] + SUFFIX


def bytes_to_records(beginning: bytes) -> int:
    """Return how many bytes of a pack come before its records; 0 where it is no pack."""
    start = len(_MAGIC) + _LENGTH_BYTES
    if len(beginning) < start or not beginning.startswith(_MAGIC):
        return 0
    return start + int.from_bytes(beginning[len(_MAGIC) : start], "little")


def read_head(file: BinaryIO, size: int, name: str, identity: Mapping[str, str]) -> list[Line]:
    """Return the lines of a pack's head.

    Args:
        file: at its beginning.
        size: bytes of the whole pack.
        name: of the file.
        identity: name and key of the extractor whose features are looked for.

    Raises:
        ForeignFeatures: it holds those of another.
        UnusableFeatures: it is empty or damaged, or has the name of another.
    """
    beginning = file.read(len(_MAGIC) + _LENGTH_BYTES)
    after = bytes_to_records(beginning)
    if not 0 < after <= size:
        raise UnusableFeatures("damaged (no pack, or cut in its head)" if size else "empty")
    head = file.read(after - len(beginning))
    if _name_of(head) != name:
        raise UnusableFeatures("damaged (its head is not that of a pack of this name)")
    said = json.loads(head)
    check_identity(said, identity)
    lines = (Line(*line) for line in said["records"])
    return [
        Line(sys.intern(line.sha256), sys.intern(line.frame_rule), line.crc32, after + line.start, line.length)
        for line in lines
    ]


def check_identity(said: Mapping[str, object], expected: Mapping[str, str]) -> None:
    """Refuse what says of itself that it holds other features.

    Raises:
        ForeignFeatures: names whose.
    """
    for name, value in expected.items():
        found = str(said.get(name))
        if found != value:
            raise ForeignFeatures(f"holds features of another {_WORDS[name]} ({found[:SHOWN_DIGITS]})")


def read_record(record: Record) -> Arrays:
    """Return the features of a record; the arrays cannot be written to.

    Raises:
        FileNotFoundError: the pack is gone, or was changed since its head was read.
        UnusableFeatures: the record is cut or damaged.
    """
    with record.pack.path.open("rb") as file:
        stamp = stamp_of(os.fstat(file.fileno()))
        if stamp != record.pack.stamp:
            raise FileNotFoundError(record.pack.path)
        if record.start + record.length > stamp[1]:
            raise UnusableFeatures("damaged (cut)")
        file.seek(record.start)
        data = file.read(record.length)
    if zlib.crc32(data) != record.crc32:
        raise UnusableFeatures("damaged (its arrays are not those that were kept)")
    return frozen(data)


def frozen(data: bytes) -> Arrays:
    """Return the arrays of a safetensors file; they cannot be written to.

    Raises:
        UnusableFeatures: it is empty or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: Arrays = load(data)
    except (SafetensorError, KeyError, ValueError) as error:  # the last two: a type that numpy lacks, a shape
        raise UnusableFeatures(f"damaged ({error})" if data else "empty") from error
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def stamp_of(status: os.stat_result) -> Stamp:
    """Return by what a file is known to be as it was."""
    return status.st_ino, status.st_size, status.st_mtime_ns
