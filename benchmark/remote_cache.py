"""A cache of features on an object store, with a folder of this machine in front of it.

What is there is listed for each extractor and key, and again from time to time while something is missing. Of a new
pack the head is fetched, the whole pack when a record of it is wanted; a small pack comes at once.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from benchmark.pack_folder import PackFolder
from benchmark.packs import SUFFIX, Pack, Record, Stamp, UnusableFeatures, bytes_to_records, read_head, stamp_of
from foundation.remote.places import Known, Place, in_parallel

log = logging.getLogger(__name__)

_RELIST_SECONDS = 1.0  # at least, between two listings of one folder
_RELIST_SHARE = 10  # and so many times as long as one takes
_FIRST_BYTES = 2**16  # of a pack: its head, or all of it


class RemoteCache:
    """The files on an object store by folder; a listing is not asked to answer for long."""

    def __init__(self, url: str) -> None:
        """Name it; no request is made.

        Raises:
            foundation.remote.places.UnusableAddress: an address that leads nowhere.
        """
        self.place = Place(url)
        self._listed: dict[str, dict[str, Known]] = {}
        self._due: dict[str, float] = {}  # when a folder may be listed again

    def listing(self, folder: str, lacking: str = "") -> Mapping[str, Known]:
        """Return what was at or below a folder when it was listed last; lists it again where that is due.

        Args:
            folder: of an extractor and key.
            lacking: the file that is looked for; where it is known, nothing is listed.
        """
        began = time.monotonic()
        if lacking not in self._listed.get(folder, {}) and began >= self._due.get(folder, 0.0):
            self._listed[folder] = self.place.listing(folder)
            took = time.monotonic() - began
            self._due[folder] = began + took + max(_RELIST_SECONDS, _RELIST_SHARE * took)
        return self._listed[folder]


class RemotePackFolder(PackFolder):
    """The records of one extractor and key, here and on an object store."""

    def __init__(self, path: Path, identity: Mapping[str, str], remote: RemoteCache, above: str) -> None:
        """Name it; nothing is read.

        Args:
            path: of the folder here.
            identity: name and key of the extractor.
            remote: where it is on the object store.
            above: the name of the folder of extractor and key there.
        """
        super().__init__(path, identity)
        self._remote, self._above = remote, above
        self._refused_there: set[str] = set()
        self._fetched_anew: set[str] = set()
        self._seen: Mapping[str, Known] | None = None  # the listing whose packs are known

    def stamp(self, pack: Pack) -> Stamp:
        """Return what `PackFolder.stamp` does; a pack that is there alone is fetched.

        Raises:
            FileNotFoundError: see there.
            foundation.files.WriteFailed: it cannot be kept here.
            foundation.remote.places.RemoteFailed: the object store cannot be read.
        """
        if pack.stamp is None:
            if not pack.path.exists():  # another process may have fetched it
                data = self._remote.place.read(self._there(pack.path.name))
                if data is None:
                    raise FileNotFoundError(pack.path)
                self._put(pack.path.name, data)
            pack.stamp = stamp_of(pack.path.stat())
        return super().stamp(pack)

    def forget(self, pack: Pack) -> None:
        """Leave a pack aside, as `PackFolder.forget` does; the one on the object store may serve."""
        super().forget(pack)
        self._seen = None

    def spoiled(self, record: Record) -> None:
        """Have a pack that is damaged here fetched anew, once, where it is on the object store."""
        name = record.pack.path.name
        if record.pack.stamp is not None and name not in self._fetched_anew and self._there(name) in self._listing():
            self._fetched_anew.add(name)
            record.pack.path.unlink(missing_ok=True)
            self.forget(record.pack)

    def _listing(self) -> Mapping[str, Known]:
        return self._remote.listing(self._above)

    def _keep(self, name: str, data: bytes) -> None:
        super()._keep(name, data)
        self._remote.place.put(self._there(name), data)

    def _there(self, name: str) -> str:
        return f"{self._above}/{self.path.name}/{name}"

    def _look(self) -> bool:
        here = super()._look()
        listed, below = self._listing(), self._there("")
        if listed is self._seen:
            return here
        self._seen = listed
        sizes = {name.removeprefix(below): known.size for name, known in listed.items() if name.startswith(below)}
        known = {*self._packs, *self._refused_there}
        new = [name for name in sizes if name.endswith(SUFFIX) and name not in known]
        beginnings = in_parallel(lambda name: self._beginning(name, sizes[name]), new)
        there = [self._take_there(name, sizes[name], data) for name, data in zip(new, beginnings, strict=True)]
        return here or any(there)

    def _beginning(self, name: str, size: int) -> bytes | None:
        """Return the head of a pack on the object store, or all of it; None where it is gone."""
        data = self._remote.place.read(self._there(name), min(size, _FIRST_BYTES) or None)
        if data and len(data) < bytes_to_records(data) <= size:
            data = self._remote.place.read(self._there(name), bytes_to_records(data))
        return data

    def _take_there(self, name: str, size: int, beginning: bytes | None) -> bool:
        """Enter a pack by its head, and tell whether it can be used."""
        if beginning is None:
            return False
        try:
            lines = read_head(io.BytesIO(beginning), size, name, self._identity)
        except UnusableFeatures as error:
            self._refused_there.add(name)
            log.warning("%s: %s; what it held is computed again", self._remote.place.at(self._there(name)), error)
            return False
        if len(beginning) == size:
            self._put(name, beginning)
            return self._take(name)
        self._enter(Pack(self.path / name, None), lines)
        return True
