"""Features that are computed and not yet kept: gathered into packs of tens of files, or of some seconds' work."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Self

from benchmark.feature_store import FeatureStore
from benchmark.workers import Arrays, Extractor
from foundation.events import span
from foundation.files import WriteFailed

log = logging.getLogger(__name__)

PENDING_FILES = 64
PENDING_BYTES = 2**24
PENDING_SECONDS = 5.0


@dataclass
class _Gathered:
    """Features by one extractor; the names of the files are for traces."""

    extractor: Extractor
    features: dict[str, Arrays] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    size: int = 0  # bytes

    def is_many(self) -> bool:
        return len(self.features) >= PENDING_FILES or self.size >= PENDING_BYTES


class Pending:
    """Gathers features, and writes what is gathered when it is left, whatever ends the work.

    A process that is killed loses what was computed since the last `write_due`, and before it the work of at most
    `PENDING_SECONDS` for each extractor. What takes longer is written at once.
    """

    def __init__(self, store: FeatureStore) -> None:
        """Name where features are kept."""
        self._store = store
        self._gathered: dict[str, _Gathered] = {}
        self._began = time.monotonic()
        self._written: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is None:
            self.write()
        elif not isinstance(error, WriteFailed):  # which leaves no room, or no right, for these either
            try:
                self.write()
            except OSError as failed:
                log.warning("%s", failed)

    def add(self, extractor: Extractor, sha256: str, arrays: Arrays, name: str) -> None:
        """Keep the features of a file, soon; its name is for traces."""
        gathered = self._gathered.setdefault(extractor.name, _Gathered(extractor))
        gathered.features[sha256] = arrays
        gathered.names.append(name)
        gathered.size += sum(array.nbytes for array in arrays.values())

    def write_due(self) -> None:
        """Write what is many, or was last written some seconds ago.

        Raises:
            foundation.files.WriteFailed: see `FeatureStore.write_many`.
            foundation.remote.places.RemoteFailed: likewise.
        """
        now = time.monotonic()
        for name, gathered in list(self._gathered.items()):
            if gathered.is_many() or now - self._written.get(name, self._began) >= PENDING_SECONDS:
                self._write(name)

    def write(self) -> None:
        """Write all; raises what `write_due` does."""
        for name in list(self._gathered):
            self._write(name)

    def _write(self, name: str) -> None:
        gathered = self._gathered[name]
        with span("keep", gathered.names, name):
            self._store.write_many(gathered.extractor, gathered.features)
        del self._gathered[name]
        self._written[name] = time.monotonic()
