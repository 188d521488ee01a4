"""`benchmark.json`: what a benchmark directory was built from, and what came of it.

The JSON Schema in `docs/schemas/benchmark.schema.json` is exported from `BuildRecord`; `FORMAT_VERSION` moves when a
field changes its meaning or goes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from foundation.files import write_text
from foundation.paths import FileName, FolderName, check_name
from foundation.records import Record, read_bounded, what_is_wrong
from vgg_monoaudio.composition import Fit, Soundtrack
from vgg_monoaudio.encoding import Encoder

FORMAT_VERSION: Literal[1] = 1
MOST_SECONDS = 3600  # of a scene; the field scores 8 to 10 s
RECORD_NAME = "benchmark.json"
SINGLE_CLIPS: Literal["vggsound-test"] = "vggsound-test"
Kind = Literal[
    "vggsound-test",
    "vggsound-tvc",
    "foleybench",
    "kling-audio-eval",
    "movie-gen-audio-bench",
    "vintage-bench",
    "greatest-hits",
    "own-list",
]
OwnSound = Literal["target", "paired", "none"]  # what the sound of a clip is to its sample


class BenchmarkError(Exception):
    """A benchmark directory that is absent, unfinished or not of the form this version reads."""


class SceneSettingsRecord(Record):
    """The settings of a benchmark of composed scenes."""

    name: str = ""
    version: str = ""
    seed: int = Field(default=0, description="of the inter-class sample and of the sides")
    inter_pairs: int | None = Field(default=None, description="inter-class scenes asked for; null: 560 or all")
    fit: Fit = Field(default="stretch", description="how a clip comes to half a scene")
    soundtrack: Soundtrack = Field(default="mixture", description="of a scene")
    duration_seconds: int | float = Field(gt=0, le=MOST_SECONDS)
    side_rule: str | None = Field(
        default=None,
        description="how the target's sides were chosen: balanced, half left and half right of each subset and target "
        "category; absent: a hash of each pair",
    )
    judged_pairs_sha256: str | None = Field(
        default=None, description="of the file of verdicts on intra-class pairs; absent: the table of relations alone"
    )
    subsumption_sha256: str | None = Field(
        default=None,
        description="of the pairs of labels in the table of relations that dropped intra-class pairs; absent: that of "
        "release 0.1.0",
    )
    encoder: Encoder = Field(
        default="ffmpeg", description="what wrote the films: PyAV's libraries, or an ffmpeg program; absent: ffmpeg"
    )


class SingleSettingsRecord(Record):
    """The settings of a benchmark of single clips."""

    name: str
    version: str
    duration_seconds: int | float = Field(gt=0, le=MOST_SECONDS, description="from the beginning of each clip")
    soundtrack: Literal["target"]
    encoder: Encoder = Field(
        default="ffmpeg", description="what wrote the films: PyAV's libraries, or an ffmpeg program; absent: ffmpeg"
    )


class ListSettingsRecord(Record):
    """The settings of a benchmark of clips with prompts of their own: a public one, or a list."""

    name: str
    version: str
    duration_seconds: int | float = Field(gt=0, le=MOST_SECONDS, description="from the beginning of each clip")
    soundtrack: Literal["none"] = Field(description="of the films: a model must not hear what it is asked for")
    part: str = Field(description="of a benchmark that has several; empty where it has one")
    own_sound: OwnSound = Field(
        description="what the sound of a clip is: the one asked for (target), one that is not asked for (paired), or "
        "nothing that an answer is compared with (none)"
    )
    list_sha256: str = Field(description="of the file that lists the samples")
    encoder: Encoder = Field(
        default="ffmpeg", description="what wrote the films: PyAV's libraries, or an ffmpeg program; absent: ffmpeg"
    )


_SettingsRecord = SceneSettingsRecord | SingleSettingsRecord | ListSettingsRecord


class CountsRecord(Record):
    """How many clips came through, and how many samples and pairs they made."""

    clips_listed: int = Field(default=0, ge=0)
    clips: int = Field(default=0, ge=0, description="those that can be used")
    inter: int = Field(default=0, ge=0, description="samples of this subset")
    intra: int = Field(default=0, ge=0, description="samples of this subset")
    single: int = Field(default=0, ge=0, description="samples of this subset")
    inter_pool: int = Field(default=0, ge=0, description="inter-class pairs that the clips make")
    intra_pool: int = Field(default=0, ge=0, description="intra-class pairs that the clips make")


class SourceRecord(Record):
    """A clip that is in the benchmark."""

    clip_id: FileName
    label: str
    category: str
    sha256: str | None = Field(default=None, description="of its sound, sources/<clip_id>.wav; absent: it has none")
    video_sha256: str | None = Field(default=None, description="of its picture, sources/<clip_id>.mp4")
    silence_filled_seconds: float | None = Field(
        default=None, gt=0, description="without sound in the clip's file, silent here; absent: none"
    )
    picture_held_seconds: float | None = Field(
        default=None, gt=0, description="without picture in the clip's file, the nearest frame here; absent: none"
    )
    onset_seconds: tuple[float, ...] | None = Field(
        default=None, description="when its sounds start, as people annotated it; absent: nobody did"
    )


class LeftOutRecord(Record):
    """A clip on the list that cannot be used."""

    clip_id: str
    reason: str


class ReplacedRecord(Record):
    """A clip on the list that cannot be used, and the one of its reserves that is in its place."""

    clip_id: str
    label: str
    reason: str = Field(description="why the clip on the list cannot be used")
    by: str = Field(description="clip id of the substitute, which is among the sources")
    rank: int = Field(ge=1, description="of the substitute among its label's reserves; others before it were no use")
    conflict: str = Field(
        default="",
        description="how VGGSound contradicts the substitute's label, as the list of reserves states it; absent: not",
    )


class DroppedPairRecord(Record):
    """An intra-class pair whose prompt names the other sound too."""

    target_id: str
    paired_id: str
    reason: str


class StageRecord(Record):
    """A stage of the funnel from all clips to those of the benchmark."""

    stage: str
    clips: int
    dropped: int
    why: str


class BuildRecord(Record):
    """`benchmark.json`: the inputs of a benchmark, its clips, its counts, and what is not in it."""

    format: Literal[1]
    kind: Kind | None = Field(default=None, description="of single clips; absent: composed scenes")
    name: FolderName  # runs are kept in a folder of that name
    version: str
    frame_rule: str | None = Field(
        default=None,
        description="how picture and sound of a clip were put in step; absent: each stream was moved to zero by itself",
    )
    inputs: str = Field(default="", description="SHA-256 over the list, the bytes of the clips and the settings")
    settings: _SettingsRecord
    counts: CountsRecord
    sources: tuple[SourceRecord, ...] = Field(description="every clip once, by id")
    left_out: tuple[LeftOutRecord, ...] = ()
    replaced: tuple[ReplacedRecord, ...] = Field(default=(), description="clips in whose place a reserve is")
    intra_dropped: tuple[DroppedPairRecord, ...] = ()
    funnel: tuple[StageRecord, ...] = Field(
        default=(), description="from all clips to those that can be used; absent: not written yet"
    )

    @field_validator("settings", mode="before")
    @classmethod
    def _of_its_kind(cls, given: Any, info: ValidationInfo) -> _SettingsRecord:
        """Read settings as those of the record's kind: which of them were written was not the same in every release."""
        kind = info.data.get("kind")
        if kind is None:
            return SceneSettingsRecord.model_validate(given)
        if kind == SINGLE_CLIPS:
            return SingleSettingsRecord.model_validate(given)
        return ListSettingsRecord.model_validate(given)

    @property
    def own_sound(self) -> OwnSound:
        """What the sound of a clip is to a sample that asks for something: the target's, the paired one's, or none."""
        return self.settings.own_sound if isinstance(self.settings, ListSettingsRecord) else "target"

    @property
    def listed(self) -> frozenset[str]:
        """Ids of the clips on the list, whether they could be used or not; substitutes are not on it."""
        substitutes = {clip.by for clip in self.replaced}
        used = {source.clip_id for source in self.sources} - substitutes
        gone = {clip.clip_id for clip in self.left_out} | {clip.clip_id for clip in self.replaced}
        return frozenset(used | gone)


