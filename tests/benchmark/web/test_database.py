"""What is answered, in one file."""

import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError
from sqlmodel import text

from benchmark.web.database import BUSY_MILLISECONDS, Database, LostDatabase, UnusableDatabase, is_busy, storage_fault

ENVIRONMENT = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
"""
FIRST = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0001", None
def upgrade():
    op.create_table("answer", sa.Column("points", sa.Integer, nullable=False))
"""
SECOND = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("answer", sa.Column("note", sa.String, nullable=False, server_default=""))
"""


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with one migration; a second may be added to `versions`."""
    versions = tmp_path / "rooms" / "paper_room" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions.parents[1] / "__init__.py").write_text("")
    (versions.parent / "env.py").write_text(ENVIRONMENT)
    (versions / "first.py").write_text(FIRST)
    monkeypatch.syspath_prepend(tmp_path / "rooms")
    monkeypatch.delitem(__import__("sys").modules, "paper_room", raising=False)
    return versions


@pytest.fixture
def database(room, tmp_path):
    database = Database(tmp_path / "answers.sqlite", "paper_room")
    yield database
    database.close()


def add(session, points):
    session.execute(text(f"INSERT INTO answer (points) VALUES ({points})"))


def points(path: Path):
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT points FROM answer ORDER BY rowid")]


def test_what_was_written_is_there_for_another_process(database):
    with database.writing() as session:
        add(session, 4)
    assert points(database.path) == [4]


def test_a_commit_is_flushed_to_the_disk(database):
    with database.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL: at every commit
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_an_error_takes_the_whole_block_back(database):
    def broken_off():
        with database.writing() as session:
            add(session, 4)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert points(database.path) == []


def test_threads_that_read_and_then_write_lose_nothing(database):
    with database.writing() as session:
        add(session, 0)

    def count_up():
        for _ in range(25):
            with database.writing() as session:
                value = session.execute(text("SELECT points FROM answer")).scalar()
                session.execute(text(f"UPDATE answer SET points = {value + 1}"))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert points(database.path) == [100]


def test_readers_do_not_wait_for_a_writer(database):
    with database.writing() as writer:
        add(writer, 4)
        with database.reading() as reader:
            assert reader.execute(text("SELECT count(*) FROM answer")).scalar() == 0


def test_an_earlier_form_is_brought_up_and_keeps_its_rows(database, room):
    with database.writing() as session:
        add(session, 3)
    database.close()
    (room / "second.py").write_text(SECOND)
    later = Database(database.path, "paper_room")
    with later.reading() as session:
        assert session.execute(text("SELECT points, note FROM answer")).all() == [(3, "")]
    later.close()


def test_a_later_form_is_refused_and_left_alone(database, room):
    database.close()
    (room / "second.py").write_text(SECOND)
    Database(database.path, "paper_room").close()
    (room / "second.py").unlink()
    before = database.path.read_bytes()
    with pytest.raises(UnusableDatabase, match="written by a later version of this suite"):
        Database(database.path, "paper_room")
    assert database.path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(room, tmp_path):
    (tmp_path / "answers.sqlite").write_bytes(b"rater,AQ\n" * 200)
    with pytest.raises(UnusableDatabase, match="not a database of paper_room"):
        Database(tmp_path / "answers.sqlite", "paper_room")


def test_a_full_disk_is_told_from_other_faults_and_room_made_later_suffices(database):
    with database.writing() as session:
        session.execute(text("PRAGMA max_page_count = 1"))  # SQLite raises it to what the file has
        with pytest.raises(DatabaseError) as caught:
            session.execute(text("INSERT INTO answer (points) VALUES (randomblob(1000000))"))
        assert storage_fault(caught.value) == "database or disk is full"
        session.execute(text("PRAGMA max_page_count = 1000000"))
    with database.writing() as session:
        add(session, 5)
    assert points(database.path)[-1] == 5
    assert storage_fault(ValueError("database or disk is full")) is None


