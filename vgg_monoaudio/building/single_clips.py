"""VGGSound's test split as a benchmark of single clips: nothing composed, the label is the prompt (Table D4).

The directory has the form of a composed benchmark with one subset, `single`, without a second clip: the paired columns
and the side are empty. A sample is named by its clip id, as other tools name their outputs for
this split, so audio generated elsewhere can be scored with the model `recorded` as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from foundation import media
from foundation.files import PathLike, fingerprint
from foundation.work import Progress
from vgg_monoaudio import composition
from vgg_monoaudio.building import workplace
from vgg_monoaudio.building.clip_folder import SUBSET, Contents, build_clips, show
from vgg_monoaudio.building.result import Build, BuildError, Problem
from vgg_monoaudio.building.sources import hash_clips, source_records, whole_sound
from vgg_monoaudio.dataset import MANIFEST_COLUMNS
from vgg_monoaudio.encoding import encoder_on_record
from vgg_monoaudio.record import (
    FORMAT_VERSION,
    SINGLE_CLIPS,
    BuildRecord,
    CountsRecord,
    LeftOutRecord,
    SingleSettingsRecord,
    check_benchmark_name,
)

CATEGORY = "VGGSound"  # its 309 classes have no categories of Table B2


@dataclass(frozen=True)
class SingleSettings:
    """What decides the content, apart from the clips.

    Attributes:
        name: in tables and run paths.
        version: of the content.
        duration_seconds: from the beginning of each clip; the field scores the first 8 of 10.
        soundtrack: the clip's own, so that the directory is read like the others.

    Raises:
        ValueError: a name that is not that of one folder.
    """

    name: str = "vggsound-test"
    version: str = "1.0"
    duration_seconds: float = composition.SECONDS
    soundtrack: Literal["target"] = "target"

    def __post_init__(self) -> None:
        """Refuse a name that no folder of runs can have."""
        check_benchmark_name(self.name)


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
    """Write the benchmark directory and return it; a build that was killed resumes where it stopped.

    A silent clip is used like any other, as in the published evaluations: only what cannot be read, has no sound at
    all or is too short is left out.

    Args:
        listed: clips, `vgg_monoaudio.selection.annotations.read_vggsound(...).rows`; only split "test" is used.
        clips: clip id to file, as `vgg_monoaudio.collecting.clips.find_clips` makes it.
        out: the benchmark directory.
        settings: content; first 8 s by default.
        allow_missing: leave out clips that cannot be used instead of refusing to build.
        overwrite: replace a benchmark of other clips or settings.
        workers: clips cut at once; None takes one per core. The result does not depend on it.
        progress: called as work is done.

    Raises:
        BuildError: clips that cannot be used, none at all, or another benchmark at `out`.
        vgg_monoaudio.encoding.EncodingStopped: ffmpeg was killed, could not write or is not there; nothing is left out.
    """
    settings, out = settings or SingleSettings(), workplace.destination(out, workers)
    labels = _labels(listed)
    report = progress or (lambda *_: None)
    here = sum(clip in clips for clip in labels)
    files = hash_clips(list(labels), clips, workers=workers, done=lambda done: report("reading", done, here))

    def describe(work: Path, usable: Sequence[str], problems: Sequence[Problem]) -> tuple[BuildRecord, pd.DataFrame]:
        record = _record(work, inputs, settings, {clip: labels[clip] for clip in usable}, clips, problems, workers)
        return record, _manifest(record)

    said = {**asdict(settings), **encoder_on_record()}
    inputs = fingerprint([FORMAT_VERSION, SUBSET, labels, files, said])
    contents = Contents(
        clips=list(labels), files=clips, hashes=files, settings=said, inputs=inputs, describe=describe,
        cut=lambda work, clip, file: _cut(file, work, clip, settings.duration_seconds),
    )  # fmt: skip
    return build_clips(contents, out, allow_missing=allow_missing, overwrite=overwrite, workers=workers, report=report)


def _labels(listed: pd.DataFrame) -> dict[str, str]:
    test = listed[listed["split"] == "test"].sort_values("clip_id")
    labels = dict(zip(test["clip_id"], test["label"], strict=True))
    if not labels:
        raise BuildError("the list holds no clip of the test split")
    return labels


def _cut(clip: Path, work: Path, name: str, seconds: float) -> None:
    source, sound = work / "sources" / f"{name}.mp4", work / "sources" / f"{name}.wav"
    if not (media.is_whole(sound) and media.is_whole(source)):
        composition.cut(clip, source, duration=seconds)
        media.write_audio(sound, whole_sound(clip, seconds=seconds), composition.SAMPLE_RATE)
    if not media.is_whole(work / SUBSET / "video" / f"{name}.mp4"):
        show(work, name, name)


def _record(
    work: Path,
    inputs: str,
    settings: SingleSettings,
    labels: Mapping[str, str],
    clips: Mapping[str, Path],
    problems: Sequence[Problem],
    workers: int | None,
) -> BuildRecord:
    rows = [{"clip_id": clip, "label": label, "category": CATEGORY} for clip, label in labels.items()]
    return BuildRecord(
        format=FORMAT_VERSION,
        kind=SINGLE_CLIPS,
        name=settings.name,
        version=settings.version,
        frame_rule=media.FRAME_RULE,
        inputs=inputs,
        settings=SingleSettingsRecord(**asdict(settings), **encoder_on_record()),
        counts=CountsRecord(
            clips_listed=len(labels) + len(problems), clips=len(labels), inter=0, intra=0, single=len(labels)
        ),
        sources=source_records(work, rows, clips, seconds=settings.duration_seconds, workers=workers),
        left_out=tuple(LeftOutRecord(**asdict(problem)) for problem in problems),
        intra_dropped=(),
    )


def _manifest(record: BuildRecord) -> pd.DataFrame:
    """A sample per source: the scene is the source, so their hashes are the same."""
    rows = [
        (source.clip_id, source.label, "", source.clip_id, "", source.category, "", "", source.video_sha256)
        for source in record.sources
    ]
    return pd.DataFrame(rows, columns=pd.Index(MANIFEST_COLUMNS))
