"""The cache on disk: features of a file's content by an extractor, each entry with a note of whose they are.

    <cache>/<extractor>/<its key>/<two digits>/<hash of the file>.safetensors

The note (one text of metadata, so that equal features are equal bytes) holds the hash of the file, name and key of the
extractor, the frame rule, and a checksum of the arrays with their names, types and shapes. So an entry that was cut,
emptied, overwritten, renamed or copied from another is seen, and computed again. Entries of version 0.2 and earlier
have no note: where they are whole they serve, but for files in which today's frame rule may find other samples or
frames.

Several processes, on several hosts, may share a cache: entries are written whole under names that follow from their
content, so two writers of one entry write the same.

A cache on an object store has a folder here in front of it: what is not here is looked for there, and what is computed
is kept in both. What is there is listed for each extractor, and again from time to time while something is missing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.places import DEFAULT_CACHE, DEFAULT_COPIES
from benchmark.workers import Arrays, Extractor
from foundation.files import PathLike, replacing
from foundation.media import FRAME_RULE
from foundation.remote import is_remote
from foundation.remote.places import Place

log = logging.getLogger(__name__)

_NOTE = "features"
_LENGTH_BYTES = 8  # of the header's length, at the beginning of a safetensors file
_SHOWN_DIGITS = 12
_FOLDER_DIGITS = 16
_RELIST_SECONDS = 1.0  # at least, between two listings of one folder
_RELIST_SHARE = 10  # and so many times as long as one takes
_SMALL_BYTES = 2**16  # of an entry that is remembered: all but those of Synchformer, which have half a megabyte
_REMEMBERED_BYTES = 2**27  # of all that are
_WORDS = {"sha256": "file", "extractor": "extractor", "key": "version or weights"}


class UnusableFeatures(Exception):
    """An entry of the cache that is damaged, or holds the features of something else; the message names it."""


_Stamp = tuple[int, int, int]  # of an entry's file: inode, length, time of change


@dataclass(frozen=True)
class _Entry:
    """What was read of an entry; nobody can change the arrays."""

    stamp: _Stamp
    arrays: Arrays
    note: Mapping[str, object]
    size: int  # bytes


class FeatureStore:
    """Features on disk, one safetensors file for each file of media and extractor.

    Small entries are read once, as long as their files stay as they are: what asks whether they can be used, and the
    evidence of target, paired and generated sounds, share them.
    """

    def __init__(self, root: PathLike = DEFAULT_CACHE) -> None:
        """Name a folder, or the address of one on an object store; it need not exist.

        Raises:
            foundation.remote.places.UnusableAddress: an address that leads nowhere.
        """
        self._root = cache_here(root)
        self._remote = _Remote(os.fspath(root)) if is_remote(root) else None
        self._checked: dict[Path, _Stamp] = {}  # entries that are whole, as they were then
        self._remembered: dict[Path, _Entry] = {}
        self._room = _REMEMBERED_BYTES

    def path(self, extractor: Extractor, sha256: str) -> Path:
        """Return where the features of a file are kept."""
        return self._root.joinpath(extractor.name, extractor.key[:32], sha256[:2], f"{sha256}.safetensors")

    def has(self, extractor: Extractor, sha256: str, *, timed: bool = False) -> bool:
        """Tell whether the features of a file are there and can be used; warn of an entry that cannot."""
        why = self.why_not(extractor, sha256, timed=timed)
        if why:
            log.warning("%s: %s; computed again", self.path(extractor, sha256), why)
        return why is None

    def why_not(self, extractor: Extractor, sha256: str, *, timed: bool = False) -> str | None:
        """Return why there are no features of a file: "" where there is no entry, None where it can be used.

        Args:
            extractor: whose features.
            sha256: of the file.
            timed: another frame rule may find other samples or frames in this file; features of another rule, or of
                one that is not known, do not serve.
        """
        try:
            _, note = self._load(extractor, sha256)
        except FileNotFoundError:
            return ""
        except UnusableFeatures as error:
            return str(error)
        rule = note.get("frame_rule")
        if timed and rule != FRAME_RULE:
            return f"read by {f'frame rule {rule}' if rule else 'the frame rule of an earlier version'}"
        return None

    def read(self, extractor: Extractor, sha256: str) -> Arrays:
        """Return the features of a file; the arrays cannot be written to.

        Raises:
            FileNotFoundError: there are none.
            UnusableFeatures: the entry is damaged, or holds other features.
        """
        try:
            return self._load(extractor, sha256)[0]
        except UnusableFeatures as error:
            path = self.path(extractor, sha256)
            raise UnusableFeatures(f"{path}: {error}; the same command computes it again") from error

    def write(self, extractor: Extractor, sha256: str, arrays: Arrays) -> None:
        """Keep the features of a file; whole or not at all.

        Raises:
            foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
            foundation.remote.places.RemoteFailed: the object store does not take them.
        """
        from safetensors.numpy import save

        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        note = {**_identity(extractor, sha256), "frame_rule": FRAME_RULE, "crc32": zlib.crc32(save(contiguous))}
        data = save(contiguous, {_NOTE: json.dumps(note, sort_keys=True)})
        path = self.path(extractor, sha256)
        self._checked.pop(path, None)
        self._forget(path)
        with replacing(path, lasting=False) as temporary:  # a lost one is computed again
            temporary.write_bytes(data)
        if self._remote is not None:
            self._remote.write(path.relative_to(self._root).as_posix(), data)

    def _fetch(self, path: Path) -> bool:
        """Bring an entry from the object store, and tell whether it is there."""
        data = self._remote.read(path.relative_to(self._root).as_posix()) if self._remote is not None else None
        if data is None:
            return False
        with replacing(path, lasting=False) as temporary:
            temporary.write_bytes(data)
        return True

    def _load(self, extractor: Extractor, sha256: str) -> tuple[Arrays, Mapping[str, object]]:
        """Return arrays and note of an entry; they are compared once, as long as the file stays as it is."""
        path = self.path(extractor, sha256)
        try:
            status = path.stat()
        except FileNotFoundError:
            if not self._fetch(path):
                raise
            status = path.stat()
        stamp = status.st_ino, status.st_size, status.st_mtime_ns
        entry = self._remembered.get(path)
        if entry is None or entry.stamp != stamp:
            entry = _read(path, stamp)
            if self._checked.get(path) != stamp:
                if entry.note:
                    _compare(entry.note, _identity(extractor, sha256), entry.arrays)
                else:
                    _check_form(extractor, entry.arrays)
                self._checked[path] = stamp
            self._remember(path, entry)
        return dict(entry.arrays), entry.note

    def _remember(self, path: Path, entry: _Entry) -> None:
        self._forget(path)
        if entry.size <= min(_SMALL_BYTES, self._room):
            self._remembered[path] = entry
            self._room -= entry.size

    def _forget(self, path: Path) -> None:
        entry = self._remembered.pop(path, None)
        self._room += entry.size if entry else 0


class _Remote:
    """The entries on an object store, listed for each extractor and key; a listing is not asked to answer for long."""

    def __init__(self, url: str) -> None:
        self._place = Place(url)
        self._listed: dict[str, set[str]] = {}
        self._due: dict[str, float] = {}  # when a folder may be listed again

    def read(self, name: str) -> bytes | None:
        """Return an entry; None where there was none when its extractor was listed last."""
        return self._place.read(name) if name in self._of(name) else None

    def write(self, name: str, data: bytes) -> None:
        """Keep an entry."""
        self._place.put(name, data)
        self._of(name).add(name)

    def _of(self, name: str) -> set[str]:
        folder = "/".join(name.split("/")[:2])
        began = time.monotonic()
        if name not in self._listed.get(folder, ()) and began >= self._due.get(folder, 0.0):
            self._listed[folder] = set(self._place.listing(folder))
            took = time.monotonic() - began
            self._due[folder] = began + took + max(_RELIST_SECONDS, _RELIST_SHARE * took)
        return self._listed[folder]


def cache_here(root: PathLike) -> Path:
    """Return the folder of this machine that a cache is in: its own, or the one in front of an object store."""
    if not is_remote(root):
        return Path(root)
    url = os.fspath(root).rstrip("/")
    return DEFAULT_COPIES / f"cache-{hashlib.sha256(url.encode()).hexdigest()[:_FOLDER_DIGITS]}"


def _read(path: Path, stamp: _Stamp) -> _Entry:
    """Read an entry as it is on disk.

    Raises:
        FileNotFoundError: there is none.
        UnusableFeatures: it is empty or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = path.read_bytes()
    try:
        arrays = load(data)
    except (SafetensorError, KeyError, ValueError) as error:  # the last two: a type that numpy lacks, a shape
        raise UnusableFeatures(f"damaged ({error})" if data else "empty") from error
    for array in arrays.values():
        array.flags.writeable = False
    return _Entry(stamp, arrays, _note(data), len(data))