def test_a_writer_of_another_program_makes_it_busy(database):
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.reading() as session:
        session.execute(text("PRAGMA busy_timeout = 1"))
    with pytest.raises(DatabaseError) as caught, database.writing() as session:
        add(session, 1)
    other.close()
    assert is_busy(caught.value)
    assert storage_fault(caught.value) is None


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_nothing_is_acknowledged_once_a_file_was_removed_or_replaced(database, end, how):
    path = database.path.with_name(f"{database.path.name}{end}")
    aside = path.with_name("aside")

    def write(points):
        with database.writing() as session:
            add(session, points)

    write(4)
    path.rename(aside)
    if how == "replaced":
        shutil.copy(aside, path)
    with pytest.raises(LostDatabase, match=rf"{path.name}: {how} while it was open; stop the server, put") as caught:
        write(5)
    assert storage_fault(caught.value) == str(caught.value)
    aside.rename(path)
    write(6)
    assert points(database.path) == [4, 6]


def test_what_is_removed_while_it_is_written_is_not_acknowledged(database):
    def write_and_lose():
        with database.writing() as session:
            add(session, 4)
            database.path.unlink()

    with pytest.raises(LostDatabase, match="removed while it was open"):
        write_and_lose()


def journal(database):
    return database.path.with_name(f"{database.path.name}-wal").read_bytes()


def delete_all(database):
    with database.writing() as session:
        session.execute(text("DELETE FROM answer"))


def test_what_was_deleted_lies_neither_in_the_file_nor_in_the_journal(database):
    with database.writing() as session:
        session.execute(text("INSERT INTO answer (points) VALUES ('SECRET77')"))
    assert b"SECRET77" in journal(database)
    delete_all(database)
    assert database.compact()
    assert b"SECRET77" not in journal(database) + database.path.read_bytes()


@pytest.mark.parametrize("ends", ["a reader here", "a write after one elsewhere", "a reader after one elsewhere"])
def test_who_reads_an_earlier_state_puts_the_deletion_off_and_no_longer_than_that(database, ends, caplog):
    with database.writing() as session:
        session.execute(text("INSERT INTO answer (points) VALUES ('SECRET77')"))
    elsewhere = sqlite3.connect(database.path, isolation_level=None)
    with database.reading() as reader:
        if ends == "a reader here":
            reader.execute(text("SELECT count(*) FROM answer")).scalar()
        else:
            elsewhere.execute("BEGIN")
            elsewhere.execute("SELECT count(*) FROM answer").fetchone()
        delete_all(database)
        began = time.monotonic()
        assert not database.compact((0.0, 0.0))
        assert time.monotonic() - began < BUSY_MILLISECONDS / 2000  # nobody was waited for
        assert b"SECRET77" in journal(database)
        assert "somebody reads an earlier state" in caplog.text
    if ends != "a reader here":
        assert b"SECRET77" in journal(database)
        elsewhere.execute("COMMIT")
        with database.reading() if "a reader" in ends else database.writing() as session:
            session.execute(text("SELECT count(*) FROM answer")).scalar()
    elsewhere.close()
    assert b"SECRET77" not in journal(database) + database.path.read_bytes()


def test_others_write_while_a_deletion_waits_for_its_next_try(database):
    def pauses():
        yield 0.0
        assert not database._turn.locked()
        with database.writing() as session:
            add(session, 5)
        yield 0.0

    with database.writing() as session:
        add(session, 4)
    with database.reading() as reader:
        reader.execute(text("SELECT count(*) FROM answer")).scalar()
        assert not database.compact(pauses())
    assert points(database.path) == [4, 5]
    with database.reading() as session:
        assert session.execute(text("PRAGMA busy_timeout")).scalar() == BUSY_MILLISECONDS


def test_what_a_killed_server_left_in_the_journal_goes_when_the_database_is_opened(database, tmp_path):
    with database.writing() as session:
        session.execute(text("INSERT INTO answer (points) VALUES ('SECRET77')"))
    delete_all(database)
    left = tmp_path / "left"
    left.mkdir()
    for path in tmp_path.glob("answers.sqlite*"):  # as they lie there when the server is killed
        shutil.copy(path, left / path.name)
    again = Database(left / "answers.sqlite", "paper_room")
    try:
        assert b"SECRET77" not in journal(again) + again.path.read_bytes()
    finally:
        again.close()
