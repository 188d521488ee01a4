"""The cache on disk: features of a file's content by an extractor, many in one file that says whose they are.

    <cache>/<extractor>/<its key>/packs/<name>.pack

A pack (`packs.py`) is written once and never changed: its name follows from its content, it appears whole, and nobody
removes it. So several processes, on several hosts, may share a cache without a lock or a server, on a network's file
system too, where those of a database do not hold. The same features in two packs do no harm: the first that are whole
serve. Features that were cut, overwritten, renamed or copied from elsewhere are seen, and computed again.

Packs are not merged. They are written by tens of files (`pending.py`), so there are a sixtieth as many of them as of
features; merging would need to know that no reader is at the old ones, and saves some 30 µs for each.

What was kept as one file for each file of media serves on (`single_entries.py`).

A cache on an object store has a folder here in front of it: what is not here is looked for there, and what is computed
is kept in both (`remote_cache.py`).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.pack_folder import PackFolder
from benchmark.packs import SHOWN_DIGITS, Record, Stamp, UnusableFeatures, read_record, stamp_of
from benchmark.places import DEFAULT_CACHE, DEFAULT_COPIES
from benchmark.remote_cache import RemoteCache, RemotePackFolder
from benchmark.single_entries import name_of, read_single
from benchmark.workers import Arrays, Extractor
from foundation.files import PathLike, replacing
from foundation.media import FRAME_RULE
from foundation.remote import is_remote

__all__ = ["FeatureStore", "UnusableFeatures", "cache_here", "without_time_stamps"]

log = logging.getLogger(__name__)

PACKS = "packs"
_KEY_DIGITS = 32
_FOLDER_DIGITS = 16
_SMALL_BYTES = 2**16  # of features that are remembered: all but those of Synchformer, which have half a megabyte
_REMEMBERED_BYTES = 2**25  # of all that are


@dataclass(frozen=True)
class _Entry:
    """Features of a file as they were read; nobody can change the arrays."""

    place: Record | Path
    stamp: Stamp
    arrays: Arrays
    frame_rule: str | None
    size: int  # bytes


class FeatureStore:
    """Features on disk, in packs for each extractor and key.

    Small features are read once, as long as their files stay as they are: what asks whether they can be used, and the
    evidence of target, paired and generated sounds, share them.
    """

    def __init__(self, root: PathLike = DEFAULT_CACHE) -> None:
        """Name a folder, or the address of one on an object store; it need not exist.

        Raises:
            foundation.remote.places.UnusableAddress: an address that leads nowhere.
        """
        self._root = cache_here(root)
        self._remote = RemoteCache(os.fspath(root)) if is_remote(root) else None
        self._folders: dict[tuple[str, str], PackFolder] = {}
        self._remembered: dict[tuple[str, str, str], _Entry] = {}
        self._room = _REMEMBERED_BYTES

    def has(self, extractor: Extractor, sha256: str, *, timed: bool = False) -> bool:
        """Tell whether the features of a file are there and can be used; warn of those that cannot."""
        why = self.why_not(extractor, sha256, timed=timed)
        if why:
            log.warning("%s; computed again", why)
        return why is None

    def why_not(self, extractor: Extractor, sha256: str, *, timed: bool = False) -> str | None:
        """Return why there are no features of a file, and where: "" where none are kept, None where they can be used.

        Args:
            extractor: whose features.
            sha256: of the file.
            timed: another frame rule may find other samples or frames in this file; features of another rule, or of
                one that is not known, do not serve.
        """
        try:
            entry = self._load(extractor, sha256)
        except FileNotFoundError:
            return ""
        except UnusableFeatures as error:
            return str(error)
        rule = entry.frame_rule
        if timed and rule != FRAME_RULE:
            read_by = f"frame rule {rule}" if rule else "the frame rule of an earlier version"
            return f"{_named(entry.place, sha256)}: read by {read_by}"
        return None

    def read(self, extractor: Extractor, sha256: str) -> Arrays:
        """Return the features of a file; the arrays cannot be written to.

        Raises:
            FileNotFoundError: there are none.
            UnusableFeatures: they are damaged, or of something else.
        """
        try:
            return dict(self._load(extractor, sha256).arrays)
        except UnusableFeatures as error:
            raise UnusableFeatures(f"{error}; the same command computes it again") from error

    def write(self, extractor: Extractor, sha256: str, arrays: Arrays) -> None:
        """Keep the features of a file as a pack of its own; see `write_many`."""
        self.write_many(extractor, {sha256: arrays})

    def write_many(self, extractor: Extractor, features: Mapping[str, Arrays]) -> None:
        """Keep the features of several files as one pack; whole or not at all.

        Args:
            extractor: whose features.
            features: hash of a file to its arrays; at least one.

        Raises:
            foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
            foundation.remote.places.RemoteFailed: the object store does not take them.
        """
        for sha256 in features:
            self._forget((extractor.name, extractor.key, sha256))
        self._folder(extractor).write(features)

    def _folder(self, extractor: Extractor) -> PackFolder:
        whose = extractor.name, extractor.key
        if whose not in self._folders:
            above = _above(extractor)
            path, identity = self._root / above / PACKS, {"extractor": extractor.name, "key": extractor.key}
            self._folders[whose] = (
                RemotePackFolder(path, identity, self._remote, above) if self._remote else PackFolder(path, identity)
            )
        return self._folders[whose]

    def _load(self, extractor: Extractor, sha256: str) -> _Entry:
        """Return the first features of a file that are whole: by today's frame rule, where there are such.

        Raises:
            FileNotFoundError: there are none.
            UnusableFeatures: those that there are cannot be used; names the first.
        """
        folder, unusable, older = self._folder(extractor), None, None
        for record in folder.records(sha256):
            try:
                entry = self._of_pack(folder, record, (extractor.name, extractor.key, sha256))
            except FileNotFoundError:
                folder.forget(record.pack)
            except UnusableFeatures as error:
                unusable = unusable or UnusableFeatures(f"{_named(record, sha256)}: {error}")
                folder.spoiled(record)
            else:
                if entry.frame_rule == FRAME_RULE:
                    return entry
                older = older or entry
        if older is not None:
            return older
        try:
            return self._of_single(extractor, sha256)
        except FileNotFoundError as error:
            there_is_none = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(folder.path))
            raise unusable or there_is_none from error
        except UnusableFeatures as error:
            raise unusable or error from error

    def _of_pack(self, folder: PackFolder, record: Record, whose: tuple[str, str, str]) -> _Entry:
        stamp = folder.stamp(record.pack)
        known = self._remembered.get(whose)
        if known is not None and known.place is record:
            return known
        return self._remember(whose, _Entry(record, stamp, read_record(record), record.frame_rule, record.length))

    def _of_single(self, extractor: Extractor, sha256: str) -> _Entry:
        whose, path = (extractor.name, extractor.key, sha256), self._root / _above(extractor) / name_of(sha256)
        try:
            stamp = stamp_of(path.stat())
        except FileNotFoundError:
            if not self._fetch(path, _above(extractor)):
                raise
            stamp = stamp_of(path.stat())
        known = self._remembered.get(whose)
        if known is not None and (known.place, known.stamp) == (path, stamp):
            return known
        try:
            arrays, rule = read_single(path.read_bytes(), extractor, sha256)
        except UnusableFeatures as error:
            raise UnusableFeatures(f"{path}: {error}") from error
        return self._remember(whose, _Entry(path, stamp, arrays, rule, stamp[1]))

    def _fetch(self, path: Path, above: str) -> bool:
        """Bring a file from the object store, and tell whether it is there."""
        name = path.relative_to(self._root).as_posix()
        if self._remote is None or name not in self._remote.listing(above, name):
            return False
        data = self._remote.place.read(name)
        if data is None:
            return False
        with replacing(path, lasting=False) as temporary:
            temporary.write_bytes(data)
        return True

    def _remember(self, whose: tuple[str, str, str], entry: _Entry) -> _Entry:
        self._forget(whose)
        if entry.size <= min(_SMALL_BYTES, self._room):
            self._remembered[whose] = entry
            self._room -= entry.size
        return entry

    def _forget(self, whose: tuple[str, str, str]) -> None:
        entry = self._remembered.pop(whose, None)
        self._room += entry.size if entry else 0


def cache_here(root: PathLike) -> Path:
    """Return the folder of this machine that a cache is in: its own, or the one in front of an object store."""
    if not is_remote(root):
        return Path(root)
    url = os.fspath(root).rstrip("/")
    return DEFAULT_COPIES / f"cache-{hashlib.sha256(url.encode()).hexdigest()[:_FOLDER_DIGITS]}"


def without_time_stamps(path: Path) -> bool:
    """Tell by a file's first bytes whether it is a wav or a FLAC, which hold samples from zero on and nothing else."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == b"fLaC" or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE")


def _above(extractor: Extractor) -> str:
    """Return the folder of an extractor and key, below the cache."""
    return f"{extractor.name}/{extractor.key[:_KEY_DIGITS]}"


def _named(place: Record | Path, sha256: str) -> str:
    """Return where features are, for messages."""
    return str(place) if isinstance(place, Path) else f"{place.pack.path} ({sha256[:SHOWN_DIGITS]})"
