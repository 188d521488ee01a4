"""Lists of sources, the CSV files that `build --labels` and `list-sources` take: their one reader and writer."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from foundation.disk import LONGEST_NAME_BYTES, PARTIAL_NAME_BYTES
from foundation.files import PathLike, replacing
from foundation.markup import spreadsheet_text
from foundation.paths import check_name
from foundation.text import NotUTF8, composed, read_text
from vgg_monoaudio.selection.clip_ids import split_clip_id
from vgg_monoaudio.selection.decisions import CRITERIA, CURATION, BadCuration
from vgg_monoaudio.selection.verdicts import Applied, apply_decisions
from vgg_monoaudio.taxonomy import category_of

LISTS = Path(__file__).parent / "lists"
R1 = LISTS / "r1.csv"
R2 = LISTS / "r2.csv"
SHIPPED = ("r1", "r2")
DEFAULT_LIST = "r2"  # what a benchmark is built from where nothing else is said
LONGEST_CLIP_ID_BYTES = LONGEST_NAME_BYTES - PARTIAL_NAME_BYTES - len(".mp4")
LIST_COLUMNS = ["clip_id", "label", "category", "start_seconds", "reviewers"]

_BUILT_FROM = LIST_COLUMNS[:4]
_Row = dict[str, str]


class BadSourceList(ValueError):
    """A list of sources, or a folder of clips, that cannot be used; the message names the file and the row."""


def list_path(source: PathLike) -> Path:
    """Return the file of a list, given as its path or as the name of one that ships: `list_path("r2")`.

    Raises:
        BadSourceList: neither a file nor a list that ships.
    """
    file = Path(source)
    if file.is_file():
        return file
    if str(source) in SHIPPED:
        return LISTS / f"{source}.csv"
    raise BadSourceList(
        f"{source}: no such list; give the path of a CSV with the columns clip_id,label,category, "
        f"or the name of a list that ships ({', '.join(SHIPPED)})"
    )


def read_source_list(source: PathLike, *, strict: bool = False) -> pd.DataFrame:
    """Return what a benchmark is built from: columns clip_id, label, category, start_seconds, sorted by clip id.

    The file is a CSV with at least the columns clip_id and label. `category` may be absent or empty for labels that
    the taxonomy knows, `start_seconds` (float, where the 8 s begin in the clip) where it is 0. Other columns, blank
    lines and lines that begin with # are ignored.

    A file of reviewers' decisions (`curation.csv`) is taken too, as the list of the clips that they accepted.

    Args:
        source: path of a list, or the name of one that ships, such as r2.
        strict: allow only VGGSound's clip ids and the 39 labels of Table B2 with their own categories, as in r2.

    Raises:
        BadSourceList: no such list, a column or value is missing, a clip is listed twice, a label has no category, a
            start is not a number of seconds, or a row breaks the rules of `strict`.
    """
    table = load_source_list(source, strict=strict)
    starts = [_seconds(start) for start in table.get("start_seconds", [""] * len(table))]
    return table.assign(start_seconds=starts)[_BUILT_FROM].sort_values("clip_id", ignore_index=True)


def load_source_list(source: PathLike = DEFAULT_LIST, *, strict: bool = True) -> pd.DataFrame:
    """Return a list as it is written: clip_id, label, category, then its other columns; all text, in its order.

    Args:
        source: see `read_source_list`, which takes the same files.
        strict: likewise.

    Raises:
        BadSourceList: see `read_source_list`.
    """
    file = list_path(source)
    header, rows = _decided(file) if _is_curation(file) else _read_rows(file)
    seen: set[str] = set()
    for where, row in rows:
        _check(where, row, strict=strict)
        if row["clip_id"] in seen:
            raise BadSourceList(f"{where}: clip {row['clip_id']!r} is listed twice")
        seen.add(row["clip_id"])
    if not rows:
        raise BadSourceList(f"{file}: no clips in it")
    columns = list(dict.fromkeys([*_BUILT_FROM[:3], *header]))
    return pd.DataFrame([row for _, row in rows], columns=pd.Index(columns), dtype="str").fillna("")


def source_list(applied: Applied) -> pd.DataFrame:
    """Return the accepted clips as a list of sources: `LIST_COLUMNS`, sorted by clip id.

    `start_seconds` is where the 8 s begin within the clip; `reviewers` says who accepted it ("auto:..." is a program).
    """
    return applied.sources.rename(columns={"start_offset_seconds": "start_seconds"})[LIST_COLUMNS]


def sources_of_curation(path: PathLike) -> pd.DataFrame:
    """Return the list of sources that a file of decisions amounts to, as `source_list` does.

    Raises:
        BadSourceList: the decisions are malformed.
    """
    try:
        return source_list(apply_decisions(CURATION.read_all([path])))
    except BadCuration as error:
        raise BadSourceList(str(error)) from error


def write_source_list(path: PathLike, sources: pd.DataFrame) -> None:
    """Write a list of sources as a CSV file that `build --labels` takes.

    Raises:
        ValueError: the list is empty.
    """
    if sources.empty:
        raise ValueError(f"{path}: no clip is accepted, so there is nothing to write")
    named = sources.assign(reviewers=sources["reviewers"].map(spreadsheet_text))  # people type their names
    with replacing(path) as temporary:
        named.to_csv(temporary, index=False, lineterminator="\n")


def _is_curation(file: Path) -> bool:
    """Return whether a file has a decision's criteria among its columns, even if its header is otherwise malformed."""
    try:
        lines = io.StringIO(read_text(file), newline="")
        header = next((row for row in csv.reader(lines) if not _is_skipped(row)), [])
    except (csv.Error, NotUTF8):  # the reader of lists refuses it
        return False
    return set(CRITERIA) <= {name.strip() for name in header}


