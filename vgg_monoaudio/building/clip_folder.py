"""The directory of a benchmark of single clips: how it comes about, whatever its clips are and who listed them.

It has the form of a composed benchmark with one subset, `single`: a sample shows a clip, which lies on the disk once
under two names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from foundation.files import replacing
from foundation.locks import Lock
from foundation.work import Progress
from vgg_monoaudio.building import workplace
from vgg_monoaudio.building.asked import Asked
from vgg_monoaudio.building.manifests import write_manifests
from vgg_monoaudio.building.result import Build, Problem, absent, existing, unusable
from vgg_monoaudio.building.sources import absent_clips, cut_clips
from vgg_monoaudio.dataset import load_benchmark
from vgg_monoaudio.record import BuildRecord, finished_stages, write_record

SUBSET: Literal["single"] = "single"


@dataclass(frozen=True)
class Contents:
    """What a benchmark of single clips is to hold.

    Attributes:
        clips: clip ids, in the order of their list.
        files: clip id to its film, of those that there are.
        hashes: SHA-256 of each of these files.
        settings: as the record is to have them.
        inputs: fingerprint of everything that decides the result.
        cut: writes what the clip of an id and a file contributes, in a folder; raises `MediaError` where it cannot.
        describe: makes record and manifest of the clips that could be used, and of why the others could not.
    """

    clips: Sequence[str]
    files: Mapping[str, Path]
    hashes: Mapping[str, str]
    settings: Mapping[str, Any]
    inputs: str
    cut: Callable[[Path, str, Path], None]
    describe: Callable[[Path, Sequence[str], Sequence[Problem]], tuple[BuildRecord, pd.DataFrame]]


def build_clips(
    contents: Contents, out: Path, *, allow_missing: bool, overwrite: bool, workers: int | None, report: Progress
) -> Build:
    """Write the benchmark directory and return it; a build that was killed resumes where it stopped.

    Args:
        contents: what it is to hold.
        out: the benchmark directory.
        allow_missing: leave out clips that cannot be used instead of refusing to build.
        overwrite: replace a benchmark of other clips or settings.
        workers: clips cut at once; None takes one per core. The result does not depend on it.
        report: called as clips are done.

    Raises:
        BuildError: clips that cannot be used, none at all, or another benchmark at `out`.
        vgg_monoaudio.encoding.EncodingStopped: ffmpeg was killed, could not write or is not there; nothing is left out.
    """
    inputs, listed = contents.inputs, list(contents.clips)
    asked = Asked(contents.settings, listed, set(contents.hashes))
    there = partial(existing, out, inputs, allow_missing=allow_missing, overwrite=overwrite, asked=asked)
    built = there(quiet=True)
    if built is not None:
        return built
    with Lock(out):
        built = there()
        if built is not None:  # by the process that was waited for
            return built
        gone = absent_clips(listed, contents.files, contents.hashes)
        lost_all = len(gone) == len(listed)
        if gone and (lost_all or not allow_missing) and workplace.holds_other(out, inputs):
            raise absent(gone, len(listed))  # what a build of more clips left is not removed
        work = workplace.prepare(out, inputs)
        problems = cut_clips(
            listed, contents.files, lambda clip, file: contents.cut(work, clip, file),
            hashes=contents.hashes, workers=workers, done=lambda done: report("clips", done, len(listed)),
        )  # fmt: skip
        lost = {problem.clip_id for problem in problems}
        usable = [clip for clip in listed if clip not in lost]
        if not usable:
            shutil.rmtree(work)
        if not usable or (problems and not allow_missing):  # `allow_missing` goes on from here
            raise unusable(problems, len(listed))
        _remove(work, lost)
        record, manifest = contents.describe(work, usable, problems)
        write_manifests(work, {SUBSET: manifest})
        write_record(work, record.model_copy(update={"funnel": finished_stages(record)}))
        workplace.finish(work, out)
        return Build(load_benchmark(out), problems, reused=False)


def _remove(work: Path, clips: Iterable[str]) -> None:
    """Remove what was written of clips before it turned out that they cannot be used."""
    for clip in clips:
        for suffix in ("mp4", "wav"):
            (work / "sources" / f"{clip}.{suffix}").unlink(missing_ok=True)


def show(work: Path, clip: str, sample: str) -> None:
    """Give the film of a clip a second name, that of a sample: a hard link where the file system has them, else a copy.

    Args:
        work: the folder that holds `sources/`.
        clip: its id.
        sample: the sample's.
    """
    film, shown = work / "sources" / f"{clip}.mp4", work / SUBSET / "video" / f"{sample}.mp4"
    shown.parent.mkdir(parents=True, exist_ok=True)
    with replacing(shown) as temporary:
        try:
            os.link(film, temporary)
        except OSError:
            shutil.copyfile(film, temporary)
