"""One shard: what is to be read of its clips, what the networks make of them, and the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from baselines.selva.training.clip_list import Entry
from baselines.selva.training.clip_reading import ReadClip, Unusable
from baselines.selva.training.mmaudio_features import MMAudioFeatures
from baselines.selva.training.pictures import Picture, decoded
from baselines.selva.training.preparing_networks import PreparingNetworks
from baselines.selva.training.preparing_reading import Found, Job
from baselines.selva.training.shards import Effect, NewRow, Skipped, shard_path, write_shard
from baselines.selva.training.store_record import SHARDS_FOLDER, Rate, StoreSettings

MEASURED_CLIPS = 8  # of the first shard, on which the effect of JPEG is measured


@dataclass(frozen=True)
class ShardMaker:
    """Makes the shards of one store.

    Attributes:
        store: its folder.
        settings: of it.
        files: of clips by id.
        networks: that make features.
        features: that MMAudio made, where they are used.
        measures: whether the effect of JPEG is measured.
    """

    store: Path
    settings: StoreSettings
    files: Mapping[str, Path]
    networks: PreparingNetworks
    features: MMAudioFeatures | None
    measures: bool

    @property
    def sound_rates(self) -> tuple[Rate, ...]:
        """The rates whose latents are not MMAudio's."""
        return tuple(rate for rate in self.settings.rates if self.features is None or rate != self.features.rate)

    def job(self, shard: int, entry: Entry) -> Job:
        """Return what is to be read of a clip, or why nothing is.

        Args:
            shard: its place in the plan.
            entry: of the list.
        """
        path, unusable = self.files.get(entry.id), None
        if path is None:
            unusable = Unusable("no such file", "no such file")
        elif self.features is not None and entry.id not in self.features:
            unusable = Unusable("no features", "MMAudio's list has no such clip")
        elif self.features is not None and (fault := self.features.fault(entry.id)):
            unusable = Unusable("bad features", fault)
        return Job(shard, entry, path if unusable is None else None, unusable)

    def make(self, number: int, clips: Iterable[tuple[Entry, Found]]) -> None:
        """Write the shard of some clips.

        Args:
            number: of the shard.
            clips: each as it was read, in order; taken one by one.

        Raises:
            foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
        """
        rows: list[NewRow] = []
        skipped: list[Skipped] = []
        together: list[tuple[Entry, ReadClip]] = []

        def keep() -> None:
            for row in self._rows(together):
                fault = _fault(row)
                if fault:
                    skipped.append(Skipped(id=row.clip, label=row.label, kind="bad features", reason=fault))
                else:
                    rows.append(row)
            together.clear()

        effect = EffectOfPicture(self.networks, self.settings.picture) if self.measures and number == 0 else None
        for entry, found in clips:
            if isinstance(found, Unusable):
                skipped.append(Skipped(id=entry.id, label=entry.label, kind=found.kind, reason=found.reason))
                continue
            if effect is not None:
                effect.look_at(found)
            together.append((entry, found))
            if len(together) == self.networks.at_once:
                keep()
        if together:
            keep()
        path = shard_path(self.store / SHARDS_FOLDER, number)
        write_shard(path, self.settings.mark, rows, skipped=skipped, effect=effect.found if effect else None)

    def _rows(self, together: Sequence[tuple[Entry, ReadClip]]) -> list[NewRow]:
        """Return what is kept of some clips."""
        arrays = [_frames(clip) for _, clip in together]
        for rate in self.settings.rates:
            for kept, (mean, deviation) in zip(arrays, self._latents(rate, together), strict=True):
                kept[f"mean.{rate}"], kept[f"std.{rate}"] = mean, deviation
        if self.settings.teacher:
            frames = torch.from_numpy(np.stack([clip.frames for _, clip in together]))
            for kept, features in zip(arrays, self.networks.teacher(frames), strict=True):
                kept["teacher"] = features
        return [NewRow(entry.label, kept, clip=entry.id) for (entry, _), kept in zip(together, arrays, strict=True)]

    def _latents(self, rate: Rate, together: Sequence[tuple[Entry, ReadClip]]) -> list[tuple[Tensor, Tensor]]:
        if rate not in self.sound_rates and self.features is not None:
            return [self.features.latent(entry.id) for entry, _ in together]
        sounds = torch.from_numpy(np.stack([clip.sounds[rate] for _, clip in together]))
        return list(zip(*self.networks.latents(rate, sounds), strict=True))


def _fault(row: NewRow) -> str:
    """Return what is wrong with the features of a clip; "" where nothing is."""
    odd = [name for name, array in row.arrays.items() if not array.isfinite().all()]
    return f"a value of its {odd[0]} is not finite" if odd else ""


def _frames(clip: ReadClip) -> dict[str, Tensor]:
    """Return the files of all frames, one after another, and where each ends."""
    return {
        "frames": torch.frombuffer(bytearray(b"".join(clip.files)), dtype=torch.uint8),
        "ends": torch.from_numpy(np.cumsum([len(file) for file in clip.files])),
    }


class EffectOfPicture:
    """How far the way in which frames are kept moves the teacher's features, over the first clips."""

    def __init__(self, networks: PreparingNetworks, picture: Picture) -> None:
        self._networks, self._picture = networks, picture
        self._clips, self._difference, self._uncompressed = 0, 0.0, 0.0

    def look_at(self, clip: ReadClip) -> None:
        """Count a clip in, unless there are enough."""
        if self._clips == MEASURED_CLIPS:
            return
        kept = decoded([torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in clip.files], self._picture)
        before, after = (
            self._networks.teacher(frames[None]).double() for frames in (torch.from_numpy(clip.frames), kept)
        )
        self._clips += 1
        self._difference += float((after - before).square().sum())
        self._uncompressed += float(before.square().sum())

    @property
    def found(self) -> Effect | None:
        """The sums; None where no clip was seen."""
        if not self._clips:
            return None
        return Effect(
            clips=self._clips,
            difference=self._difference,
            uncompressed=self._uncompressed,
            weights=self._networks.teacher_weights,
        )
