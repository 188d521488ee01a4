"""Reading the list of a benchmark strictly: the one that was published, with its columns, names and number of rows."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from foundation.disk import LONGEST_NAME_BYTES, PARTIAL_NAME_BYTES
from foundation.files import file_sha256
from foundation.names import joined
from foundation.paths import fault_of_name
from foundation.text import NotUTF8, read_text
from vgg_monoaudio.public.benchmark import BadListing, Part, PublicBenchmark

LONGEST_ID_BYTES = LONGEST_NAME_BYTES - PARTIAL_NAME_BYTES - len(".mp4")
SHOWN_CHARACTERS = 40  # of an id that is too long
SHOWN = 8  # names of what is there instead
OWN_LIST = "make a list of your own of it and build that: `build-public own-list --files LIST` (docs/benchmark.md)"

Row = Mapping[str, str]


def find_list(files: Path, names: Sequence[str], benchmark: PublicBenchmark, part: Part) -> Path:
    """Return the list of a part: the first of these paths that is there, and the file that was published.

    Args:
        files: the folder of the benchmark's files.
        names: paths in it.
        benchmark: for messages.
        part: its hash is checked, where one was published.

    Raises:
        BadListing: no such folder, none of these files, or another list; says what is there.
    """
    if not files.is_dir():
        raise BadListing(f"{files}: no such file or folder; {benchmark.title} is expected there as {benchmark.layout}")
    found = next((files / name for name in names if (files / name).is_file()), None)
    if found is None:
        there = sorted(path.name for path in files.iterdir())
        shown = ", ".join(there[:SHOWN]) + (f" and {len(there) - SHOWN} more" if len(there) > SHOWN else "")
        raise BadListing(
            f"{files}: no {joined(names)} in it, but {shown or 'nothing'}; {benchmark.title} is expected as "
            f"{benchmark.layout}. If you have it in another form, {OWN_LIST}"
        )
    sha256 = file_sha256(found)
    if part.list_sha256 and sha256 != part.list_sha256:
        raise BadListing(
            f"{found}: not the published list (its SHA-256 is {sha256[:12]}…, that of {benchmark.source} @ "
            f"{benchmark.revision[:7]} is {part.list_sha256[:12]}…); take that file, or {OWN_LIST}"
        )
    return found


def read_rows(file: Path, columns: Collection[str]) -> list[Row]:
    """Return the rows of a list: CSV, TSV or JSON lines, by its ending; blanks around cells are dropped.

    Args:
        file: the list.
        columns: those that it must have; others are kept too.

    Raises:
        BadListing: another encoding or form, a column that is missing, or a row of another width; names the line.
    """
    try:
        text = read_text(file)
    except NotUTF8 as error:
        raise BadListing(str(error)) from error
    rows = _json_rows(file, text) if file.suffix in (".jsonl", ".ndjson") else _table_rows(file, text)
    for line, row in rows:
        missing = [column for column in columns if column not in row]
        if missing:
            raise BadListing(
                f"{file}:{line}: no column {missing[0]!r}; expected {', '.join(columns)}, there are {', '.join(row)}"
            )
    return [row for _, row in rows]


def _table_rows(file: Path, text: str) -> list[tuple[int, Row]]:
    dialect: Mapping[str, Any] = (
        {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if file.suffix == ".tsv" else {"strict": True}
    )
    reader = csv.reader(io.StringIO(text, newline=""), **dialect)
    rows: list[tuple[int, Row]] = []
    try:
        head = [cell.strip() for cell in next(reader, [])]
        if doubled := [name for name, count in Counter(head).items() if count > 1]:
            raise BadListing(f"{file}:1: column {doubled[0]!r} is there twice")
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(head):
                raise BadListing(f"{file}:{reader.line_num}: {len(cells)} cells, the header has {len(head)}")
            rows.append((reader.line_num, dict(zip(head, (cell.strip() for cell in cells), strict=True))))
    except csv.Error as error:
        raise BadListing(f"{file}:{reader.line_num}: {error}") from error
    if not rows:
        raise BadListing(f"{file}: no rows in it" + (f", only the header {', '.join(head)}" if head else ""))
    return rows


def _json_rows(file: Path, text: str) -> list[tuple[int, Row]]:
    rows: list[tuple[int, Row]] = []
    for line, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise BadListing(f"{file}:{line}: not JSON ({error})") from error
        if not isinstance(found, dict):
            raise BadListing(f"{file}:{line}: expected an object, got {content[:40]!r}")
        rows.append((line, {name: _cell(file, line, name, value) for name, value in found.items()}))
    if not rows:
        raise BadListing(f"{file}: no rows in it")
    return rows


def _cell(file: Path, line: int, name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadListing(f"{file}:{line}: {name}: expected a text or a number, got {json.dumps(value)[:40]}")
    return str(value).strip()


def check_count(file: Path, rows: Collection[object], part: Part) -> None:
    """Refuse a list of another length than was published.

    Raises:
        BadListing: gives both numbers.
    """
    if part.samples is not None and len(rows) != part.samples:
        raise BadListing(
            f"{file}: {len(rows)} samples, {part.samples} were published; take the whole list, or {OWN_LIST}"
        )


def check_names(file: Path, names: Sequence[str]) -> None:
    """Refuse names of samples that are doubled, too long, or cannot name a file.

    Raises:
        BadListing: names the first.
    """
    seen: set[str] = set()
    for name in names:
        if fault := fault_of_name(name):
            raise BadListing(f"{file}: {name!r} cannot name a sample, whose answers are files: {fault}")
        if (size := len(name.encode())) > LONGEST_ID_BYTES:
            raise BadListing(
                f"{file}: sample {name[:SHOWN_CHARACTERS]!r}... has an id of {size} bytes, and at most "
                f"{LONGEST_ID_BYTES} name a file; give it a shorter one, in a column id"
            )
        if name in seen:
            raise BadListing(f"{file}: sample {name!r} is listed twice; give each an id of its own, in a column id")
        seen.add(name)
