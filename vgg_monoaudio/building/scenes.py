"""From a list of clips to a benchmark directory, byte for byte the same wherever it is built.

Work happens in `<out>.building`, which becomes `<out>` by one rename when everything in it is made and checked. A
build that was killed resumes where it stopped; one that is refused leaves nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foundation import media
from foundation.files import PathLike, file_sha256, fingerprint
from foundation.locks import Lock
from foundation.work import Progress, in_parallel
from vgg_monoaudio import composition
from vgg_monoaudio.building import workplace
from vgg_monoaudio.building.manifests import Chosen, choose_scenes, write_manifests
from vgg_monoaudio.building.result import Build, BuildError, Problem, existing, unusable
from vgg_monoaudio.building.sources import cut_clips, hash_clips, source_records, whole_sound
from vgg_monoaudio.dataset import MANIFEST_COLUMNS, Subset, load_benchmark
from vgg_monoaudio.encoding import encoder_on_record
from vgg_monoaudio.pairing import JudgedPairs
from vgg_monoaudio.record import (
    FORMAT_VERSION,
    BuildRecord,
    CountsRecord,
    LeftOutRecord,
    SceneSettingsRecord,
    StageRecord,
    check_benchmark_name,
    check_stages,
    finished_stages,
    write_record,
)
from vgg_monoaudio.taxonomy import subsumption_sha256

__all__ = ["Build", "BuildError", "Problem", "Settings", "build_benchmark"]


@dataclass(frozen=True)
class Settings:
    """What decides a benchmark's content, apart from its clips.

    Attributes:
        name: in tables and run paths.
        version: of the content.
        seed: of the inter-class sample and of the sides.
        inter_pairs: number of inter-class scenes, 0 for none; None takes 560, or every pair where there are fewer.
        fit: how a clip comes to half a scene, see `composition.compose`.
        soundtrack: of the scene, see `composition.compose`.
        duration_seconds: of every scene, a whole number of frames.

    Raises:
        ValueError: a value that no benchmark can have.
    """

    name: str = "vgg-monoaudio"
    version: str = "1.0"
    seed: int = 0
    inter_pairs: int | None = None
    fit: composition.Fit = "stretch"
    soundtrack: composition.Soundtrack = "mixture"
    duration_seconds: float = composition.SECONDS

    def __post_init__(self) -> None:
        """Refuse here what would otherwise come to light when every clip is cut already."""
        check_benchmark_name(self.name)
        composition.check_choices(self.fit, self.soundtrack)
        if self.inter_pairs is not None and self.inter_pairs < 0:
            raise ValueError(f"inter_pairs: expected a number of scenes from 0 on, got {self.inter_pairs}")
        frames = self.duration_seconds * composition.FRAMES_PER_SECOND
        if frames < 1 or abs(frames - round(frames)) > 1e-6:
            rate = composition.FRAMES_PER_SECOND
            raise ValueError(
                f"duration_seconds: expected a whole number of frames at {rate} fps, got {self.duration_seconds}"
            )


@dataclass(frozen=True)
class _Work:
    """Where a benchmark is made, from what, and how."""

    folder: Path
    clips: Mapping[str, Path]
    hashes: Mapping[str, str]  # of each clip that is there
    starts: Mapping[str, float]  # seconds into each clip
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
        funnel: the stages that led to the list, which `benchmark.json` tells with what became of its clips; none where
            they are not known. They decide nothing.
        allow_missing: leave out clips that are absent, silent, short or broken instead of refusing to build.
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
    hashes = hash_clips([row["clip_id"] for row in rows], clips, workers=workers)
    inputs = _inputs(rows, hashes, on_record(settings, judged))
    built = existing(out, inputs, allow_missing=allow_missing, overwrite=overwrite, quiet=True)
    if built is not None:
        return built
    starts = {row["clip_id"]: float(row["start_seconds"]) for row in rows}
    with Lock(out):
        built = existing(out, inputs, allow_missing=allow_missing, overwrite=overwrite)
        if built is not None:  # by the process that was waited for
            return built
        report = progress or (lambda *_: None)
        work = _Work(workplace.prepare(out, inputs), clips, hashes, starts, settings, judged, funnel, workers, report)
        return _build(work, rows, inputs, out, allow_missing=allow_missing)


def _build(work: _Work, rows: Sequence[Mapping[Any, Any]], inputs: str, out: Path, *, allow_missing: bool) -> Build:
    """Cut, choose, compose and record, and give the folder its name."""
    problems = _cut_sources(work)
    lost = {problem.clip_id for problem in problems}
    keep = ("clip_id", "label", "category")
    usable = [{key: str(row[key]) for key in keep} for row in rows if row["clip_id"] not in lost]
    try:
        if problems and not allow_missing:
            raise unusable(problems, len(rows))
        table = pd.DataFrame(usable, columns=pd.Index(keep))
        settings = work.settings
        chosen = choose_scenes(table, inter_pairs=settings.inter_pairs, seed=settings.seed, judged=work.judged)
    except (BuildError, ValueError):
        shutil.rmtree(work.folder)
        raise
    _compose_all(chosen.manifests, work)
    write_manifests(work.folder, chosen.manifests)
    record = _record(work, inputs, usable, problems, chosen)
    write_record(work.folder, record.model_copy(update={"funnel": finished_stages(record, work.funnel)}))
    workplace.finish(work.folder, out)
    return Build(load_benchmark(out), problems, reused=False)


def on_record(settings: Settings, judged: JudgedPairs | None = None) -> dict[str, Any]:
    """Return the settings as `benchmark.json` has them, with what decides which intra-class pairs are dropped."""
    people = {} if judged is None else {"judged_pairs_sha256": judged.sha256}
    return {**asdict(settings), **people, "subsumption_sha256": subsumption_sha256(), **encoder_on_record()}


def _inputs(rows: Sequence[Mapping[Any, Any]], hashes: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Fingerprint of everything that decides the result: the list, the bytes of the clips, the settings."""
    listed = [[row["clip_id"], row["label"], row["category"], float(row["start_seconds"])] for row in rows]
    return fingerprint([FORMAT_VERSION, listed, hashes, settings])


def _cut_sources(work: _Work) -> list[Problem]:
    """Write the 8 s of every clip; return why some cannot be used."""
    seconds, total = work.settings.duration_seconds, len(work.starts)

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
        list(work.starts), work.clips, cut, hashes=work.hashes, workers=work.workers,
        done=lambda done: work.report("sources", done, total),
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
    work: _Work, inputs: str, usable: Sequence[Mapping[str, str]], problems: Sequence[Problem], chosen: Chosen
) -> BuildRecord:
    settings = work.settings
    return BuildRecord(
        format=FORMAT_VERSION,
        name=settings.name,
        version=settings.version,
        frame_rule=media.FRAME_RULE,
        inputs=inputs,
        settings=SceneSettingsRecord(**on_record(settings, work.judged)),
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
