"""Readers of what others annotated: VGGSound's clip lists, UnAV-100's events and where UnAV-100 cut its videos.

A row that cannot be read is never dropped in silence: each reader returns, beside its table, a table of problems with
the file, the line, what is wrong and the text found there.
"""

import csv
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

WINDOW_SECONDS = 10  # every VGGSound clip is 10 s of its video
SUBSETS = ("train", "validation", "test")  # of UnAV-100
LATE_SECONDS = 1.0  # how far an UnAV-100 event may reach beyond its video: durations are rounded there

CLIP_COLUMNS = {"clip_id": "str", "youtube_id": "str", "start_seconds": "int64", "label": "str", "split": "str"}
VIDEO_COLUMNS = {"youtube_id": "str", "subset": "str", "duration_seconds": "float64"}
EVENT_COLUMNS = {
    "youtube_id": "str",
    "start_seconds": "float64",
    "end_seconds": "float64",
    "label": "str",
    "label_id": "int64",
}
TRIM_COLUMNS = {"youtube_id": "str", "start_seconds": "float64", "end_seconds": "float64"}
PROBLEM_COLUMNS = {"file": "str", "line": "int64", "reason": "str", "text": "str"}

_YOUTUBE_ID = r"[A-Za-z0-9_-]{11}"
_CLIP_ID = re.compile(rf"({_YOUTUBE_ID})_(\d{{6}})")
_FILE_RANGE = re.compile(rf"({_YOUTUBE_ID})_(\d+)_(\d+)")


class BadAnnotations(Exception):
    """A file that is not of the expected form as a whole."""


@dataclass(frozen=True)
class AnnotationTable:
    """A list as read.

    Attributes:
        rows: the well-formed rows, typed.
        problems: the others, columns `PROBLEM_COLUMNS`.
    """

    rows: pd.DataFrame
    problems: pd.DataFrame


@dataclass(frozen=True)
class UnAV100:
    """UnAV-100 as read.

    Attributes:
        videos: one row a video, columns `VIDEO_COLUMNS`.
        events: one row an event, columns `EVENT_COLUMNS`; seconds from the start of the (trimmed) video.
        problems: videos that are left out because they or one of their events are malformed.
    """

    videos: pd.DataFrame
    events: pd.DataFrame
    problems: pd.DataFrame


def clip_id(youtube_id: str, start_seconds: int) -> str:
    """Return VGGSound's name of a clip, such as `3qesirWAGt4_000020`.

    Raises:
        ValueError: not an 11-character YouTube id, or a start outside 0..999999 s.
    """
    if not re.fullmatch(_YOUTUBE_ID, youtube_id):
        raise ValueError(f"youtube_id: expected 11 letters, digits, '_' or '-', got {youtube_id!r}")
    if not 0 <= start_seconds <= 999_999:
        raise ValueError(f"start_seconds: expected 0 to 999999, got {start_seconds} for {youtube_id}")
    return f"{youtube_id}_{start_seconds:06d}"


def split_clip_id(name: str) -> tuple[str, int]:
    """Return YouTube id and start in seconds of a clip id; the id may itself contain `_` and `-`.

    Raises:
        ValueError: `name` is not of the form `3qesirWAGt4_000020`.
    """
    match = _CLIP_ID.fullmatch(name)
    if match is None:
        raise ValueError(f"clip id: expected 11 characters, '_' and six digits, got {name!r}")
    return match[1], int(match[2])


