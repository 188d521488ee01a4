"""Files of decisions: CSV files that only grow, read with the very text of each row, so that nothing of it is lost."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from foundation.files import PathLike, replacing
from foundation.locks import Lock
from foundation.markup import spreadsheet_text, text_of_spreadsheet
from foundation.text import NotUTF8, read_text

Kind = TypeVar("Kind")

FREE_TEXT = ("reviewer", "note")  # columns of what people type; a formula there stands behind an apostrophe
BYTE_ORDER_MARK = "\ufeff"
_BLANK_ROWS = re.compile(r"[\r\n][\s,\"]*\Z")  # no row of ours ends within a cell of several lines: `time` is the last


class BadCuration(Exception):
    """A decisions file that does not hold what it should; the message lists every such line."""


@dataclass(frozen=True)
class Row(Generic[Kind]):
    """A row of a file.

    Attributes:
        text: as it stands there, with its line end if it has one, and with the blank rows behind it.
        says: the decision.
    """

    text: str
    says: Kind


@dataclass(frozen=True)
class Content(Generic[Kind]):
    """A file of decisions.

    Attributes:
        head: the header as it stands there, with the byte order mark if there is one, and with blank rows around it.
        rows: in the order of the file.
    """

    head: str
    rows: tuple[Row[Kind], ...]


@dataclass(frozen=True)
class DecisionFile(Generic[Kind]):
    """The form of a file of decisions of one kind.

    Attributes:
        columns: its header.
        parse: makes a decision of the texts of a row by column; raises ValueError, which says what is wrong.
        cells: the texts of a decision, in the order of the columns.
        absent: what is said of a file that is not there, with how one is made.
    """

    columns: Sequence[str]
    parse: Callable[[Mapping[str, str]], Kind]
    cells: Callable[[Kind], Sequence[str]]
    absent: str

    def content(self, path: PathLike) -> Content[Kind]:
        """Return all of a file; head and texts of the rows, one after the other, are its bytes.

        Raises:
            BadCuration: not UTF-8, the header is another one, or lines are malformed; all are named.
        """
        path = Path(path)
        found = self.parsed(_text(path), str(path))
        return replace(found, head=BYTE_ORDER_MARK + found.head) if _is_marked(path) else found

    def parsed(self, text: str, where: str) -> Content[Kind]:
        """Return what the text of a file says.

        Args:
            text: of the whole file.
            where: its name, for messages.

        Raises:
            BadCuration: see `content`.
        """
        lines = _Lines(text)
        reader = csv.reader(lines, strict=True)
        rows: list[Row[Kind]] = []
        problems, head = [], ""
        try:
            self._check_header(where, _first(reader))
            head = lines.since_last()
            for cells in reader:
                row = lines.since_last()
                if is_blank(cells):  # of a person's editor or spreadsheet; its bytes stay with what is before it
                    if rows:
                        rows[-1] = replace(rows[-1], text=rows[-1].text + row)
                    else:
                        head += row
                    continue
                try:
                    rows.append(Row(row, self._decision(cells)))
                except ValueError as error:
                    problems.append(f"{where}:{reader.line_num}: {error}")
        except csv.Error as error:
            problems.append(f"{where}:{reader.line_num}: {error}")
        if problems:
            raise BadCuration("\n".join(problems))
        return Content(head, tuple(rows))

    def read(self, path: PathLike) -> list[Kind]:
        """Return the decisions of a file, in its order.

        Raises:
            BadCuration: see `content`.
        """
        return [row.says for row in self.content(path).rows]

    def read_all(self, paths: Iterable[PathLike]) -> list[Kind]:
        """Return the decisions of several files, one reviewer's or one machine's each, in the order of the files.

        Raises:
            ValueError: a file is not there, or given twice.
            BadCuration: see `content`.
        """
        decisions: list[Kind] = []
        taken: set[Path] = set()
        for file in map(Path, paths):
            if not file.is_file():
                raise ValueError(f"{file}: {self.absent}")
            if file.resolve() in taken:
                raise ValueError(f"{file}: given twice")
            taken.add(file.resolve())
            decisions += self.read(file)
        return decisions

    def append(self, path: PathLike, decisions: Iterable[Kind]) -> None:
        """Add decisions to a file; makes it, with its header, where there is none.

        Raises:
            BadCuration: the file exists and has another header.
        """
        path = Path(path).resolve()  # a link keeps pointing there
        with Lock(path):
            before = path.read_bytes() if path.exists() else b""
            if before:
                self._check_header(str(path), _first(csv.reader(io.StringIO(_text(path), newline=""))))
                # A row cut off by a crash stays a row of its own, and is reported when read.
                gap = "" if before.endswith(b"\n") else "\n"
            else:
                gap = self.header()
            with replacing(path) as temporary:  # all of them or none: a reviewer's work is in it
                temporary.write_bytes(before + (gap + "".join(map(self.text, decisions))).encode("utf-8"))

    def header(self) -> str:
        """Return the first line of a new file."""
        return _line(self.columns)

    def text(self, decision: Kind) -> str:
        """Return the row of a decision."""
        cells = zip(self.columns, self.cells(decision), strict=True)
        return _line([spreadsheet_text(cell) if name in FREE_TEXT else cell for name, cell in cells])

    def _check_header(self, where: str, found: Sequence[str]) -> None:
        if list(found) != list(self.columns):
            wanted = ",".join(self.columns)
            raise BadCuration(f"{where}: expected the columns {wanted}, found {','.join(found) or 'none'}")

    def _decision(self, cells: Sequence[str]) -> Kind:
        if len(cells) != len(self.columns):
            raise ValueError(f"expected {len(self.columns)} fields, found {len(cells)}")
        texts = zip(self.columns, cells, strict=True)
        return self.parse({name: text_of_spreadsheet(text) if name in FREE_TEXT else text for name, text in texts})


def is_blank(cells: Sequence[str]) -> bool:
    """Tell whether a row of a CSV file says nothing: an empty line, or empty cells, as spreadsheets save it."""
    return not any(cell.strip() for cell in cells)


def without_blank_rows(text: str) -> str:
    """Return the text of a row without its line end and the blank rows behind it: what makes it the same row."""
    return _BLANK_ROWS.sub("", text)


def joined(head: str, texts: Iterable[str]) -> str:
    """Return the text of a file; what lacks its line end gets one when something follows."""
    parts = [head, *texts]
    ended = [part if part.endswith(("\n", "\r")) else f"{part}\n" for part in parts[:-1]]
    return "".join([*ended, parts[-1]])


def yes_or_no(values: Mapping[str, str], name: str) -> bool:
    """Return what a cell says.

    Raises:
        ValueError: neither yes nor no.
    """
    if values[name] not in ("yes", "no"):
        raise ValueError(f"{name}: expected yes or no, found {values[name]!r}")
    return values[name] == "yes"


def as_text(value: str | bool | float) -> str:
    """Return a field of a decision as files spell it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else repr(float(value))


def _first(rows: Iterable[list[str]]) -> list[str]:
    """Return the first row that is not blank."""
    return next((cells for cells in rows if not is_blank(cells)), [])


class _Lines:
    """The lines of a text, which remembers those that were taken since it was last asked."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._taken.append(line)
            yield line

    def since_last(self) -> str:
        text = "".join(self._taken)
        self._taken.clear()
        return text


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except NotUTF8 as error:
        raise BadCuration(str(error)) from error


def _is_marked(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(3) == BYTE_ORDER_MARK.encode("utf-8")


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    returns = any(
        "\r" in cell for cell in cells
    )  # which the writer of Python 3.11 does not quote, and the reader needs
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL).writerow(cells)
    return text.getvalue()
