"""The reader of UnAV-100's annotations: its videos and the sound events in them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from foundation.text import NotUTF8, read_text
from vgg_monoaudio.selection.annotations import PROBLEM_COLUMNS, BadAnnotations, typed_table
from vgg_monoaudio.selection.clip_ids import check_youtube_id

UNAV_SUBSETS = ("train", "validation", "test")
LATE_SECONDS = 1.0  # how far an event may reach beyond its video: durations are rounded there

VIDEO_COLUMNS = {"youtube_id": "str", "subset": "str", "duration_seconds": "float64"}
EVENT_COLUMNS = {
    "youtube_id": "str",
    "start_seconds": "float64",
    "end_seconds": "float64",
    "label": "str",
    "label_id": "int64",
}


@dataclass(frozen=True)
class UnAV100:
    """UnAV-100 as read.

    Attributes:
        videos: one row per video, columns `VIDEO_COLUMNS`.
        events: one row per event, columns `EVENT_COLUMNS`; seconds from the start of the (trimmed) video.
        problems: videos that are left out because they or one of their events are malformed.
    """

    videos: pd.DataFrame
    events: pd.DataFrame
    problems: pd.DataFrame


def read_unav100(path: str | Path) -> UnAV100:
    """Return the videos and events of UnAV-100's annotation file.

    The form is `{"database": {youtube_id: {"subset", "duration", "annotations": [{"segment": [s, e], "label",
    "label_id"}]}}}`. A video with one malformed event is left out whole, because the number of its events is unknown.

    Raises:
        BadAnnotations: not JSON in UTF-8, a key twice in one object, or no object "database".

    Source:
        UnAV-100 (Geng et al. 2023, arXiv:2303.12930).
    """
    path = Path(path)
    try:
        text = read_text(path)
    except NotUTF8 as error:
        raise BadAnnotations(str(error)) from error
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
    return UnAV100(
        typed_table(videos, VIDEO_COLUMNS), typed_table(events, EVENT_COLUMNS), typed_table(problems, PROBLEM_COLUMNS)
    )


def _unav_video(
    youtube_id: str, entry: object, names: dict[int, str]
) -> tuple[tuple[str, str, float], list[tuple[str, float, float, str, int]]]:
    """Return the row of a video and those of its events; adds what label ids stand for to `names`."""
    check_youtube_id(youtube_id)
    if not isinstance(entry, dict) or not {"subset", "duration", "annotations"} <= entry.keys():
        raise ValueError('expected an object with "subset", "duration" and "annotations"')
    subset, duration = entry["subset"], entry["duration"]
    if subset not in UNAV_SUBSETS:
        raise ValueError(f"subset: expected one of {', '.join(UNAV_SUBSETS)}, found {subset!r}")
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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(k for k in keys if keys.count(k) > 1)!r} occurs twice in one object")
    return content
