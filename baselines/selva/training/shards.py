"""Files of a store: arrays by row and name, with what they are of, and a checksum for each.

A shard is a safetensors file whose one metadata entry says which clips its rows are, which were skipped and why, and
the CRC-32 of every array. Arrays of row 3 are called `3.frames`, `3.ends`, `3.mean.16k` and so on; files of texts are
made alike. The same content makes the same bytes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ValidationError
from torch import Tensor

from baselines.selva.training.store_record import StoreError
from foundation.files import PathLike
from foundation.records import Record, what_is_wrong
from foundation.tensors import save_tensors

_HEAD = "store"  # one entry alone: several would stand in the file in any order
_DIGITS = 5
_NAME = re.compile(rf"\d{{{_DIGITS},}}\.safetensors")
WAY_OUT = "delete the file and run `train prepare` again"
_OTHER = f"{WAY_OUT}; if the store was prepared anew meanwhile, begin another run"


class DamagedClip(StoreError):
    """A clip whose bytes are not those that were kept; names the clip, its file, and what to do."""


class Row(Record):
    """What one row of a file is of.

    Attributes:
        id: of the clip; empty in files of texts.
        label: of the clip, or the text.
        checksums: CRC-32 of its arrays, by name.
    """

    id: str = ""
    label: str
    checksums: dict[str, int]


class Skipped(Record):
    """A clip that is not kept.

    Attributes:
        id, label: of the clip.
        kind: of the reason, in a word or two, for counting.
        reason: in full.
    """

    id: str
    label: str
    kind: str
    reason: str


class Effect(Record):
    """Sums of squares of the teacher's features over the measured clips; see `store_record.JpegEffect`."""

    clips: int
    difference: float
    uncompressed: float
    weights: str


class ShardHead(Record):
    """What a file of the store says of itself.

    Attributes:
        format: of the file.
        mark: of the settings that it was made under.
        rows: in order.
        skipped: clips of this shard that are not kept.
        effect: in the first shard, where it was measured.
    """

    format: Literal[1] = 1
    mark: str
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()
    effect: Effect | None = None


def shard_path(folder: PathLike, number: int) -> Path:
    """Return the file of a shard."""
    return Path(folder) / f"{number:0{_DIGITS}}.safetensors"


def shards_in(folder: PathLike) -> list[Path]:
    """Return the files of shards in a folder, in order; none of what else lies there, such as files half written."""
    return sorted(path for path in Path(folder).glob("*.safetensors") if _NAME.fullmatch(path.name))


class NewRow:
    """A row to be written: what it is of, and its arrays by name."""

    def __init__(self, label: str, arrays: Mapping[str, Tensor], *, clip: str = "") -> None:
        self.label, self.clip = label, clip
        self.arrays = {name: array.detach().cpu().contiguous() for name, array in arrays.items()}

    @property
    def row(self) -> Row:
        """What the file says of it."""
        return Row(
            id=self.clip, label=self.label, checksums={name: checksum(array) for name, array in self.arrays.items()}
        )


def write_shard(
    path: PathLike,
    mark: str,
    rows: Sequence[NewRow],
    *,
    skipped: Sequence[Skipped] = (),
    effect: Effect | None = None,
) -> None:
    """Write a file of the store, whole or not at all.

    Raises:
        foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
    """
    head = ShardHead(mark=mark, rows=tuple(row.row for row in rows), skipped=tuple(skipped), effect=effect)
    arrays = {f"{place}.{name}": array for place, row in enumerate(rows) for name, array in row.arrays.items()}
    save_tensors(arrays, path, {_HEAD: head.model_dump_json()})


def read_head(path: PathLike) -> ShardHead:
    """Return what a file of the store says of itself; its arrays are not looked at.

    Raises:
        StoreError: it is absent or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return _head(file)
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such file; run `train prepare` again") from error
    except (SafetensorError, OSError, ValidationError) as error:
        raise StoreError(f"{path}: damaged ({_said(error)}); {WAY_OUT}") from error


def read_arrays(
    path: PathLike, mark: str, row: int, names: Sequence[str], *, label: str, clip: str = ""
) -> list[Tensor]:
    """Return arrays of one row, compared with their checksums.

    The head is read each time, in 2 ms: those of all 2,800 shards of VGGSound would take a process 225 MB.

    Args:
        path: of the file.
        mark: of the settings that it must have been made under.
        row: its place.
        names: of the arrays.
        label: what the row must be of.
        clip: the same; none in files of texts.

    Raises:
        DamagedClip: the file is absent, cut or changed, or the row is of another clip.
        StoreError: the file was made under other settings, or never had such an array.
    """
    from safetensors import SafetensorError, safe_open

    what = f"clip {clip}" if clip else f"text {label!r}"
    try:
        with safe_open(path, framework="pt") as file:
            head = _head(file)
            if head.mark != mark:
                raise StoreError(f"{path}: made under other settings; {_OTHER}")
            said = head.rows[row] if row < len(head.rows) else None
            if said is None or (said.id, said.label) != (clip, label):
                raise DamagedClip(f"{path}: {what} is not in row {row}; {_OTHER}")
            if missing := [name for name in names if name not in said.checksums]:
                raise StoreError(f"{path}: {what} has no {missing[0]}")
            arrays = [file.get_tensor(f"{row}.{name}") for name in names]
    except FileNotFoundError as error:
        raise DamagedClip(f"{path}: {what} cannot be read (no such file); run `train prepare` again") from error
    except (SafetensorError, OSError, ValidationError) as error:
        raise DamagedClip(f"{path}: {what} cannot be read ({_said(error)}); {WAY_OUT}") from error
    for name, array in zip(names, arrays, strict=True):
        if checksum(array) != said.checksums[name]:
            raise DamagedClip(f"{path}: {what} is damaged (its {name} are not those that were kept); {WAY_OUT}")
    return arrays


def _head(file: Any) -> ShardHead:
    return ShardHead.model_validate_json((file.metadata() or {}).get(_HEAD, ""))


def _said(error: Exception) -> str:
    return what_is_wrong(error) if isinstance(error, ValidationError) else str(error)


def checksum(array: Tensor) -> int:
    """Return the CRC-32 of an array's bytes, in order."""
    return zlib.crc32(array.contiguous().reshape(-1).view(torch.uint8).numpy().data)
