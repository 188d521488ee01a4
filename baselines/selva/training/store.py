"""A store of prepared clips, as both stages of training read it."""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor

from baselines.selva.training.pictures import decoded
from baselines.selva.training.shards import WAY_OUT, DamagedClip, read_arrays, read_head, shard_path, shards_in
from baselines.selva.training.store_record import (
    CLIPS_FILE,
    RECORD_FILE,
    SHARDS_FOLDER,
    TEXTS_FOLDER,
    StoreError,
    StoreRecord,
    read_record,
)
from foundation.files import PathLike, fingerprint

__all__ = ["CLIP_COLUMNS", "SPLITS", "Clip", "DamagedClip", "Split", "Store", "StoreError"]

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = get_args(Split)
CLIP_COLUMNS = ("id", "label", "split", "state", "shard", "row", "reason")


@dataclass(frozen=True)
class Clip:
    """One clip of a store.

    Attributes:
        id: as the list has it.
        label: its text.
        shard: number of its file.
        row: its place there.
    """

    id: str
    label: str
    shard: int
    row: int


class Store:
    """Clips with everything that training reads of them; `opened` makes it. May be sent to other processes.

    Attributes:
        path: its folder.
        record: how it was made.
    """

    def __init__(self, path: Path, record: StoreRecord, clips: dict[Split, tuple[Clip, ...]]) -> None:
        self.path, self.record = path, record
        self._clips = clips

    @classmethod
    def opened(cls, path: PathLike) -> Store:
        """Return the store in a folder.

        Raises:
            StoreError: there is none, it is not finished, or files of it are missing or damaged.
        """
        folder = Path(path)
        record = read_record(folder)
        if record is None:
            raise StoreError(f"{folder}: no store of clips; make one with `train prepare`")
        if record.status != "finished":
            raise StoreError(f"{folder}: the store is not finished; run the same `train prepare` again, it goes on")
        clips = _read_clips(folder / CLIPS_FILE)
        for split in SPLITS:
            expected = getattr(record.counts, split, None)
            if len(clips[split]) != expected:
                raise StoreError(
                    f"{folder / CLIPS_FILE}: holds {len(clips[split])} clips of {split}, {RECORD_FILE} says "
                    f"{expected}; run `train prepare` again, which writes it anew"
                )
        for number in sorted({clip.shard for split in clips.values() for clip in split}):
            if not (file := shard_path(folder / SHARDS_FOLDER, number)).is_file():
                raise StoreError(f"{file}: no such file; run `train prepare` again")
        store = cls(folder, record, clips)
        store._check_texts()
        return store

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the settings, the weights and the kept clips."""
        kept = [[split, clip.id, clip.label] for split in SPLITS for clip in self._clips[split]]
        return fingerprint([self.record.mark, kept])

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """Return the clips of a split, sorted by id."""
        return self._clips[split]

    def frames(self, clip: Clip) -> Tensor:
        """Return the frames of a clip: uint8 (t, 3, 224, 224), RGB.

        Raises:
            DamagedClip: they are not those that were kept.
        """
        content, ends = self._arrays(clip, "frames", "ends")
        bounds = [0, *ends.tolist()]
        files = [content[start:end] for start, end in itertools.pairwise(bounds)]
        return decoded(files, self.record.picture)

    def latent(self, clip: Clip, rate: str) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of a clip's latent, in the VAE's own scale: float32 (n, c) each.

        Raises:
            ValueError: the store has no latents of that rate.
            DamagedClip: they are not those that were kept, or a value is not finite.
        """
        if rate not in self.record.rates:
            raise ValueError(f"rate: {self.path} has latents of {', '.join(self.record.rates)}, got {rate!r}")
        mean, deviation = self._finite(clip, f"mean.{rate}", f"std.{rate}")
        return mean, deviation

    def teacher(self, clip: Clip) -> Tensor | None:
        """Return Synchformer's features of a clip's uncompressed frames: float32 (8 * segments, 768).

        None where the store was prepared without them.

        Raises:
            DamagedClip: they are not those that were kept, or a value is not finite.
        """
        return self._finite(clip, "teacher")[0] if self.record.teacher else None

    def clip_text(self, label: str) -> Tensor:
        """Return the CLIP text states of a label: float32 (77, 1024).

        Raises:
            StoreError: no clip has that label, or they are not those that were kept.
        """
        return self._text(label, "clip")

    def t5_states(self, label: str) -> Tensor:
        """Return the T5 states of a label, or of "": float32 (l, 768), the last that of `</s>`.

        Raises:
            StoreError: no clip has that label, or they are not those that were kept.
        """
        return self._text(label, "t5")

    def _finite(self, clip: Clip, *names: str) -> list[Tensor]:
        """Return features of a clip. One that is no number is refused here, where a run can save what it has done."""
        arrays = self._arrays(clip, *names)
        for name, array in zip(names, arrays, strict=True):
            if not array.isfinite().all():
                file = shard_path(self.path / SHARDS_FOLDER, clip.shard)
                raise DamagedClip(f"{file}: clip {clip.id}: a value of its {name} is not finite; {WAY_OUT}")
        return arrays

    def _arrays(self, clip: Clip, *names: str) -> list[Tensor]:
        file = shard_path(self.path / SHARDS_FOLDER, clip.shard)
        return read_arrays(file, self.record.mark, clip.row, names, label=clip.label, clip=clip.id)

    def _check_texts(self) -> None:
        """Refuse a store without the text of a clip before steps are spent on it."""
        for label in sorted({"", *(clip.label for split in SPLITS for clip in self._clips[split])}):
            self._text_place(label)

    @cached_property
    def _texts(self) -> dict[str, tuple[Path, int]]:
        """The file and the row of each text."""
        files = shards_in(self.path / TEXTS_FOLDER)
        return {row.label: (file, place) for file in files for place, row in enumerate(read_head(file).rows)}

    def _text(self, label: str, name: str) -> Tensor:
        file, row = self._text_place(label)
        return read_arrays(file, self.record.mark, row, [name], label=label)[0]

    def _text_place(self, label: str) -> tuple[Path, int]:
        if label not in self._texts:
            raise StoreError(f"{self.path / TEXTS_FOLDER}: no text {label!r}; run `train prepare` again")
        return self._texts[label]


def _read_clips(path: Path) -> dict[Split, tuple[Clip, ...]]:
    """Return the kept clips of `clips.csv`, by split and sorted by id."""
    found: dict[Split, list[Clip]] = {split: [] for split in SPLITS}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                if row["state"] == "kept":
                    clip = Clip(row["id"], row["label"], int(row["shard"]), int(row["row"]))
                    found[_split(row["split"])].append(clip)
    except FileNotFoundError as error:
        raise StoreError(f"{path}: no such file; run `train prepare` again") from error
    except (csv.Error, KeyError, ValueError, TypeError) as error:
        raise StoreError(f"{path}: damaged ({error}); delete it and run `train prepare` again") from error
    return {split: tuple(sorted(clips, key=lambda clip: clip.id)) for split, clips in found.items()}


def _split(word: str) -> Split:
    if word not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {word!r}")
    return word
