"""The packs of one extractor and key: which records they hold, found by their heads.

The folder is listed again when a record is missing and the folder has changed since, and only new packs are opened.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmark.packs import (
    SUFFIX,
    ForeignFeatures,
    Line,
    Pack,
    Record,
    Stamp,
    UnusableFeatures,
    packed,
    read_head,
    stamp_of,
)
from benchmark.workers import Arrays
from foundation.files import remove_partials, replacing
from foundation.media import FRAME_RULE

log = logging.getLogger(__name__)

_TICK_NS = 100_000_000  # a folder that changed so lately may change again without another time
_COARSE_NS, _COARSE_TICK_NS = 10**9, 2 * 10**9  # where times are whole seconds, of FAT every other one
_MOST_LOOKS = 8  # for one record: packs that are never twice the same are none
_NOT_OURS = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP}  # of another account, or no file at all
UNUSABLE = ".unusable"  # ends the name of a damaged pack that was set aside


class PackFolder:
    """The records of one extractor and key."""

    def __init__(self, path: Path, identity: Mapping[str, str]) -> None:
        """Name it; nothing is read.

        Args:
            path: of the folder; it need not exist.
            identity: name and key of the extractor.
        """
        self.path = path
        self._identity = identity
        self._packs: dict[str, Pack] = {}
        self._records: dict[str, Record] = {}
        self._refused: dict[str, Stamp | None] = {}  # packs that cannot be used, as they were then; None: not opened
        self._listed: tuple[int, int] | None = None
        self._written = False

    def records(self, sha256: str) -> Iterator[Record]:
        """Yield the records of a file, one after another until one serves; looks again before it ends."""
        tried: list[Record] = []
        for _ in range(_MOST_LOOKS):
            for record in _same(self._records.get(sha256)):
                if record not in tried and not record.pack.gone:
                    tried.append(record)
                    yield record
            if not self._look():
                return

    def stamp(self, pack: Pack) -> Stamp:
        """Return by what a pack is known to be as it was.

        Raises:
            FileNotFoundError: it is gone, or is another now.
        """
        stamp = stamp_of(pack.path.stat())
        if stamp != pack.stamp:
            raise FileNotFoundError(pack.path)
        return stamp

    def forget(self, pack: Pack) -> None:
        """Leave a pack aside; if there is another of its name now, it is found by looking again."""
        pack.gone = True
        self._packs.pop(pack.path.name, None)
        self._listed = None

    def spoiled(self, record: Record) -> None:
        """Take note of a record that is damaged: a pack that is elsewhere too may be brought anew."""

    def write(self, features: Mapping[str, Arrays]) -> None:
        """Keep the features of files as one pack; whole or not at all.

        Raises:
            foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
            foundation.remote.places.RemoteFailed: the object store does not take it.
        """
        name, data = packed(self._identity, features)
        if not self._written:
            with suppress(OSError):  # where nothing may be removed, writing says so
                remove_partials(self.path)  # of writers that were killed
            self._written = True
        self._keep(name, data)
        if name in self._packs:
            self.forget(self._packs[name])
        self._take(name)

    def _keep(self, name: str, data: bytes) -> None:
        """Put a new pack wherever it is to be found."""
        self._put(name, data)

    def _put(self, name: str, data: bytes) -> None:
        with replacing(self.path / name, lasting=False) as temporary:  # a lost one is computed again
            temporary.write_bytes(data)

    def _look(self) -> bool:
        """List the folder where it has changed; tell whether packs were found that were not known."""
        try:
            status, began = self.path.stat(), time.time_ns()
        except FileNotFoundError:
            return False
        listed = status.st_ino, status.st_mtime_ns
        if listed == self._listed:
            return False
        names = {path.name for path in self.path.iterdir() if path.suffix == SUFFIX and not path.name.startswith(".")}
        taken = [self._take(name) for name in sorted(names - self._packs.keys(), reverse=True)]
        tick = _TICK_NS if status.st_mtime_ns % _COARSE_NS else _COARSE_TICK_NS
        self._listed = listed if began - status.st_mtime_ns > tick else None
        return any(taken)

    def _take(self, name: str) -> bool:
        """Read the head of a pack, and tell whether it can be used."""
        path = self.path / name
        try:
            with path.open("rb") as file:
                stamp = stamp_of(os.fstat(file.fileno()))
                if self._refused.get(name) == stamp:
                    return False
                lines = read_head(file, stamp[1], name, self._identity)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno not in _NOT_OURS:
                raise
            if name not in self._refused:
                log.warning("%s: %s; what it holds is not used", path, error.strerror)
            self._refused[name] = None
            return False
        except UnusableFeatures as error:
            self._refused[name] = stamp
            _refuse(path, stamp, error)
            return False
        self._enter(Pack(path, stamp), lines)
        return True

    def _enter(self, pack: Pack, lines: Sequence[Line]) -> None:
        self._packs[pack.path.name] = pack
        for line in lines:
            known = _living(self._records.get(line.sha256))
            self._records[line.sha256] = Record(pack, line.frame_rule, line.crc32, line.start, line.length, known)


def _refuse(path: Path, stamp: Stamp, error: UnusableFeatures) -> None:
    """Say that a pack cannot be used; set a damaged one aside, so that it is said once."""
    aside = path.with_name(path.name + UNUSABLE)
    try:
        if not isinstance(error, ForeignFeatures) and stamp_of(path.stat()) == stamp:  # else it was written anew
            path.rename(aside)
    except OSError:  # a cache that may not be written to, or another process was first
        pass
    log.warning("%s: %s; what it held is computed again", path, error)


def _living(record: Record | None) -> Record | None:
    """Return the first of a chain of records whose pack is there."""
    while record is not None and record.pack.gone:
        record = record.other
    return record


def _same(record: Record | None) -> list[Record]:
    """Return a record and the others of the same file: those by today's frame rule first, then those found last."""
    found = []
    while (record := _living(record)) is not None:
        found.append(record)
        record = record.other
    return sorted(found, key=lambda each: each.frame_rule != FRAME_RULE)
