"""Readers of lists that others made: VGGSound's clips, and where UnAV-100 cut its videos.

No row is dropped silently: each reader returns its table and a table of problems, with the file, the line, what is
wrong and the text found there.
"""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from foundation.text import NotUTF8, read_text
from vgg_monoaudio.selection.clip_ids import check_youtube_id, clip_id, split_clip_id

CLIP_COLUMNS = {"clip_id": "str", "youtube_id": "str", "start_seconds": "int64", "label": "str", "split": "str"}
TRIM_COLUMNS = {"youtube_id": "str", "start_seconds": "float64", "end_seconds": "float64"}
PROBLEM_COLUMNS = {"file": "str", "line": "int64", "reason": "str", "text": "str"}


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
    return AnnotationTable(typed_table(rows, CLIP_COLUMNS), typed_table(problems, PROBLEM_COLUMNS))


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
    return AnnotationTable(typed_table(rows, TRIM_COLUMNS), typed_table(problems, PROBLEM_COLUMNS))


def describe_problems(problems: pd.DataFrame) -> list[str]:
    """Return one line of text per problem: `file:line: reason: text`."""
    return [
        f"{file}:{line}: {reason}: {text!r}"
        for file, line, reason, text in problems[list(PROBLEM_COLUMNS)].itertuples(index=False)
    ]


def _csv_rows(path: Path) -> list[tuple[int, str, list[str]]]:
    """Return line number, text and fields of each line; a line that is not CSV comes with no fields.

    No field of these files spans lines, so each line is parsed by itself: a stray quote spoils its own line only.
    """
    try:
        content = read_text(path)
    except NotUTF8 as error:
        raise BadAnnotations(str(error)) from error
    rows = []
    for line, text in enumerate(content.splitlines(), start=1):
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
    check_youtube_id(fields[0])
    try:
        start, end = float(fields[1]), float(fields[2])
    except ValueError:
        raise ValueError(f"expected start and end in seconds, found {fields[1]!r}, {fields[2]!r}") from None
    if not 0 <= start < end < math.inf:
        raise ValueError(f"expected 0 <= start < end, found {fields[1]}, {fields[2]}")
    return fields[0], start, end


def typed_table(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return rows as a table with named columns of these types, also where there are no rows."""
    return pd.DataFrame(rows, columns=pd.Index(list(columns))).astype(dict(columns))