USABLE = "clips that can be used"


def finished_stages(record: BuildRecord, before: Sequence[StageRecord] = ()) -> tuple[StageRecord, ...]:
    """Return the funnel that ends with a benchmark's usable clips, each clip that is not one with its reason.

    Args:
        record: with counts and the clips left out.
        before: the stages that led to its list; none where they are not known.

    Raises:
        ValueError: see `check_stages`; or they end with the usable clips already.
    """
    listed = record.counts.clips_listed
    check_stages(before, listed)
    stages = tuple(before) or (StageRecord(stage="clips on the list", clips=listed, dropped=0, why=""),)
    if any(stage.stage == USABLE for stage in stages):
        raise ValueError(f"funnel: stage {USABLE!r} is there already")
    gone = [_named(left) for left in record.left_out]
    gone += [f"{_named(clip)}, replaced by {clip.by}" for clip in record.replaced]
    why = "; ".join(gone)
    clips = record.counts.clips
    return (*stages, StageRecord(stage=USABLE, clips=clips, dropped=listed - clips, why=why))


def _named(gone: LeftOutRecord | ReplacedRecord) -> str:
    """Return why a clip cannot be used, with its id once: most reasons begin with the id, or the clip's file."""
    begins = Path(gone.reason.partition(": ")[0])
    return gone.reason if gone.clip_id in (str(begins), begins.stem) else f"{gone.clip_id}: {gone.reason}"


