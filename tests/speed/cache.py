"""The cache of features at the size of the full benchmark: files, seconds and memory, beside a file for each feature.

PYTHONPATH=tests python -m speed cache
"""

from __future__ import annotations

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from benchmark.feature_store import FeatureStore
from benchmark.pending import Pending
from benchmark.workers import Arrays, Extractor
from foundation.files import replacing
from foundation.measurements import Figure
from speed.board import show, significant

FILES, EXTRACTORS = 15_446, 10
ROWS = [Extractor(f"of.{number}", "v1", "audio", prepare=len) for number in range(EXTRACTORS)]
HASHES = [f"{number:08x}" * 8 for number in range(FILES)]
ARRAYS: Arrays = {"embedding": np.random.default_rng(1).normal(size=512).astype(np.float32)}  # 2 kB
MOST_MEGABYTES = 50.0


def write_packs(folder: Path) -> None:
    """Keep the features of every file as an evaluation does."""
    with Pending(FeatureStore(folder)) as pending:
        for sha256 in HASHES:
            for row in ROWS:
                pending.add(row, sha256, ARRAYS, "")
            pending.write_due()


def read_packs(folder: Path) -> None:
    """Ask of every feature whether it can be used, in a process that has seen none."""
    store = FeatureStore(folder)
    for row in ROWS:
        for sha256 in HASHES:
            if not store.has(row, sha256):
                raise LookupError(sha256)


def _single(folder: Path, row: Extractor, sha256: str) -> Path:
    return folder / row.name / row.key / sha256[:2] / f"{sha256}.safetensors"


def write_singles(folder: Path) -> None:
    """Write every feature as a file of its own."""
    for sha256 in HASHES:
        for row in ROWS:
            with replacing(_single(folder, row, sha256), lasting=False) as temporary:
                temporary.write_bytes(save(ARRAYS))


def read_singles(folder: Path) -> None:
    """Read every feature from a file of its own."""
    for row in ROWS:
        for sha256 in HASHES:
            load(_single(folder, row, sha256).read_bytes())


def index_megabytes(folder: Path) -> float:
    """Return the memory that is taken when every pack was found, and none of what it holds is remembered."""
    tracemalloc.start()
    store = FeatureStore(folder)
    before = tracemalloc.get_traced_memory()[0]
    for row in ROWS:
        store.why_not(row, "nothing")
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / 1e6


def seconds(work: Callable[[Path], None], folder: Path) -> float:
    """Return how long a work on a folder takes."""
    began = time.perf_counter()
    work(folder)
    return significant(time.perf_counter() - began)


def measure(_arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield what packs cost, beside a file for each feature."""
    what = f"{EXTRACTORS} features of each file, 2 kB each"
    usual_way = "a file for each feature"
    with tempfile.TemporaryDirectory() as packs, tempfile.TemporaryDirectory() as singles:
        for name, ours, plain in (("written", write_packs, write_singles), ("read", read_packs, read_singles)):
            yield Figure(
                what=f"{what}: {name}", n=FILES, figure=seconds(ours, Path(packs)), unit="s",
                usual=seconds(plain, Path(singles)), usual_way=usual_way,
            )  # fmt: skip
        count = [sum(path.is_file() for path in Path(folder).rglob("*")) for folder in (packs, singles)]
        yield Figure(what=f"{what}: files", n=FILES, figure=count[0], unit="", usual=count[1], usual_way=usual_way)
        taken = significant(index_megabytes(Path(packs)))
        yield Figure(what="memory of where each is", n=FILES, figure=taken, unit="MB", at_most=MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(show(measure()))
