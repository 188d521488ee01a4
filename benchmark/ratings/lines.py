"""A CSV that others wrote, row by row with line numbers, so that whatever is wrong is named by its line."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from foundation.records import read_bounded


@dataclass(frozen=True)
class Lines:
    """The rows of a CSV as text.

    Attributes:
        path: the file.
        header: names of the columns; () for an empty file.
        numbers: the line on which each row begins, from 1.
        rows: one text per column, blanks around it gone; "" where a short row ends early.
    """

    path: Path
    header: tuple[str, ...]
    numbers: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


def read_csv_lines(path: Path) -> Lines:
    """Return the rows of a file, in its order; blank lines are passed over, and count as lines.

    Raises:
        ValueError: no such file, not a CSV in UTF-8 with commas, or a row with a value too many; names file and line.
    """
    found = list(_rows(path, read_utf8(path)))
    header = tuple(found[0][1]) if found else ()
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            raise ValueError(
                f"{path}: its columns are separated by {name}, expected commas; save it as CSV with commas"
            )
    for number, row in found[1:]:
        if len(row) > len(header):
            told = "put a name that holds a comma in quotes"
            raise ValueError(f"{path}, line {number}: {len(row)} values for {len(header)} columns; {told}")
    rows = tuple(tuple(row) + ("",) * (len(header) - len(row)) for _, row in found[1:])
    return Lines(path, header, tuple(number for number, _ in found[1:]), rows)


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the number of the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    before = 0
    try:
        for row in reader:
            values = [value.strip() for value in row]
            if any(values):
                yield before + 1, values
            before = reader.line_num
    except csv.Error as error:
        raise ValueError(f"{path}, line {before + 1}: not a line of a CSV: {error}") from error


def read_utf8(path: Path) -> str:
    """Return the text of a file of ratings, without a byte order mark.

    Raises:
        ValueError: no such file, larger than any such file, or not UTF-8; names the file, and the line.
    """
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