def without_time_stamps(path: Path) -> bool:
    """Tell by a file's first bytes whether it is a wav or a FLAC, which hold samples from zero on and nothing else."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == b"fLaC" or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE")


def _identity(extractor: Extractor, sha256: str) -> dict[str, str]:
    return {"sha256": sha256, "extractor": extractor.name, "key": extractor.key}


def _header_bytes(data: bytes) -> int:
    return int.from_bytes(data[:_LENGTH_BYTES], "little")


def _note(data: bytes) -> dict[str, object]:
    """Return what an entry says of itself; nothing where it is of an earlier version, or too damaged to tell."""
    try:
        header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + _header_bytes(data)])
        note = json.loads(header["__metadata__"][_NOTE])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _compare(note: Mapping[str, object], expected: Mapping[str, str], arrays: Arrays) -> None:
    """Refuse an entry whose note names other features, or whose arrays are not those that were kept."""
    from safetensors.numpy import save

    for name, value in expected.items():
        found = str(note.get(name))
        if found != value:
            raise UnusableFeatures(f"holds features of another {_WORDS[name]} ({found[:_SHOWN_DIGITS]})")
    if note.get("crc32") != zlib.crc32(save(arrays)):
        raise UnusableFeatures("damaged (its arrays are not those that were kept)")


def _check_form(extractor: Extractor, arrays: Arrays) -> None:
    """Refuse an entry of an earlier version, which says nothing of itself, that cannot be of this extractor."""
    for name in extractor.yields.values():
        if name not in arrays:
            raise UnusableFeatures(f"damaged (no array {name})")
        if arrays[name].dtype.kind != "f":
            raise UnusableFeatures(f"damaged (array {name} holds {arrays[name].dtype}, not floats)")
