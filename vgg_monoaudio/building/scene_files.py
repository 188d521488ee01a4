"""The files of a benchmark of scenes: what is cut of each clip, and the scenes that are composed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foundation import media
from foundation.files import file_sha256
from foundation.work import Progress, in_parallel
from vgg_monoaudio import composition
from vgg_monoaudio.building.result import BuildError, Problem
from vgg_monoaudio.building.settings import Settings
from vgg_monoaudio.building.sources import cut_clips, whole_sound
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, Subset
from vgg_monoaudio.pairing import JudgedPairs
from vgg_monoaudio.record import StageRecord


@dataclass(frozen=True)
class Work:
    """Where a benchmark is made, from what, and how."""

    folder: Path
    inputs: str  # fingerprint of the list, its clips and the settings; substitutes are not in it
    rows: Sequence[Mapping[Any, Any]]  # of the list
    reserves: Sequence[Mapping[Any, Any]] | None  # None: no clip is replaced
    clips: Mapping[str, Path]
    hashes: Mapping[str, str]  # of each clip that is there
    starts: Mapping[str, float]  # seconds into each clip, reserves too
    settings: Settings
    judged: JudgedPairs | None
    funnel: Sequence[StageRecord]
    workers: int | None
    report: Progress


def cut_sources(work: Work, listed: Sequence[str], stage: str) -> list[Problem]:
    """Write the 8 s of every clip; return why some cannot be used."""
    seconds = work.settings.duration_seconds

    def cut(clip_id: str, clip: Path) -> None:
        wav, mp4 = (work.folder / "sources" / f"{clip_id}.{suffix}" for suffix in ("wav", "mp4"))
        if media.is_whole(wav) and media.is_whole(mp4):
            return
        start = composition.on_frame_grid(work.starts[clip_id])
        waveform = whole_sound(clip, start=start, seconds=seconds)
        if not np.any(waveform):
            raise media.MediaError(clip, "its audio is digital silence")
        composition.cut(clip, mp4, start=start, duration=seconds)
        media.write_audio(wav, waveform, composition.SAMPLE_RATE)

    return cut_clips(
        listed, work.clips, cut, hashes=work.hashes, workers=work.workers,
        done=lambda done: work.report(stage, done, len(listed)),
    )  # fmt: skip


def compose_all(manifests: Mapping[Subset, pd.DataFrame], work: Work) -> None:
    """Make every scene that is not there yet and fill in the hashes."""
    scenes = [(subset, index) for subset, manifest in manifests.items() for index in range(len(manifest))]
    settings, clips, starts = work.settings, work.clips, work.starts

    def make(scene: tuple[Subset, int]) -> str:
        subset, index = scene
        row = manifests[subset].iloc[index]
        path = work.folder / subset / "video" / f"{row['filename']}.mp4"
        if not media.is_whole(path):
            target, paired = row["target_id"], row["paired_id"]
            try:
                composition.compose(
                    clips[target], clips[paired], path, row["target_side"], settings.fit, settings.duration_seconds,
                    soundtrack=settings.soundtrack, target_start=starts[target], paired_start=starts[paired],
                )  # fmt: skip
            except media.MediaError as error:  # both were cut a moment ago
                raise BuildError(f"scene {path.stem}: {error}; the same command goes on from here") from error
        return file_sha256(path)

    for position, digest in in_parallel(
        make, scenes, workers=work.workers, done=lambda done: work.report("scenes", done, len(scenes))
    ):
        subset, index = scenes[position]
        manifests[subset].iloc[index, MANIFEST_COLUMNS.index("sha256")] = digest
