"""The file of a human study: a CSV read line by line, so that whatever is wrong is named by its line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from foundation.records import read_bounded

CRITERIA: Mapping[str, str] = {"AQ": "audio quality", "TA": "text-audio alignment", "VA": "audio-video alignment"}
NAMES = ("subset", "sample_id", "model", "rater")
SCALE = (1, 5)  # the points of a Likert scale, lowest and highest

_WHOLE = re.compile(r"([0-9]{1,9})(\.0*)?")  # 4.0 is how programs write whole numbers beside empty fields


@dataclass(frozen=True)
class Rating:
    """One person's rating of one answer.

    Attributes:
        where: file and line, for messages.
        names: of `NAMES`, blanks around them gone.
        points: criterion to points of `SCALE`; NaN where not rated.
    """

    where: str
    names: Mapping[str, str]
    points: Mapping[str, float]


def read_lines(path: Path) -> list[Rating]:
    """Return the ratings of a file, in its order; blank lines are passed over, and count as lines.

    Raises:
        ValueError: no such file, not a CSV in UTF-8, another column, a line with a value too many, without a name, or a
            rating off the scale; names file and line.
    """
    rows = list(_rows(path))
    header = rows[0][1] if rows else []
    criteria = [name for name in CRITERIA if name in header]
    if not set(NAMES) <= set(header) <= {*NAMES, *CRITERIA} or not criteria or len(set(header)) < len(header):
        raise ValueError(
            f"{path}: expected the columns {', '.join(NAMES)} and some of {', '.join(CRITERIA)}, each once, "
            f"got {', '.join(header)}"
        )
    found = []
    for line, row in rows[1:]:
        where = f"{path}, line {line}"
        if len(row) > len(header):
            told = "put a name that holds a comma in quotes"
            raise ValueError(f"{where}: {len(row)} values for {len(header)} columns; {told}")
        values = dict.fromkeys(header, "") | dict(zip(header, row, strict=False))
        for name in NAMES:
            if not values[name]:
                raise ValueError(f"{where}: {name} is empty")
        points = {name: _points(where, name, values[name]) for name in criteria}
        found.append(Rating(where, {name: values[name] for name in NAMES}, points))
    return found


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the number of the line on which it begins."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    before = 0
    try:
        for row in reader:
            values = [value.strip() for value in row]
            if any(values):
                yield before + 1, values
            before = reader.line_num
    except csv.Error as error:
        raise ValueError(f"{path}, line {before + 1}: not a line of a CSV: {error}") from error


def _text(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"{path}: no such file of ratings")
    try:
        content = read_bounded(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(f"{path}: is in UTF-16, expected UTF-8; save it as CSV UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ValueError(
            f"{path}, line {line}: not UTF-8 (byte 0x{byte:02x}), perhaps latin-1; save it as CSV UTF-8"
        ) from error


def _points(where: str, name: str, text: str) -> float:
    if not text:
        return float("nan")
    whole = _WHOLE.fullmatch(text)
    points = int(whole[1]) if whole else 0
    if not SCALE[0] <= points <= SCALE[1]:
        raise ValueError(f"{where}: {name}: expected a whole number from {SCALE[0]} to {SCALE[1]}, got {text!r}")
    return float(points)
