"""Where a benchmark's clips come from: the curated list, and the folder that holds the files."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from foundation.files import PathLike
from vgg_monoaudio.selection.annotations import clip_id_from_file_name
from vgg_monoaudio.taxonomy import category_of

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")
R1 = Path(__file__).parent / "lists" / "r1.csv"


class BadSourceList(Exception):
    """A list of sources that cannot be used; the message names the file and the row."""


def read_source_list(path: PathLike) -> pd.DataFrame:
    """Return a curated list: one row a clip, columns clip_id, label, category, start_seconds.

    The file is a CSV with the columns clip_id and label; category may be left out or empty for the labels that the
    taxonomy knows, start_seconds (where the 8 s begin in the clip) where it is 0. Other columns are ignored, and so
    are blank lines and lines that begin with #.

    A file of reviewers' decisions (`curation.csv`) is taken too: the clips that they accepted.

    Raises:
        BadSourceList: no such file, a column or value missing, a clip listed twice, a label without a category, or
            a start that is no number of seconds.
    """
    file = Path(path)
    if not file.is_file():
        raise BadSourceList(f"{file}: no such list; a list is a CSV with the columns clip_id,label,category")
    if _is_curation(file):
        return _decided(file)
    rows: dict[str, dict[str, str | float]] = {}
    for where, row in _read_rows(file):
        checked = _checked_row(where, row)
        if rows.setdefault(str(checked["clip_id"]), checked) is not checked:
            raise BadSourceList(f"{where}: clip {checked['clip_id']!r} is listed twice")
    if not rows:
        raise BadSourceList(f"{file}: no clips in it")
    return pd.DataFrame(list(rows.values())).sort_values("clip_id", ignore_index=True)


def _is_curation(file: Path) -> bool:
    from vgg_monoaudio.selection.decisions import COLUMNS

    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return lines.readline().strip() == ",".join(COLUMNS)


def _decided(file: Path) -> pd.DataFrame:
    """Read decisions as what they amount to; as a plain list they would let rejected clips in."""
    from vgg_monoaudio.selection.curated import sources_of_curation
    from vgg_monoaudio.selection.decisions import BadCuration

    try:
        return sources_of_curation(file)
    except BadCuration as error:
        raise BadSourceList(str(error)) from error


def _read_rows(file: Path) -> list[tuple[str, dict[str, str]]]:
    """Return each row with its place. Not with pandas, which shifts a row that has a value too many to the left."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            table = [(reader.line_num, row) for row in reader if any(row) and not row[0].startswith("#")]
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadSourceList(f"{file}: not a table: {error}") from error
    header = [name.strip() for name in table[0][1]] if table else []
    for column in ("clip_id", "label"):
        if column not in header:
            raise BadSourceList(f"{file}: column {column!r} is missing; expected clip_id,label,category,start_seconds")
    rows = []
    for number, row in table[1:]:
        where = f"{file}: line {number}"
        if len(row) > len(header):
            told = f"{len(row)} values for {len(header)} columns; put a label that holds a comma in quotes"
            raise BadSourceList(f"{where}: {told}")
        rows.append((where, dict(zip(header, (value.strip() for value in row), strict=False))))
    return rows


def _checked_row(where: str, row: Mapping[str, str]) -> dict[str, str | float]:
    for column in ("clip_id", "label"):
        if not row.get(column):
            raise BadSourceList(f"{where}: {column} is empty")
    category = row.get("category")
    if not category:
        try:
            category = category_of(row["label"])
        except ValueError as error:
            raise BadSourceList(f"{where}: no category given, and {error}") from error
    try:
        start = float(row.get("start_seconds") or 0)
    except ValueError:
        start = -1.0
    if not 0 <= start < float("inf"):
        raise BadSourceList(f"{where}: start_seconds is {row['start_seconds']!r}, expected seconds from 0 on")
    return {"clip_id": row["clip_id"], "label": row["label"], "category": category, "start_seconds": start}


def find_clips(folder: PathLike) -> dict[str, Path]:
    """Return the media files of a folder and its subfolders by clip id.

    A file is known by its stem, and by the clip id that its name carries in VGGSound's layouts (`ID_000030.mp4`,
    `ID_30_40.mp4`, `ID_30000_40000.mp4`).

    Raises:
        BadSourceList: no such folder, or two files for one clip.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BadSourceList(f"{root}: no such folder of clips")
    clips: dict[str, Path] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        for name in (path.stem, _clip_id(path)):
            other = clips.setdefault(name, path)
            if other != path:
                raise BadSourceList(f"{root}: two files for clip {name}: {other} and {path}; keep one")
    return clips


def _clip_id(path: Path) -> str:
    try:
        return clip_id_from_file_name(path.name)
    except ValueError:
        return path.stem  # a clip of the user's own, known by its stem alone