def check_stages(before: Sequence[StageRecord], listed: int) -> None:
    """Refuse stages that do not lead to a list of so many clips.

    Raises:
        ValueError: the last of them has another number of clips.
    """
    if before and before[-1].clips != listed:
        raise ValueError(
            f"funnel: its last stage has {before[-1].clips} clips, the list has {listed}; it belongs to another list"
        )


def check_benchmark_name(name: str) -> None:
    """Refuse a name of a benchmark that cannot name a folder: its runs are kept in one.

    Raises:
        ValueError: gives the name and what is wrong with it.
    """
    try:
        check_name(name, "folder")
    except ValueError as error:
        raise ValueError(f"name: {error}") from error


def read_record(folder: Path) -> BuildRecord:
    """Return the record of a benchmark directory, of any form that format 1 has had.

    Raises:
        BenchmarkError: no record there, another format, a field that is missing, unknown or of another type, or a name
            that cannot name a folder.
    """
    file = folder / RECORD_NAME
    if not file.is_file():
        there = "no such folder" if not folder.exists() else f"no {RECORD_NAME} in it"
        raise BenchmarkError(f"{folder}: no benchmark there ({there}); `make build-benchmark OUT={folder}` builds one")
    try:
        content = json.loads(read_bounded(file).decode("utf-8-sig"))
    except ValueError as error:  # not JSON, not UTF-8, too large, or a number of too many digits
        raise BenchmarkError(f"{file}: not a benchmark record ({error})") from error
    except RecursionError as error:
        raise BenchmarkError(f"{file}: not a benchmark record (nested too deeply)") from error
    if not isinstance(content, dict) or "format" not in content:
        raise BenchmarkError(f"{file}: not a benchmark record (it names no format)")
    found = content["format"]
    if type(found) is not int or found != FORMAT_VERSION:  # True and 1.0 equal 1
        raise BenchmarkError(f"{file}: format {found!r}, this version reads {FORMAT_VERSION}")
    try:
        return BuildRecord.model_validate(content)
    except ValidationError as error:
        raise BenchmarkError(f"{file}: {what_is_wrong(error)}; build the benchmark again") from error


def write_record(folder: Path, record: BuildRecord) -> None:
    """Write the record of a benchmark directory, whole or not at all."""
    write_text(folder / RECORD_NAME, json.dumps(record.content(), indent=2, ensure_ascii=False) + "\n")
