"""What a cache of features holds, read without the code under test; and damage to it."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load


@dataclass(frozen=True)
class Kept:
    """Features of one file of media, as a pack holds them.

    Attributes:
        pack: the file.
        extractor: its name.
        key: of the extractor.
        sha256: of the file of media.
        frame_rule: by which it was read.
        place: of the features in the pack.
    """

    pack: Path
    extractor: str
    key: str
    sha256: str
    frame_rule: str
    place: slice

    @property
    def data(self) -> bytes:
        return self.pack.read_bytes()[self.place]

    @property
    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return load(self.data)


def packs_below(folder: Path) -> list[Path]:
    """Every pack, but those that are being written."""
    return sorted(path for path in folder.rglob("*.pack") if not path.name.startswith("."))


def kept_in(pack: Path) -> list[Kept]:
    """The features in a pack, in its order; it is refused where a byte of it belongs to none."""
    data = pack.read_bytes()
    assert data[:8] == b"VGGPACK1", pack
    after = 12 + int.from_bytes(data[8:12], "little")
    head = json.loads(data[12:after])
    found, end = [], after
    for sha256, rule, _, start, length in head["records"]:
        assert after + start == end, pack
        end += length
        found.append(Kept(pack, head["extractor"], head["key"], sha256, rule, slice(after + start, end)))
    assert end == len(data), pack
    return found


def kept_below(folder: Path) -> list[Kept]:
    """The features in every pack below a folder."""
    return [kept for pack in packs_below(folder) for kept in kept_in(pack)]


def features_below(folder: Path) -> dict[tuple[str, str, str], bytes]:
    """Extractor, key and hash to the bytes of the features; what is there twice is there alike."""
    found: dict[tuple[str, str, str], bytes] = {}
    for kept in kept_below(folder):
        assert found.setdefault((kept.extractor, kept.key, kept.sha256), kept.data) == kept.data, kept
    return found


def the_kept(folder: Path, extractor: str, sha256: str) -> Kept:
    """The features of a file by an extractor, which are there once."""
    (kept,) = (kept for kept in kept_below(folder) if (kept.extractor, kept.sha256) == (extractor, sha256))
    return kept


def spoil(kept: Kept) -> None:
    """Overwrite the last bytes of some features, and leave the rest of their pack as it is."""
    data = bytearray(kept.pack.read_bytes())
    data[kept.place.stop - 4 : kept.place.stop] = bytes(4)
    kept.pack.write_bytes(data)


def as_single(kept: Kept, cache: Path, *, note: bool = True) -> Path:
    """Write features as a file of their own, as they were kept before there were packs; return it."""
    import zlib

    from safetensors.numpy import save

    said = {
        "sha256": kept.sha256, "extractor": kept.extractor, "key": kept.key, "frame_rule": kept.frame_rule,
        "crc32": zlib.crc32(save(kept.arrays)),
    }  # fmt: skip
    path = cache / kept.extractor / kept.key[:32] / kept.sha256[:2] / f"{kept.sha256}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(kept.arrays, {"features": json.dumps(said, sort_keys=True)} if note else None))
    return path


def emptied(path: Path, _other: Path) -> None:
    path.write_bytes(b"")


def cut_in_the_head(path: Path, _other: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def zeroed(path: Path, _other: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def of_another_kind(path: Path, _other: Path) -> None:
    path.write_bytes(b"sample_id,label\n" * 99)


def copied_from_another(path: Path, other: Path) -> None:
    shutil.copyfile(other, path)
