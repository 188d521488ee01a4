"""What is answered, in one SQLite file: on the disk before it is acknowledged, and of a known form."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlmodel import Session, create_engine

log = logging.getLogger(__name__)

BUSY_MILLISECONDS = 10_000  # how long a request waits for another that writes
COMPACTING_SECONDS = (0.0, 0.05, 0.2, 0.5)  # pauses before the tries of who asks for it, while others go on

_FULL = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")


class UnusableDatabase(Exception):
    """A database that this version cannot use; the message says what to do."""


class LostDatabase(Exception):
    """A file of the database was removed or replaced while it was open: what is written goes nowhere."""


class Database:
    """One SQLite file, read by many threads and written by one at a time.

    What is committed is on the disk: the journal is written ahead and flushed at every commit, so neither a killed
    server nor a loss of power takes back what a rater was told is kept.
    """

    def __init__(self, path: Path, room: str) -> None:
        """Open the file, made where there is none, and bring it to the present form.

        Args:
            path: the file; `-wal` and `-shm` lie beside it while it is open.
            room: package with a folder `migrations`, such as "benchmark.web.study".

        Raises:
            UnusableDatabase: not a database, or one of a later version.
        """
        self.path = path
        self._engine = create_engine(
            make_url("sqlite://").set(database=str(path)), connect_args={"check_same_thread": False}, pool_size=16,
            max_overflow=32,
        )  # fmt: skip
        event.listen(self._engine, "connect", _prepared)
        event.listen(self._engine, "begin", _begun)
        self._turn = threading.Lock()  # threads queue here; SQLite itself would make them sleep and try again
        self._uncompacted = True  # a server that was killed may have left something
        try:
            _brought_up(self._engine, path, room)
        except DatabaseError as error:
            self._engine.dispose()
            if storage_fault(error):
                raise
            raise UnusableDatabase(f"{path}: not a database of {room}: {error.orig}") from error
        except BaseException:
            self._engine.dispose()
            raise
        self._compact_late()
        self._files = self._found()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that sees one state of the database and writes nothing."""
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                yield session
        finally:
            self._compact_late()  # this may be what held it up

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session that alone may write; on the disk when the block has ended without an error.

        Raises:
            LostDatabase: at the end; what was written is not to be acknowledged.
        """
        with self._turn, self._engine.connect() as connection:
            writer = connection.execution_options(writes=True)
            with Session(bind=writer, expire_on_commit=False) as session, session.begin():
                yield session
                self._check_there()
            self._check_there()
        self._compact_late()

    def compact(self, pauses: Sequence[float] = COMPACTING_SECONDS) -> bool:
        """Let nothing that was deleted lie in the file or in the journal beside it; return whether nothing does.

        Whoever reads an earlier state holds it up, in another process too. It is then tried again whenever a session
        ends, when the database is closed and when it is opened, until it succeeds.

        Args:
            pauses: seconds before each try. Nobody else waits meanwhile.
        """
        self._uncompacted = True
        fault = ""
        for seconds in pauses:
            time.sleep(seconds)
            with self._turn:
                fault = self._checkpoint()
            if not fault:
                return True
        log.warning("%s: what was deleted is still in its journal (%s); it is tried again", self.path, fault)
        return False

    def close(self) -> None:
        """Close every connection."""
        self._compact_late()
        self._engine.dispose()

    def _found(self) -> Mapping[Path, tuple[int, int]]:
        """Return device and inode of each file under the name by which it was opened."""
        paths = [self.path.with_name(f"{self.path.name}{end}") for end in ("", "-wal", "-shm")]
        return {path: (at.st_dev, at.st_ino) for path in paths if (at := _stat(path)) is not None}

    def _check_there(self) -> None:
        found = self._found()
        for path, inode in self._files.items():
            if found.get(path) != inode:
                raise LostDatabase(
                    f"{path}: {'replaced' if path in found else 'removed'} while it was open; stop the server, put the "
                    "files back as they were, and start it again"
                )

    def _compact_late(self) -> None:
        """Try once more what failed, unless somebody writes, who will try it too."""
        if self._uncompacted and self._turn.acquire(blocking=False):
            try:
                self._checkpoint()
            finally:
                self._turn.release()

    def _checkpoint(self) -> str:
        """Move the journal into the file and empty it, waiting for nobody; return why it could not be done, or ""."""
        fault = "somebody reads an earlier state"
        try:
            with closing(self._engine.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute("PRAGMA busy_timeout = 0")
                try:
                    busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        except sqlite3.DatabaseError as error:  # of the disk; what was committed is safe in the journal
            busy, fault = True, str(error)
        self._uncompacted = bool(busy)
        return fault if busy else ""


def storage_fault(error: BaseException) -> str | None:
    """Return why the disk took no write ("database or disk is full"); None where an error says no such thing."""
    if isinstance(error, LostDatabase):
        return str(error)
    cause = error.orig if isinstance(error, DatabaseError) else error
    name = getattr(cause, "sqlite_errorname", "") if isinstance(cause, sqlite3.Error) else ""
    return str(cause) if name.startswith(_FULL) else None


def is_busy(error: BaseException) -> bool:
    """Tell whether a write gave up waiting for another."""
    cause = error.orig if isinstance(error, OperationalError) else error
    return str(getattr(cause, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _prepared(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 would begin transactions by itself, and late; `_begun` does
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON",
        f"busy_timeout={BUSY_MILLISECONDS}",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")


def _begun(connection: Any) -> None:
    """Begin; a transaction that writes takes the right to at once, since one that reads first could not wait for it."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _brought_up(engine: Engine, path: Path, room: str) -> None:
    config = Config()
    scripts = Path(str(import_module(room).__file__)).parent / "migrations"
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        at = _revision(connection)
        if at is not None and at not in known:
            raise UnusableDatabase(
                f"{path}: written by a later version of this suite (form {at}); use that version, or a new folder"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Any) -> str | None:
    tables = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    if not tables:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