def clip_id_from_file_name(name: str) -> str:
    """Return the clip id that a media file's name carries, whichever of the three usual layouts it follows.

    The layouts are `ID_000030.mp4` (start in seconds), `ID_30_40.mp4` (start and end in seconds) and
    `ID_30000_40000.mp4` (both in milliseconds); any suffix goes.

    Raises:
        ValueError: another layout, or a range that is not the 10 s of a VGGSound clip.
    """
    stem = Path(name).stem
    if _CLIP_ID.fullmatch(stem):
        return stem
    match = _FILE_RANGE.fullmatch(stem)
    if match is None:
        raise ValueError(f"file name: expected ID_000030, ID_30_40 or ID_30000_40000 before the suffix, got {name!r}")
    start, end = int(match[2]), int(match[3])
    if end - start == WINDOW_SECONDS:
        return clip_id(match[1], start)
    if end - start == WINDOW_SECONDS * 1000 and start % 1000 == 0:
        return clip_id(match[1], start // 1000)
    raise ValueError(f"file name: expected a range of {WINDOW_SECONDS} s or {WINDOW_SECONDS * 1000} ms, got {name!r}")


def read_vggsound(path: str | Path, *, split: str = "test") -> AnnotationTable:
    """Return VGGSound's clips from either public form of its list.

    The forms are `youtube_id,start,label,split` and `ID_000030.mp4,label`, both without a header. The first readable
    row decides which one the file follows; a row of the other form is a problem.

    Args:
        path: the CSV file.
        split: what the column split says for the short form, which has none.

    Returns:
        Rows with `CLIP_COLUMNS` in the order of the file; a clip listed again is a problem.
    """
    path = Path(path)
    rows: list[tuple[Any, ...]] = []
    problems: list[tuple[Any, ...]] = []
    width = 0
    seen: set[str] = set()
    for line, text, fields in _csv_rows(path):
        try:
            row = _vggsound_row(fields, width, split)
            if row[0] in seen:
                raise ValueError(f"clip {row[0]} is listed before")
        except ValueError as error:
            problems.append((path.name, line, str(error), text))
            continue
        width = len(fields)
        seen.add(row[0])
        rows.append(row)
    return AnnotationTable(_table(rows, CLIP_COLUMNS), _table(problems, PROBLEM_COLUMNS))


def read_trims(path: str | Path) -> AnnotationTable:
    """Return where UnAV-100 cut each video: `download_video.csv`, rows `youtube_id,t_start,t_end` without a header.

    Returns:
        Rows with `TRIM_COLUMNS`, seconds of the video as it is on YouTube.
    """
    path = Path(path)
    rows: list[tuple[Any, ...]] = []
    problems: list[tuple[Any, ...]] = []
    seen: set[str] = set()
    for line, text, fields in _csv_rows(path):
        try:
            row = _trim_row(fields)
            if row[0] in seen:
                raise ValueError(f"video {row[0]} is listed before")
        except ValueError as error:
            problems.append((path.name, line, str(error), text))
            continue
        seen.add(row[0])
        rows.append(row)
    return AnnotationTable(_table(rows, TRIM_COLUMNS), _table(problems, PROBLEM_COLUMNS))


def read_unav100(path: str | Path) -> UnAV100:
    """Return the videos and events of UnAV-100's annotation file.

    The form is `{"database": {youtube_id: {"subset", "duration", "annotations": [{"segment": [s, e], "label",
    "label_id"}]}}}`. A video with one malformed event is left out whole, because the number of its events is unknown.

    Raises:
        BadAnnotations: not JSON, a key twice in one object, or no object "database".

    Source:
        UnAV-100 (Geng et al. 2023, arXiv:2303.12930).
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8-sig")
    try:
        content = json.loads(text, object_pairs_hook=_object_without_repeats)
    except ValueError as error:
        raise BadAnnotations(f"{path}: {error}") from error
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict):
        raise BadAnnotations(f'{path}: expected an object with an object "database" in it')
    videos: list[tuple[Any, ...]] = []
    events: list[tuple[Any, ...]] = []
    problems: list[tuple[Any, ...]] = []
    names: dict[int, str] = {}
    for youtube_id, entry in database.items():
        try:
            video, its_events = _unav_video(youtube_id, entry, names)
        except ValueError as error:
            line = text.count("\n", 0, text.find(json.dumps(youtube_id))) + 1
            problems.append((path.name, line, str(error), youtube_id))
            continue
        videos.append(video)
        events.extend(its_events)
    return UnAV100(_table(videos, VIDEO_COLUMNS), _table(events, EVENT_COLUMNS), _table(problems, PROBLEM_COLUMNS))


def describe_problems(problems: pd.DataFrame) -> list[str]:
    """Return one line of text a problem: `file:line: reason: text`."""
    return [
        f"{file}:{line}: {reason}: {text!r}"
        for file, line, reason, text in problems[list(PROBLEM_COLUMNS)].itertuples(index=False)
    ]


def _csv_rows(path: Path) -> list[tuple[int, str, list[str]]]:
    """Return line number, text and fields of each line; a line that is not CSV comes with no fields.

    No field of these files spans lines, so each line is parsed by itself: a stray quote spoils its own line only.
    """
    rows = []
    for line, text in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        try:
            fields = next(csv.reader([text], strict=True), [])
        except csv.Error:
            fields = []
        rows.append((line, text, fields))
    return rows


def _vggsound_row(fields: Sequence[str], width: int, split: str) -> tuple[str, str, int, str, str]:
    if len(fields) not in (2, 4) or (width and len(fields) != width):
        wanted = f"{width} fields, as in the rows before" if width else "2 or 4 fields"
        raise ValueError(f"expected {wanted}, found {len(fields)}")
    if len(fields) == 2:
        name, label = fields
        if not name.endswith(".mp4"):
            raise ValueError(f"expected a name ending in .mp4, found {name!r}")
        youtube_id, start = split_clip_id(name.removesuffix(".mp4"))
    else:
        youtube_id, seconds, label, split = fields
        if not re.fullmatch(r"\d{1,6}", seconds):
            raise ValueError(f"expected the start in whole seconds, found {seconds!r}")
        start = int(seconds)
        if split not in ("train", "test"):
            raise ValueError(f"expected split train or test, found {split!r}")
    if not label.strip():
        raise ValueError("the label is empty")
    return clip_id(youtube_id, start), youtube_id, start, label, split


def _trim_row(fields: Sequence[str]) -> tuple[str, float, float]:
    if len(fields) != 3:
        raise ValueError(f"expected 3 comma-separated fields, found {len(fields)}")
    _check_youtube_id(fields[0])
    try:
        start, end = float(fields[1]), float(fields[2])
    except ValueError:
        raise ValueError(f"expected start and end in seconds, found {fields[1]!r}, {fields[2]!r}") from None
    if not 0 <= start < end < math.inf:
        raise ValueError(f"expected 0 <= start < end, found {fields[1]}, {fields[2]}")
    return fields[0], start, end


def _unav_video(
    youtube_id: str, entry: object, names: dict[int, str]
) -> tuple[tuple[str, str, float], list[tuple[str, float, float, str, int]]]:
    """Return the row of a video and those of its events; adds what label ids stand for to `names`."""
    _check_youtube_id(youtube_id)
    if not isinstance(entry, dict) or not {"subset", "duration", "annotations"} <= entry.keys():
        raise ValueError('expected an object with "subset", "duration" and "annotations"')
    subset, duration = entry["subset"], entry["duration"]
    if subset not in SUBSETS:
        raise ValueError(f"subset: expected one of {', '.join(SUBSETS)}, found {subset!r}")
    if not _is_number(duration) or duration <= 0:
        raise ValueError(f"duration: expected seconds above 0, found {duration!r}")
    if not isinstance(entry["annotations"], list) or not entry["annotations"]:
        raise ValueError("annotations: expected a list of at least one event")
    events = []
    for place, event in enumerate(entry["annotations"]):
        try:
            start, end, label, label_id = _unav_event(event, float(duration), names)
        except ValueError as error:
            raise ValueError(f"annotations[{place}]: {error}") from error
        events.append((youtube_id, start, end, label, label_id))
    names.update({label_id: label for *_, label, label_id in events})
    return (youtube_id, subset, float(duration)), events


def _unav_event(event: object, duration: float, names: dict[int, str]) -> tuple[float, float, str, int]:
    if not isinstance(event, dict) or not {"segment", "label", "label_id"} <= event.keys():
        raise ValueError('expected an object with "segment", "label" and "label_id"')
    segment, label, label_id = event["segment"], event["label"], event["label_id"]
    if not isinstance(segment, list) or len(segment) != 2 or not all(_is_number(s) for s in segment):
        raise ValueError(f"segment: expected [start, end] in seconds, found {segment!r}")
    start, end = map(float, segment)
    if not 0 <= start < end <= duration + LATE_SECONDS:
        raise ValueError(f"segment: expected 0 <= start < end within {duration:g} s, found {segment!r}")
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"label: expected a name, found {label!r}")
    if not isinstance(label_id, int) or isinstance(label_id, bool):
        raise ValueError(f"label_id: expected a whole number, found {label_id!r}")
    if names.get(label_id, label) != label:
        raise ValueError(f"label_id: {label_id} is {names[label_id]!r} elsewhere, {label!r} here")
    return start, end, label, label_id


def _check_youtube_id(youtube_id: str) -> None:
    clip_id(youtube_id, 0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(k for k in keys if keys.count(k) > 1)!r} stands twice in one object")
    return content


def _table(rows: Sequence[tuple[Any, ...]], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=pd.Index(list(columns))).astype(columns)
