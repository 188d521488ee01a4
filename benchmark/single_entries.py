"""Entries of the cache as they were before there were packs: a safetensors file for each file of media.

    <cache>/<extractor>/<its key>/<two digits>/<hash of the file>.safetensors

They are read, and written no more. The later ones have a note, one text of metadata: the hash of the file, name and
key of the extractor, the frame rule, and a checksum of the arrays with their names, types and shapes. The earlier ones
serve where they are whole, but for files in which today's frame rule may find other samples or frames.
"""

from __future__ import annotations

import json
import zlib
from pathlib import PurePosixPath

from benchmark.packs import UnusableFeatures, check_identity, frozen
from benchmark.workers import Arrays, Extractor

_NOTE = "features"
_LENGTH_BYTES = 8  # of the header's length, at the beginning of a safetensors file


def name_of(sha256: str) -> PurePosixPath:
    """Return where the entry of a file is, below the folder of its extractor."""
    return PurePosixPath(sha256[:2], f"{sha256}.safetensors")


def read_single(data: bytes, extractor: Extractor, sha256: str) -> tuple[Arrays, str | None]:
    """Return the arrays of an entry, and the frame rule that it names.

    Args:
        data: the whole entry.
        extractor: whose features it is to hold.
        sha256: of the file whose features it is to hold.

    Raises:
        UnusableFeatures: it is empty or damaged, or holds other features.
    """
    from safetensors.numpy import save

    arrays, note = frozen(data), _note(data)
    if not note:
        _check_form(extractor, arrays)
        return arrays, None
    check_identity(note, {"sha256": sha256, "extractor": extractor.name, "key": extractor.key})
    if note.get("crc32") != zlib.crc32(save(arrays)):
        raise UnusableFeatures("damaged (its arrays are not those that were kept)")
    return arrays, str(note.get("frame_rule"))


def _note(data: bytes) -> dict[str, object]:
    """Return what an entry says of itself; nothing where it is of an earlier version, or too damaged to tell."""
    try:
        length = int.from_bytes(data[:_LENGTH_BYTES], "little")
        header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
        note = json.loads(header["__metadata__"][_NOTE])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _check_form(extractor: Extractor, arrays: Arrays) -> None:
    """Refuse an entry that says nothing of itself and cannot be of this extractor."""
    for name in extractor.yields.values():
        if name not in arrays:
            raise UnusableFeatures(f"damaged (no array {name})")
        if arrays[name].dtype.kind != "f":
            raise UnusableFeatures(f"damaged (array {name} holds {arrays[name].dtype}, not floats)")
