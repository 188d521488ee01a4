"""From a list of clips to a benchmark directory, byte for byte the same wherever it is built.

Work happens in `<out>.building`, which becomes `<out>` by one rename when everything in it is made and checked. A
build that was killed resumes where it stopped; one that is refused leaves nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foundation import media
from foundation.files import PathLike, file_sha256
from foundation.locks import Lock
from foundation.work import Progress, in_parallel
from vgg_monoaudio import composition
from vgg_monoaudio.building import workplace
from vgg_monoaudio.building.manifests import Chosen, choose_scenes, write_manifests
from vgg_monoaudio.building.result import Build, BuildError, Problem, existing, unusable
from vgg_monoaudio.building.settings import Settings, inputs_of, is_whole, recorded_settings, with_reserves
from vgg_monoaudio.building.sources import cut_clips, hash_clips, source_records, whole_sound
from vgg_monoaudio.building.substitutes import find_substitutes, reserve_rows, version_of_set, without_substitute
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, Subset, load_benchmark
from vgg_monoaudio.pairing import JudgedPairs
from vgg_monoaudio.record import (
    FORMAT_VERSION,
    BuildRecord,
    CountsRecord,
    LeftOutRecord,
    ReplacedRecord,
    SceneSettingsRecord,
    StageRecord,
    check_stages,
    finished_stages,
    write_record,
)

__all__ = ["Build", "BuildError", "Problem", "Settings", "build_benchmark"]


_KEPT = ("clip_id", "label", "category")


@dataclass(frozen=True)
class _Work:
    """Where a benchmark is made, from what, and how."""

    folder: Path
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


def build_benchmark(
    sources: pd.DataFrame,
    clips: Mapping[str, Path],
    out: PathLike,
    settings: Settings | None = None,
    *,
    judged: JudgedPairs | None = None,
    reserves: pd.DataFrame | None = None,
    funnel: Sequence[StageRecord] = (),
    allow_missing: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Build:
    """Write a benchmark directory and return it.

    Args:
        sources: one row per clip: clip_id, label, category, and start_seconds where a clip's 8 s do not begin at 0.
        clips: clip id to file, as `vgg_monoaudio.collecting.clips.find_clips` makes it.
        out: the benchmark directory.
        settings: content; the paper's by default.
        judged: what people said of intra-class pairs; the hash of its file is kept with the settings.
        reserves: substitutes for clips that are absent, silent, short or broken: clip_id, label, category, rank, and
            start_seconds as in `sources`. The record says which replaced which, and the version names the clips used.
            None: no clip is replaced.
        allow_missing: leave out clips that cannot be used, or replaced, instead of refusing to build.
        funnel: the stages that led to the list, which `benchmark.json` tells with what became of its clips; none where
            they are not known. They decide nothing.
        overwrite: replace a benchmark of other clips or settings.
        workers: scenes made at once; None takes one per core. The result does not depend on it.
        progress: called as work is done.

    Raises:
        BuildError: clips that cannot be used, too few of them to make a pair, or another benchmark at `out`.
        vgg_monoaudio.encoding.EncodingStopped: ffmpeg was killed, could not write or is not there; nothing is left out.
        ValueError: settings that the clips do not allow, such as more scenes of a category than it has pairs; a
            funnel of another list; or fewer than one worker.
    """
    settings = settings or Settings()
    check_stages(funnel, len(sources))
    out = workplace.destination(out, workers)
    rows = sources.assign(start_seconds=sources.get("start_seconds", 0.0)).sort_values("clip_id").to_dict("records")
    spare = None if reserves is None else reserve_rows(reserves, rows)
    pool: list[Mapping[Any, Any]] = [*rows, *(spare or ())]
    hashes = hash_clips([row["clip_id"] for row in pool], clips, workers=workers)
    whole = inputs_of(rows, hashes, recorded_settings(settings, judged))
    inputs = whole if spare is None or is_whole(out, whole) else with_reserves(whole, spare, hashes)
    built = existing(out, inputs, allow_missing=allow_missing, overwrite=overwrite, quiet=True)
    if built is not None:
        return built
    starts = {row["clip_id"]: float(row["start_seconds"]) for row in pool}
    with Lock(out):
        built = existing(out, inputs, allow_missing=allow_missing, overwrite=overwrite)
        if built is not None:  # by the process that was waited for
            return built
        report = progress or (lambda *_: None)
        folder = workplace.prepare(out, inputs)
        work = _Work(folder, rows, spare, clips, hashes, starts, settings, judged, funnel, workers, report)
        return _build(work, out, (whole, inputs), allow_missing=allow_missing)


def _build(work: _Work, out: Path, inputs: tuple[str, str], *, allow_missing: bool) -> Build:
    """Cut, choose, compose and record, and give the folder its name."""
    problems = _cut_sources(work, [row["clip_id"] for row in work.rows], "sources")
    replaced: tuple[ReplacedRecord, ...] = ()
    if problems and work.reserves:
        cut = partial(_cut_sources, work, stage="substitutes")
        replaced = find_substitutes(work.rows, problems, work.reserves, cut)
        in_place = {clip.clip_id for clip in replaced}
        problems = [problem for problem in problems if problem.clip_id not in in_place]
    usable = _usable(work, problems, replaced)
    try:
        if problems and not allow_missing:
            if work.reserves is not None:
                raise without_substitute(work.rows, problems, work.reserves)
            raise unusable(problems, len(work.rows))
        table = pd.DataFrame(usable, columns=pd.Index(_KEPT))
        settings = work.settings
        chosen = choose_scenes(table, inter_pairs=settings.inter_pairs, seed=settings.seed, judged=work.judged)
    except (BuildError, ValueError):
        shutil.rmtree(work.folder)
        raise
    _compose_all(chosen.manifests, work)
    write_manifests(work.folder, chosen.manifests)
    made_of = inputs[bool(replaced or problems)]  # of the whole list it is the same with reserves and without
    record = _record(work, made_of, usable, problems, replaced, chosen)
    write_record(work.folder, record.model_copy(update={"funnel": finished_stages(record, work.funnel)}))
    workplace.finish(work.folder, out)
    return Build(load_benchmark(out), problems, reused=False)


def _usable(work: _Work, problems: Sequence[Problem], replaced: Sequence[ReplacedRecord]) -> list[dict[str, str]]:
    """Return the rows of the clips that scenes are made of, by clip id."""
    gone = {problem.clip_id for problem in problems} | {clip.clip_id for clip in replaced}
    substitutes = {clip.by for clip in replaced}
    rows = [row for row in work.rows if row["clip_id"] not in gone]
    rows += [row for row in work.reserves or () if row["clip_id"] in substitutes]
    return sorted(({key: str(row[key]) for key in _KEPT} for row in rows), key=lambda row: row["clip_id"])


def _cut_sources(work: _Work, listed: Sequence[str], stage: str) -> list[Problem]:
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


def _compose_all(manifests: Mapping[Subset, pd.DataFrame], work: _Work) -> None:
    """Make every scene that is not there yet and fill in the hashes."""
    scenes = [(subset, index) for subset, manifest in manifests.items() for index in range(len(manifest))]
    settings, clips, starts = work.settings, work.clips, work.starts

    def make(scene: tuple[Subset, int]) -> str:
        subset, index = scene
        row = manifests[subset].iloc[index]
        path = work.folder / subset / "video" / f"{row['filename']}.mp4"
        if not media.is_whole(path):
            target, paired = row["target_id"], row["paired_id"]
            composition.compose(
                clips[target], clips[paired], path, row["target_side"], settings.fit, settings.duration_seconds,
                soundtrack=settings.soundtrack, target_start=starts[target], paired_start=starts[paired],
            )  # fmt: skip
        return file_sha256(path)

    for position, digest in in_parallel(
        make, scenes, workers=work.workers, done=lambda done: work.report("scenes", done, len(scenes))
    ):
        subset, index = scenes[position]
        manifests[subset].iloc[index, MANIFEST_COLUMNS.index("sha256")] = digest


def _record(
    work: _Work,
    inputs: str,
    usable: Sequence[Mapping[str, str]],
    problems: Sequence[Problem],
    replaced: tuple[ReplacedRecord, ...],
    chosen: Chosen,
) -> BuildRecord:
    settings = work.settings
    version = version_of_set(settings.version, (row["clip_id"] for row in usable)) if replaced else settings.version
    record = BuildRecord(
        format=FORMAT_VERSION,
        name=settings.name,
        version=version,
        frame_rule=media.FRAME_RULE,
        inputs=inputs,
        settings=SceneSettingsRecord(**recorded_settings(settings, work.judged)),
        counts=CountsRecord(
            clips_listed=len(usable) + len(problems),
            clips=len(usable),
            inter=len(chosen.manifests["inter"]),
            intra=len(chosen.manifests["intra"]),
            inter_pool=chosen.inter_pool,
            intra_pool=chosen.intra_pool,
        ),
        sources=source_records(
            work.folder,
            usable,
            work.clips,
            starts=work.starts,
            seconds=settings.duration_seconds,
            workers=work.workers,
        ),
        left_out=tuple(LeftOutRecord(**asdict(problem)) for problem in problems),
        intra_dropped=chosen.dropped,
    )
    return record.model_copy(update={"replaced": replaced}) if replaced else record  # absent where there are none
