"""Features by content: each file is decoded once for all that is wanted of it, and nothing is computed twice.

A feature is known by the hash of the file's bytes and the key of the extractor (preprocessing version and weights).
File names and folders play no part, so 1,071 scenes that share 67 sources cost 67 extractions, a second run costs
none, and a file that changed is never mistaken for its earlier version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.places import DEFAULT_CACHE as DEFAULT_CACHE
from benchmark.workers import Arrays as Arrays
from benchmark.workers import Extractor as Extractor
from benchmark.workers import Medium, prepared, without_network
from benchmark.workers import TooShort as TooShort
from benchmark.workers import WorkerDied as WorkerDied
from foundation.files import PathLike, file_sha256, replacing
from foundation.work import Progress


class FeatureStore:
    """Features on disk, one safetensors file for each file of media and extractor."""

    def __init__(self, root: PathLike = DEFAULT_CACHE) -> None:
        self._root = Path(root)

    def path(self, extractor: Extractor, sha256: str) -> Path:
        """Return where the features of a file are kept."""
        return self._root / extractor.name / extractor.key[:32] / sha256[:2] / f"{sha256}.safetensors"

    def has(self, extractor: Extractor, sha256: str) -> bool:
        """Tell whether the features of a file are there."""
        return self.path(extractor, sha256).is_file()

    def read(self, extractor: Extractor, sha256: str) -> Arrays:
        """Return the features of a file."""
        from safetensors.numpy import load

        return load(self.path(extractor, sha256).read_bytes())

    def write(self, extractor: Extractor, sha256: str, arrays: Arrays) -> None:
        """Keep the features of a file; whole or not at all."""
        from safetensors.numpy import save

        data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        with replacing(self.path(extractor, sha256)) as temporary:
            temporary.write_bytes(data)


@dataclass(frozen=True)
class Wanted:
    """A file and the extractors that want it."""

    path: Path
    medium: Medium
    extractors: tuple[Extractor, ...]


@dataclass(frozen=True)
class Extracted:
    """Outcome of an extraction.

    Attributes:
        sha256: file to the hash of its bytes; files that could not be opened have none.
        failures: file to the reason why it has no features.
        computed: how many features were not there before.
    """

    sha256: dict[Path, str]
    failures: dict[Path, str]
    computed: int


def extract(
    wanted: Sequence[Wanted],
    store: FeatureStore,
    *,
    seconds: float,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Extracted:
    """Make sure that the store has every feature wanted.

    Worker processes decode and prepare; networks run here, in batches. What is done is written at once, so a run
    that is killed loses one batch.

    Args:
        wanted: files and extractors; a file may be listed several times.
        store: where features are kept.
        seconds: how much of every file is scored, from its start.
        workers: processes; None takes one per core where there is enough to do and threads where there is not; 0 works
            in this process.
        progress: called as files are done.

    Raises:
        WorkerDied: worker processes cannot begin.
    """
    hashes, failures = _hash_files(wanted)
    missing = _missing(wanted, hashes, store)
    batches = _NetworkBatches(
        store, hashes, failures, [extractor for *_, extractors in missing for extractor in extractors]
    )
    jobs = [(path, medium, seconds, tuple(map(without_network, parts))) for path, medium, parts in missing]
    for done, (path, outcome) in enumerate(prepared(jobs, workers), start=1):
        batches.take(path, outcome)
        if progress:
            progress("features", done, len(jobs))
    batches.finish()
    return Extracted(hashes, batches.failures, batches.computed)


class _NetworkBatches:
    """Gathers what front ends prepared into batches, runs the networks on them, and keeps what comes out."""

    def __init__(
        self,
        store: FeatureStore,
        hashes: Mapping[Path, str],
        failures: Mapping[Path, str],
        extractors: Sequence[Extractor],
    ) -> None:
        self.failures = dict(failures)
        self.computed = 0
        self._store, self._hashes = store, hashes
        self._extractors = {extractor.name: extractor for extractor in extractors}
        self._batches: dict[str, list[tuple[Path, Arrays]]] = {}

    def take(self, path: Path, outcome: dict[str, Arrays] | str) -> None:
        """Take the outcome of one file: tensors by extractor, or the reason why there are none."""
        if isinstance(outcome, str):
            self._fail(path, outcome)
            return
        for name, arrays in outcome.items():
            batch, extractor = self._batches.setdefault(name, []), self._extractors[name]
            batch.append((path, arrays))
            if extractor.network is None or len(batch) >= extractor.batch_size:
                self._flush(name)

    def finish(self) -> None:
        """Run the networks on the batches that are not full."""
        for name in list(self._batches):
            self._flush(name)

    def _flush(self, name: str) -> None:
        batch, extractor = self._batches.pop(name), self._extractors[name]
        prepared = [arrays for _, arrays in batch]
        results = extractor.network(prepared) if extractor.network else prepared
        for (path, _), arrays in zip(batch, results, strict=True):
            if all(np.isfinite(array).all() for array in arrays.values()):
                self._store.write(extractor, self._hashes[path], arrays)
                self.computed += 1
            else:
                self._fail(path, f"its features by {name} are not finite")

    def _fail(self, path: Path, reason: str) -> None:
        """Record a file and every other that holds the same bytes: one of them stood for all."""
        sha256 = self._hashes[path]
        self.failures |= {other: f"{other}: {reason}" for other, its in self._hashes.items() if its == sha256}


def _hash_files(wanted: Sequence[Wanted]) -> tuple[dict[Path, str], dict[Path, str]]:
    hashes, failures = {}, {}
    for path in dict.fromkeys(item.path for item in wanted):
        try:
            hashes[path] = file_sha256(path)
        except OSError as error:
            failures[path] = f"{path}: {error.strerror}"
    return hashes, failures


def _missing(
    wanted: Sequence[Wanted], hashes: Mapping[Path, str], store: FeatureStore
) -> list[tuple[Path, Medium, list[Extractor]]]:
    """Return, for each content, one file of it and the extractors whose features are not there."""
    jobs: dict[tuple[str, Medium], tuple[Path, Medium, list[Extractor]]] = {}
    for item in wanted:
        if item.path not in hashes:
            continue
        sha256 = hashes[item.path]
        for extractor in item.extractors:
            if not store.has(extractor, sha256):
                _, _, extractors = jobs.setdefault((sha256, item.medium), (item.path, item.medium, []))
                if extractor not in extractors:
                    extractors.append(extractor)
    return list(jobs.values())
