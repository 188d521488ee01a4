"""From a list of clips to a benchmark directory, byte for byte the same wherever it is built.

Work happens in `<out>.building`, which becomes `<out>` by one rename when everything in it is made and checked. A
build that was killed resumes where it stopped. One that is refused keeps what was cut where another command line can go
on with it (`--allow-missing`, `--reserves`), and does not touch what an earlier build left.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from foundation import media
from foundation.files import PathLike
from foundation.locks import Lock
from foundation.work import Progress
from vgg_monoaudio.building import workplace
from vgg_monoaudio.building.asked import Asked
from vgg_monoaudio.building.manifests import Chosen, choose_scenes, write_manifests
from vgg_monoaudio.building.result import Build, BuildError, Problem, absent, existing, unusable
from vgg_monoaudio.building.scene_files import Work, compose_all, cut_sources
from vgg_monoaudio.building.settings import Settings, inputs_of, recorded_settings, with_substitutes
from vgg_monoaudio.building.sources import absent_clips, hash_clips, source_records
from vgg_monoaudio.building.substitutes import (
    find_substitutes,
    foreseen,
    out_of_reach,
    reserve_rows,
    version_of_set,
    without_substitute,
)
from vgg_monoaudio.dataset import Subset, load_benchmark
from vgg_monoaudio.pairing import JudgedPairs
from vgg_monoaudio.record import (
    FORMAT_VERSION,
    BenchmarkError,
    BuildRecord,
    CountsRecord,
    LeftOutRecord,
    ReplacedRecord,
    SceneSettingsRecord,
    StageRecord,
    check_stages,
    finished_stages,
    read_record,
    write_record,
)

__all__ = ["Build", "BuildError", "Problem", "Settings", "build_benchmark"]


_KEPT = ("clip_id", "label", "category")


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
    said = recorded_settings(settings, judged)
    starts = {row["clip_id"]: float(row["start_seconds"]) for row in pool}
    work = Work(
        folder=out, inputs=inputs_of(rows, hashes, said), rows=rows, reserves=spare, clips=clips, hashes=hashes,
        starts=starts, settings=settings, judged=judged, funnel=funnel, workers=workers,
        report=progress or (lambda *_: None),
    )  # fmt: skip
    there = partial(
        existing, out, allow_missing=allow_missing, overwrite=overwrite,
        asked=Asked(said, [row["clip_id"] for row in rows], set(hashes)),
    )  # fmt: skip
    built = there(_foreseen(work, out, overwrite=overwrite), quiet=True)
    if built is not None:
        return built
    with Lock(out):
        built = there(_foreseen(work, out, overwrite=overwrite))
        if built is not None:  # by the process that was waited for
            return built
        _check_there(work, out, allow_missing=allow_missing)
        folder = workplace.prepare(out, work.inputs)
        return _build(replace(work, folder=folder), out, allow_missing=allow_missing)


def _foreseen(work: Work, out: Path, *, overwrite: bool) -> str:
    """Return the fingerprint of what would be built at `out`, as far as a benchmark that is there depends on it."""
    if overwrite or not work.reserves:
        return work.inputs
    try:
        record = read_record(out)
    except BenchmarkError:
        return work.inputs
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as place:
        cut = partial(cut_sources, replace(work, folder=Path(place)), stage="substitutes")
        return foreseen(record, work.inputs, (work.rows, work.reserves), work.hashes, cut)


def _check_there(work: Work, out: Path, *, allow_missing: bool) -> None:
    """Refuse before what a build of more clips left is removed, where files are not there.

    Raises:
        BuildError: clips that are not there and may not be left out, or none at all is there.
    """
    if not workplace.holds_other(out, work.inputs):
        return
    gone = absent_clips([row["clip_id"] for row in work.rows], work.clips, work.hashes)
    spare = work.reserves or ()
    short = out_of_reach(work.rows, gone, spare, work.hashes)
    if not short or (allow_missing and work.hashes):
        return
    if work.reserves is not None:
        used = [row["clip_id"] for row in spare if row["clip_id"] in work.hashes]
        raise without_substitute(work.rows, short, spare, there=work.hashes, used=used)
    raise absent(short, len(work.rows))


def _build(work: Work, out: Path, *, allow_missing: bool) -> Build:
    """Cut, choose, compose and record, and give the folder its name."""
    listed = [row["clip_id"] for row in work.rows]
    workplace.keep_sources_of(work.folder, listed)
    problems, replaced = _cut_all(work, listed)
    usable = _usable(work, problems, replaced)
    if not usable:
        shutil.rmtree(work.folder)
    if problems and not allow_missing:  # what is cut is kept: `allow_missing` or reserves go on from here
        if work.reserves is not None:
            used = [clip.by for clip in replaced]
            raise without_substitute(work.rows, problems, work.reserves, there=work.hashes, used=used)
        raise unusable(problems, len(work.rows))
    table, settings = pd.DataFrame(usable, columns=pd.Index(_KEPT)), work.settings
    try:
        chosen = choose_scenes(table, inter_pairs=settings.inter_pairs, seed=settings.seed, judged=work.judged)
    except (BuildError, ValueError):  # of these clips and settings in any case: nothing could go on from here
        shutil.rmtree(work.folder, ignore_errors=True)
        raise
    made_of = with_substitutes(work.inputs, replaced, work.reserves or (), work.hashes)
    workplace.keep_scenes_of(work.folder, made_of, get_args(Subset))
    compose_all(chosen.manifests, work)
    write_manifests(work.folder, chosen.manifests)
    record = _record(work, made_of, usable, problems, replaced, chosen)
    write_record(work.folder, record.model_copy(update={"funnel": finished_stages(record, work.funnel)}))
    workplace.finish(work.folder, out)
    return Build(load_benchmark(out), problems, reused=False)


def _cut_all(work: Work, listed: Sequence[str]) -> tuple[list[Problem], tuple[ReplacedRecord, ...]]:
    """Cut the clips of the list, and reserves for those that are no use; return what is left, and who is replaced."""
    problems = cut_sources(work, listed, "sources")
    if not problems or not work.reserves:
        return problems, ()
    replaced = find_substitutes(work.rows, problems, work.reserves, partial(cut_sources, work, stage="substitutes"))
    in_place = {clip.clip_id for clip in replaced}
    return [problem for problem in problems if problem.clip_id not in in_place], replaced


def _usable(work: Work, problems: Sequence[Problem], replaced: Sequence[ReplacedRecord]) -> list[dict[str, str]]:
    """Return the rows of the clips that scenes are made of, by clip id."""
    gone = {problem.clip_id for problem in problems} | {clip.clip_id for clip in replaced}
    substitutes = {clip.by for clip in replaced}
    rows = [row for row in work.rows if row["clip_id"] not in gone]
    rows += [row for row in work.reserves or () if row["clip_id"] in substitutes]
    return sorted(({key: str(row[key]) for key in _KEPT} for row in rows), key=lambda row: row["clip_id"])


def _record(
    work: Work,
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