def _is_skipped(row: list[str]) -> bool:
    """Return whether a row is blank or a comment."""
    return not any(row) or row[0].startswith("#")


def _decided(file: Path) -> tuple[list[str], list[tuple[str, _Row]]]:
    """Read decisions as the list that they amount to; read as a plain list they would let rejected clips in."""
    accepted = sources_of_curation(file).astype("str")
    return LIST_COLUMNS, [
        (str(file), {str(key): value for key, value in row.items()}) for row in accepted.to_dict("records")
    ]


def _read_rows(file: Path) -> tuple[list[str], list[tuple[str, _Row]]]:
    """Return the header, and each row with its place. Not with pandas, which shifts a row with a value too many."""
    try:
        reader = csv.reader(io.StringIO(read_text(file), newline=""), strict=True)
        table = [(reader.line_num, row) for row in reader if not _is_skipped(row)]
    except NotUTF8 as error:
        raise BadSourceList(str(error)) from error
    except csv.Error as error:
        raise BadSourceList(f"{file}: not a table: {error}") from error
    header = [name.strip() for name in table[0][1]] if table else []
    for column in ("clip_id", "label"):
        if column not in header:
            raise BadSourceList(f"{file}: column {column!r} is missing; expected clip_id,label,category,start_seconds")
    rows = []
    for number, row in table[1:]:
        where = f"{file}: line {number}"
        if len(row) > len(header):
            found = f"{len(row)} values for {len(header)} columns; put a label that holds a comma in quotes"
            raise BadSourceList(f"{where}: {found}")
        rows.append((where, dict(zip(header, (value.strip() for value in row), strict=False))))
    return header, rows


def _check(where: str, row: _Row, *, strict: bool) -> None:
    """Refuse a row that cannot be used, and fill in its category."""
    for column in ("clip_id", "label"):
        if not row.get(column):
            raise BadSourceList(f"{where}: {column} is empty")
    row["clip_id"] = composed(row["clip_id"])
    if len(row["clip_id"].encode()) > LONGEST_CLIP_ID_BYTES:
        size = len(row["clip_id"].encode())
        raise BadSourceList(f"{where}: a clip_id of {size} bytes, at most {LONGEST_CLIP_ID_BYTES} name a file")
    try:
        check_name(row["clip_id"])  # its files are named by it
        _seconds(row.get("start_seconds", ""))
        if strict:
            split_clip_id(row["clip_id"])
        if strict or not row.get("category"):
            _fill_category(row, strict=strict)
    except ValueError as error:
        raise BadSourceList(f"{where}: {error}") from error


def _fill_category(row: _Row, *, strict: bool) -> None:
    given = row.get("category", "")
    try:
        known = category_of(row["label"])
    except ValueError as error:
        raise ValueError(str(error) if given else f"no category given, and {error}") from error
    if strict and given not in ("", known):
        raise ValueError(f"{row['label']!r} is of {known}, not of {given!r}")
    row["category"] = known


def _seconds(text: str) -> float:
    """Return where the 8 s begin; an empty cell is 0."""
    try:
        start = float(text or 0)
    except ValueError:
        start = -1.0
    if not 0 <= start < float("inf"):
        raise ValueError(f"start_seconds is {text!r}, expected seconds from 0 on")
    return start
