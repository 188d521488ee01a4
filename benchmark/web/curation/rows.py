"""Decisions that were acknowledged: in the database first, then in the file that the command line reads."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from sqlmodel import Field, Session, SQLModel, col, delete, select, update

from benchmark.web.database import Database
from foundation.files import replacing
from vgg_monoaudio.selection.decision_files import Content, DecisionFile, joined, without_blank_rows
from vgg_monoaudio.selection.decisions import Said

Kind = TypeVar("Kind", bound=Said)

log = logging.getLogger(__name__)


class KeptRow(SQLModel, table=True):
    """A row of a file of decisions.

    Attributes:
        id: rows of one file follow one another by it.
        file: which file, such as "clips".
        text: the row as it stands, or is to stand, in the file.
        batch: rows that were decided at one stroke on the page, and are taken back together; None: from elsewhere.
        withdrawn: taken back on the page or removed from the file by hand, so in the file no more.
        written: the file is known to have said of this row what is said here. If it says otherwise later, somebody
            changed it; before that, a server was killed before it could write.
    """

    __tablename__ = "kept_row"

    id: int | None = Field(default=None, primary_key=True)
    file: str = Field(index=True)
    text: str
    batch: int | None = None
    withdrawn: bool = False
    written: bool = False


@dataclass(frozen=True)
class _Entry(Generic[Kind]):
    id: int
    text: str
    says: Kind
    batch: int | None


@dataclass(frozen=True)
class Met:
    """What file and database told one another.

    Attributes:
        added: rows that only the file had; others wrote them.
        restored: rows that only the database had: a server was killed before it wrote them, or the file is gone.
        removed: rows that were in the file once; somebody took them out or changed them there, so they are withdrawn.
    """

    added: int
    restored: int
    removed: int = 0


class KeptRows(Generic[Kind]):
    """The rows of one file, in memory, in the database and in the file.

    The database has every decision before it is acknowledged. The file follows at once, so that `curate apply` reads
    what was decided on the page. When the server begins, and whenever the file was changed by others since, what either
    lacks is taken from the other: rows of the file keep their place and every byte, what was corrected there by hand
    stays corrected, and nothing that was acknowledged is lost with a killed server.
    """

    def __init__(self, database: Database, name: str, path: Path, form: DecisionFile[Kind]) -> None:
        """Bring file and database together.

        Args:
            database: where rows are kept; the caller closes it.
            name: of this file in the database.
            path: the file, made with the first decision where there is none.
            form: of its rows.

        Raises:
            vgg_monoaudio.selection.decision_files.BadCuration: the file is malformed.
        """
        self._database, self._name, self._form = database, name, form
        self.path = path
        self.version = 0  # moves with every change
        self._lock = threading.RLock()
        self._behind = False  # whether the file lacks something that the database has
        self._head = form.header()
        self._entries: list[_Entry[Kind]] = []
        self._owed: list[Kind] = []  # taken back, and not acknowledged: the file could not be told
        self._seen: bytes | None = None  # the file as it was last read or written
        self.met, lacks = self._meet()
        if lacks:
            self._write()

    def standing(self) -> tuple[Kind, ...]:
        """Return the decisions that were not taken back, in the order of the file."""
        return tuple(entry.says for entry in self._entries)

    def text(self) -> str:
        """Return the file as it is to be."""
        return joined(self._head, [entry.text for entry in self._entries])

    def add(self, decisions: Sequence[Kind]) -> None:
        """Keep decisions that were made at one stroke.

        Raises:
            sqlalchemy.exc.DatabaseError: they could not be kept.
            foundation.files.WriteFailed: they are kept, but could not be written to the file; see `settle`.
            vgg_monoaudio.selection.decision_files.BadCuration: somebody left the file malformed; it stays as it is.
        """
        with self._lock:
            self.settle()
            batch = 1 + self._latest_batch()
            self._put([(self._form.text(decision), decision) for decision in decisions], batch)
            deciding = {decision.reviewer for decision in decisions}
            self._owed = [decision for decision in self._owed if decision.reviewer not in deciding]
            self._write()

    def take_in(self, content: Content[Kind]) -> int:
        """Add the rows of another file that are not here yet; return how many.

        Raises:
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed, BadCuration: as `add`.
        """
        with self._lock:
            known = {without_blank_rows(entry.text) for entry in self._entries}
            new = [(row.text, row.says) for row in content.rows if without_blank_rows(row.text) not in known]
            self._put(new, None)
            if new:
                self._write()
            return len(new)

    def take_back(self, by: Callable[[Kind], bool], shown: Callable[[Kind], bool] = lambda _: True) -> list[Kind]:
        """Withdraw the last stroke of the page, of the decisions for which `by` is true; return it.

        Args:
            by: whether a decision is of who asks.
            shown: whether who asks can see what it is about. A stroke of which nothing is shown stays; of another all
                is taken back.

        Raises:
            sqlalchemy.exc.DatabaseError, foundation.files.WriteFailed, BadCuration: as `add`; asked again, what was
                withdrawn before the file could not be written is returned, and no more is taken back.
        """
        with self._lock:
            owed = [decision for decision in self._owed if by(decision)]
            self.settle()
            self._owed = [decision for decision in self._owed if not by(decision)]
            if owed:
                return owed
            mine = [entry for entry in self._entries if by(entry.says)]
            strokes = [entry.batch for entry in mine if entry.batch is not None and shown(entry.says)]
            if not strokes:
                return []
            gone = [entry for entry in mine if entry.batch == max(strokes)]
            ids = {entry.id for entry in gone}
            with self._database.writing() as session:
                for row in session.exec(select(KeptRow).where(col(KeptRow.id).in_(ids))):
                    row.withdrawn, row.written = True, False
                    session.add(row)
            self._entries = [entry for entry in self._entries if entry.id not in ids]
            said = [entry.says for entry in gone]
            self._owed += said
            self._write()
            self._owed = [decision for decision in self._owed if not by(decision)]
            return said

    def settle(self) -> None:
        """Write what could not be written before, and take in what others changed in the file.

        Raises:
            foundation.files.WriteFailed, BadCuration: it cannot be written yet, see `add`.
        """
        with self._lock:
            if self._behind or self._on_disk() != self._seen:
                self._write()

    def _meet(self) -> tuple[Met, bool]:
        """Take from file and database what the other lacks; return also whether the file is to be written."""
        seen = self._on_disk()
        content = self._form.content(self.path) if seen else Content(self._form.header(), ())
        found = [row.text for row in content.rows]
        with self._database.writing() as session:
            kept = list(session.exec(select(KeptRow).where(KeptRow.file == self._name).order_by(col(KeptRow.id))))
            rows, met = self._united(found, kept, lost=not seen)
            if [row.id for row in rows] != [row.id for row in kept]:
                session.exec(delete(KeptRow).where(col(KeptRow.file) == self._name))
                session.expunge_all()
                rows = [KeptRow(**row.model_dump(exclude={"id"})) for row in rows]
                _insert(session, rows)
        standing = [row for row in rows if not row.withdrawn]
        says = self._form.parsed(joined(self._form.header(), [row.text for row in standing]), str(self.path)).rows
        self._seen, self._head = seen, content.head
        self._entries = [
            _Entry(row.id or 0, row.text, one.says, row.batch) for row, one in zip(standing, says, strict=True)
        ]
        return met, len(standing) != len(found) or met.restored > 0

    def _united(self, found: Sequence[str], kept: Sequence[KeptRow], *, lost: bool) -> tuple[list[KeptRow], Met]:
        """Return the rows of the file in its order, then those that only the database has.

        Args:
            found: texts of the rows of the file.
            kept: rows of the database; what is to be said of them now is set.
            lost: there is no file, or an empty one: it says nothing of the rows that it had.
        """
        left: dict[str, deque[KeptRow]] = defaultdict(deque)
        for row in sorted(kept, key=lambda row: (row.withdrawn, row.id or 0)):
            left[without_blank_rows(row.text)].append(row)
        rows, added = [], 0
        for text in found:
            same = left[without_blank_rows(text)]
            row = same.popleft() if same else KeptRow(file=self._name, text=text)
            if row.id is None or (row.withdrawn and row.written):  # put in, or put back, by others
                added += 1
                row.withdrawn = False
            row.text, row.written = text, not row.withdrawn
            rows.append(row)
        rest = sorted((row for same in left.values() for row in same), key=lambda row: row.id or 0)
        gone = [row for row in rest if row.written and not row.withdrawn and not lost]
        for row in gone:
            row.withdrawn = True
        return [*rows, *rest], Met(added, sum(not row.withdrawn for row in rest), len(gone))

    def _put(self, decided: Sequence[tuple[str, Kind]], batch: int | None) -> None:
        rows = [KeptRow(file=self._name, text=text, batch=batch) for text, _ in decided]
        with self._database.writing() as session:
            _insert(session, rows)
        self._entries += [
            _Entry(row.id or 0, text, says, batch) for row, (text, says) in zip(rows, decided, strict=True)
        ]

    def _latest_batch(self) -> int:
        return max((entry.batch or 0 for entry in self._entries), default=0)

    def _write(self) -> None:
        """Write the file, with what others changed there since it was last seen; then note that it was written."""
        self.version += 1
        self._behind = True
        if self._on_disk() != self._seen:
            met, _ = self._meet()
            log.warning(
                "%s: changed by others: %d rows taken in, %d withdrawn", self.path, met.added, met.removed
            )  # fmt: skip
        text = self.text().encode("utf-8")
        if text != self._seen:
            with replacing(self.path.resolve()) as temporary:  # a link keeps pointing there
                temporary.write_bytes(text)
            self._seen = text
        with self._database.writing() as session:
            session.exec(update(KeptRow).where(col(KeptRow.file) == self._name).values(written=True))
        self._behind = False

    def _on_disk(self) -> bytes | None:
        """Return the bytes of the file, None where there is none."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None


def _insert(session: Session, rows: Sequence[KeptRow]) -> None:
    """Add rows in their order; afterwards each has its id."""
    session.add_all(rows)  # rows of one table are inserted in the order in which they were added
    session.flush()
