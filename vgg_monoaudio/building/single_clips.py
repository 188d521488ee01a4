"""VGGSound's test split as a benchmark of single clips: nothing composed, the label is the prompt (Table D4).

The directory has the form of a composed benchmark with one subset, `single`, in which nothing stands beside the
target: paired columns and the side are empty. A sample's name is its clip id, as other tools name their outputs for
this split, so audio generated elsewhere can be scored with the model `recorded` as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from foundation import media
from foundation.files import PathLike, file_sha256, replacing
from foundation.work import Progress, in_parallel
from vgg_monoaudio import composition
from vgg_monoaudio.building import workplace
from vgg_monoaudio.building.scenes import Build, BuildError, Problem
from vgg_monoaudio.dataset import FORMAT_VERSION, MANIFEST_COLUMNS, load_benchmark

SUBSET = "single"
CATEGORY = "VGGSound"  # its 309 classes have no categories of Table B2


@dataclass(frozen=True)
class SingleSettings:
    """What decides the content, beside the clips.

    Attributes:
        name: in tables and run paths.
        version: of the content.
        duration_seconds: from the beginning of each clip; the field scores the first 8 of 10.
        soundtrack: the clip's own, so that a directory of this kind is read like the others.
    """

    name: str = "vggsound-test"
    version: str = "1.0"
    duration_seconds: float = composition.SECONDS
    soundtrack: Literal["target"] = "target"


def build_vggsound_test(
    listed: pd.DataFrame,
    clips: Mapping[str, Path],
    out: PathLike,
    settings: SingleSettings | None = None,
    *,
    allow_missing: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Build:
    """Write the benchmark directory and return it; a build that was killed goes on where it stopped.

    A silent clip is used like any other, as in the published evaluations: only what cannot be read, has no sound at
    all or is too short is left out.

    Args:
        listed: clips, `annotations.read_vggsound(...).rows`; only split "test" is used.
        clips: clip id to file, as `sources.find_clips` makes it.
        out: the benchmark directory.
        settings: content; first 8 s by default.
        allow_missing: leave out clips that cannot be used instead of refusing to build.
        overwrite: replace a benchmark of other clips or settings.
        workers: clips cut at once; None takes one a core. The result does not depend on it.
        progress: called as work is done.

    Raises:
        BuildError: clips that cannot be used, none at all, or another benchmark at `out`.
    """
    settings, out = settings or SingleSettings(), Path(out)
    report = progress or (lambda *_: None)
    labels = _labels(listed)
    inputs = _fingerprint(labels, clips, settings, workers, report)
    if (out / "benchmark.json").is_file() and not overwrite:
        return _reused(out, inputs, allow_missing)
    if out.exists() and not overwrite and any(out.iterdir()):
        raise BuildError(f"{out}: not empty and no benchmark; choose another folder")
    work = workplace.prepare(out, inputs)
    problems = _cut_all(labels, clips, work, settings, workers, report)
    lost = {problem.clip_id for problem in problems}
    usable = [clip for clip in labels if clip not in lost]
    if not usable or (problems and not allow_missing):
        shutil.rmtree(work)
        told = f"{len(problems)} of {len(labels)} clips cannot be used; pass --allow-missing to leave them out"
        raise BuildError(told, problems)
    _write_records(work, inputs, settings, {clip: labels[clip] for clip in usable}, problems)
    workplace.finish(work, out)
    return Build(load_benchmark(out), problems, reused=False)


def _labels(listed: pd.DataFrame) -> dict[str, str]:
    test = listed[listed["split"] == "test"].sort_values("clip_id")
    labels = dict(zip(test["clip_id"], test["label"], strict=True))
    if not labels:
        raise BuildError("the list holds no clip of the test split")
    return labels


def _fingerprint(
    labels: Mapping[str, str],
    clips: Mapping[str, Path],
    settings: SingleSettings,
    workers: int | None,
    report: Progress,
) -> str:
    """Return a hash of everything that decides the result: the list, the bytes of the clips, the settings."""
    here = [clip for clip in labels if clip in clips]
    staged = _staged(report, "reading", len(here))
    hashes = dict(in_parallel(lambda clip: file_sha256(clips[clip]), here, workers=workers, done=staged))
    files = {clip: hashes[place] for place, clip in enumerate(here)}
    text = json.dumps([FORMAT_VERSION, SUBSET, dict(labels), files, asdict(settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _reused(out: Path, inputs: str, allow_missing: bool) -> Build:
    benchmark = load_benchmark(out)
    if benchmark.record["inputs"] != inputs:
        raise BuildError(f"{out}: holds a benchmark of other clips or settings; pass --overwrite to replace it")
    problems = [Problem(**problem) for problem in benchmark.record["left_out"]]
    if problems and not allow_missing:
        raise BuildError(f"{out} was built without {len(problems)} clips; pass --allow-missing to take it", problems)
    return Build(benchmark, problems, reused=True)


def _cut_all(
    labels: Mapping[str, str],
    clips: Mapping[str, Path],
    work: Path,
    settings: SingleSettings,
    workers: int | None,
    report: Progress,
) -> list[Problem]:
    """Write what every clip contributes; return the problems in the order of clip ids."""

    def cut(clip: str) -> Problem | None:
        if clip not in clips:
            return Problem(clip, f"{clip}: no file of that name in the folder of clips")
        try:
            _cut(clips[clip], work, clip, settings.duration_seconds)
        except media.MediaError as error:
            return Problem(clip, f"{error.path.name}: {error.reason}")
        return None

    found = dict(in_parallel(cut, list(labels), workers=workers, done=_staged(report, "clips", len(labels))))
    return [problem for _, problem in sorted(found.items()) if problem is not None]


def _cut(clip: Path, work: Path, name: str, seconds: float) -> None:
    source, sound = work / "sources" / f"{name}.mp4", work / "sources" / f"{name}.wav"
    if not sound.is_file():
        composition.cut(clip, source, duration=seconds)
        rate = composition.SAMPLE_RATE
        waveform = media.read_audio(clip, sample_rate=rate, seconds=seconds)
        if waveform.size < round(rate * seconds):
            raise media.MediaError(clip, f"too short: {waveform.size / rate:.2f} s of audio, {seconds:g} s needed")
        media.write_audio(sound, waveform, rate)
    video = work / SUBSET / "video" / f"{name}.mp4"
    if not video.is_file():
        _same_file(source, video)


def _same_file(source: Path, other: Path) -> None:
    """Give a file a second name: a hard link where the file system has them, a copy where not."""
    other.parent.mkdir(parents=True, exist_ok=True)
    with replacing(other) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def _write_records(
    work: Path, inputs: str, settings: SingleSettings, labels: Mapping[str, str], problems: Sequence[Problem]
) -> None:
    videos = {clip: file_sha256(work / SUBSET / "video" / f"{clip}.mp4") for clip in labels}
    rows = [(clip, label, "", clip, "", CATEGORY, "", "", videos[clip]) for clip, label in labels.items()]
    with replacing(work / SUBSET / "manifest.csv") as temporary:
        pd.DataFrame(rows, columns=pd.Index(MANIFEST_COLUMNS)).to_csv(temporary, index=False, lineterminator="\n")
    record: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "kind": "vggsound-test",
        "name": settings.name,
        "version": settings.version,
        "inputs": inputs,
        "settings": asdict(settings),
        "counts": {
            "clips_listed": len(labels) + len(problems), "clips": len(labels), "inter": 0, "intra": 0,
            SUBSET: len(labels),
        },
        "sources": [
            {"clip_id": clip, "label": label, "category": CATEGORY,
             "sha256": file_sha256(work / "sources" / f"{clip}.wav"), "video_sha256": videos[clip]}
            for clip, label in labels.items()
        ],
        "left_out": [asdict(problem) for problem in problems],
        "intra_dropped": [],
    }  # fmt: skip
    with replacing(work / "benchmark.json") as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _staged(report: Progress, stage: str, total: int) -> Callable[[int], None]:
    return lambda done: report(stage, done, total)
