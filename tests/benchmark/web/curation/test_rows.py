"""Rows of a file of decisions: file and database lack nothing of one another, and no byte of a row changes."""

import errno
from contextlib import contextmanager

import pytest
from sqlmodel import select
from support.decisions import A, B, C, decision

from benchmark.web.curation import rows as rows_module
from benchmark.web.curation.rows import KeptRow, KeptRows, Met
from benchmark.web.database import Database
from foundation.files import WriteFailed
from vgg_monoaudio.selection.decision_files import BadCuration
from vgg_monoaudio.selection.decisions import COLUMNS, CURATION, append_decisions, read_decisions

ODD = f"""{",".join(COLUMNS)}
{A},yes,no,yes,dog barking,0,"O'Brien, ""Bo"" <b>",=1+1,2026-01-31T12:00:00Z
"{B}",no,yes,yes,dog barking,1.50,Zoë,"two
lines",2026-01-31
{A},yes,yes,yes,dog barking,0.0,auto:vggsounder-1.0,VGGSounder 1.0: no other sound,2026-01-31T12:00:00+00:00
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "curation.csv"


@pytest.fixture
def kept(path, tmp_path):
    """Open the rows, as a server that begins does; each time anew."""
    databases = []

    def open_rows():
        databases.append(Database(tmp_path / "decisions.sqlite", "benchmark.web.curation"))
        return KeptRows(databases[-1], "clips", path, CURATION)

    yield open_rows
    for database in databases:
        database.close()


def in_database(rows):
    with rows._database.reading() as session:
        return [(row.text, row.withdrawn) for row in session.exec(select(KeptRow).order_by(KeptRow.id))]


def killed_before_writing(monkeypatch, act):
    """Act; the process ends between database and file."""

    class Killed(BaseException):
        pass

    def end(path):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rows_module, "replacing", end)
        with pytest.raises(Killed):
            act()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ODD.encode(), id="quotes, commas, lines, formulas, programs"),
        pytest.param(b"\xef\xbb\xbf" + ODD.encode(), id="byte order mark"),
        pytest.param(ODD.replace("\n", "\r\n").encode(), id="line ends of Windows"),
        pytest.param(ODD.rstrip("\n").encode(), id="no line end at the end"),
    ],
)
def test_what_was_imported_is_exported_byte_for_byte_with_the_new_rows_behind(path, kept, content):
    path.write_bytes(content)
    rows = kept()
    assert (rows.met, rows.text().encode(), path.read_bytes()) == (Met(3, 0), content, content)
    rows.add([decision(C, note='a "word", a\nline, =SUM(A1)')])
    assert path.read_bytes().startswith(content)
    assert read_decisions(path)[3:] == [decision(C, note='a "word", a\nline, =SUM(A1)')]
    again = kept()
    assert (again.met, again.text().encode()) == (Met(0, 0), path.read_bytes())
    assert again.standing() == tuple(read_decisions(path))


def test_a_decision_is_in_database_and_file_when_it_is_acknowledged(path, kept):
    rows = kept()
    assert not path.exists()  # nothing was decided, so there is no file of decisions
    rows.add([decision()])
    assert read_decisions(path) == [decision()]
    assert in_database(rows) == [(CURATION.text(decision()), False)]


def test_what_a_killed_server_did_not_write_is_written_by_the_next(path, kept, monkeypatch):
    rows = kept()
    rows.add([decision(A)])
    killed_before_writing(monkeypatch, lambda: rows.add([decision(B)]))
    assert read_decisions(path) == [decision(A)]
    assert kept().met == Met(added=0, restored=1)
    assert read_decisions(path) == [decision(A), decision(B)]


def test_rows_that_others_added_are_taken_in_where_they_stand(path, kept, monkeypatch):
    rows = kept()
    rows.add([decision(A)])
    killed_before_writing(monkeypatch, lambda: rows.add([decision(B)]))
    append_decisions(path, [decision(C, "bob")])
    again = kept()
    assert again.met == Met(added=1, restored=1)
    assert read_decisions(path) == list(again.standing()) == [decision(A), decision(C, "bob"), decision(B)]
    assert kept().met == Met(0, 0)


def test_a_file_that_was_removed_comes_back(path, kept):
    kept().add([decision(A)])
    path.unlink()
    assert kept().met == Met(0, restored=1)
    assert read_decisions(path) == [decision(A)]


def test_a_row_that_was_corrected_by_hand_stays_corrected(path, kept):
    kept().add([decision(A), decision(B), decision(C)])
    header, first, _, third = path.read_text().splitlines(keepends=True)
    path.write_text(header + first.replace(",yes,", ",no,", 1) + third)
    corrected = path.read_bytes()
    again = kept()
    assert again.met == Met(added=1, restored=0, removed=2)
    assert path.read_bytes() == corrected
    assert again.standing() == tuple(read_decisions(path)) != ()
    assert kept().met == Met(0, 0)


def test_a_row_that_was_taken_back_and_put_into_the_file_again_counts(path, kept):
    rows = kept()
    rows.add([decision(A)])
    full = path.read_bytes()
    rows.take_back(lambda made: True)
    path.write_bytes(full)
    again = kept()
    assert (again.met, again.standing()) == (Met(added=1, restored=0), (decision(A),))


def test_what_others_change_while_it_is_served_is_taken_in_before_the_file_is_written(path, kept):
    rows = kept()
    rows.add([decision(A), decision(B)])
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2] + CURATION.text(decision(C, "bob")))  # one is removed, one is added
    rows.add([decision(A, "cyd")])
    wanted = [decision(B), decision(C, "bob"), decision(A, "cyd")]
    assert read_decisions(path) == list(rows.standing()) == wanted
    assert kept().met == Met(0, 0)


@pytest.mark.parametrize("blank", ["\n", ",,,,,,,,\n"])
def test_blank_rows_that_others_left_change_nothing_and_stay(path, kept, blank):
    rows = kept()
    rows.add([decision(A)])
    rows.add([decision(B)])
    path.write_text("".join(blank + line for line in path.read_text().splitlines(keepends=True)) + blank)
    left = path.read_text()
    rows.add([decision(C)])
    assert path.read_text() == left + CURATION.text(decision(C))
    again = kept()
    assert (again.met, again.standing()) == (Met(0, 0), (decision(A), decision(B), decision(C)))
    for made in (C, B, A):  # undo knows its own rows again
        assert again.take_back(lambda _: True) == [decision(made)]
    assert read_decisions(path) == []


def test_a_file_that_others_left_malformed_is_not_written_over(path, kept):
    rows = kept()
    rows.add([decision(A)])
    good = path.read_bytes()
    path.write_bytes(good + b"half a row")
    with pytest.raises(BadCuration, match=r"curation.csv:3: "):
        rows.add([decision(B)])
    assert path.read_bytes() == good + b"half a row"
    path.write_bytes(good)
    rows.add([decision(B)])
    assert read_decisions(path) == [decision(A), decision(B)]


def test_two_rows_of_one_text_are_two_rows(path, kept):
    append_decisions(path, [decision(A), decision(A)])
    assert len(kept().standing()) == 2
    assert kept().met == Met(0, 0)


def test_undo_takes_back_one_s_own_last_stroke_and_no_other_s(path, kept):
    append_decisions(path, [decision(A, "ada")])
    rows = kept()
    rows.add([decision(B, "ada"), decision(C, "ada")])  # at one stroke
    rows.add([decision(B, "bob")])
    mine = lambda made: made.reviewer == "ada"  # noqa: E731
    assert rows.take_back(mine) == [decision(B, "ada"), decision(C, "ada")]
    assert read_decisions(path) == list(rows.standing()) == [decision(A, "ada"), decision(B, "bob")]
    assert rows.take_back(mine) == []  # what was imported was not decided here


def test_undo_goes_on_where_a_server_began_anew(path, kept):
    kept().add([decision(A)])
    rows = kept()
    assert rows.take_back(lambda made: True) == [decision(A)]
    assert read_decisions(path) == []


def test_what_was_taken_back_stays_so_when_the_file_could_not_be_told(path, kept, monkeypatch):
    rows = kept()
    rows.add([decision(A)])
    killed_before_writing(monkeypatch, lambda: rows.take_back(lambda made: True))
    assert read_decisions(path) == [decision(A)]
    assert kept().standing() == ()
    assert read_decisions(path) == []


@contextmanager
def full(path):
    """Stand for `replacing` on a full disk."""
    raise WriteFailed(errno.ENOSPC, "No space left on device", str(path))
    yield


def test_a_file_that_takes_no_more_is_written_when_it_does(path, kept, monkeypatch):
    rows = kept()
    with monkeypatch.context() as patch:
        patch.setattr(rows_module, "replacing", full)
        with pytest.raises(WriteFailed, match="No space left"):
            rows.add([decision(A)])
        assert rows.standing() == (decision(A),)  # kept, only the file lacks it
        with pytest.raises(WriteFailed):
            rows.take_back(lambda made: True)
    assert rows.standing() == (decision(A),)
    rows.settle()
    assert read_decisions(path) == [decision(A)]


def refused_by_a_full_disk(monkeypatch, act):
    with monkeypatch.context() as patch:
        patch.setattr(rows_module, "replacing", full)
        with pytest.raises(WriteFailed):
            act()


def test_undo_that_the_file_could_not_be_told_takes_no_more_back_when_it_is_asked_again(path, kept, monkeypatch):
    rows = kept()
    for made in (decision(A), decision(B, "bob"), decision(B), decision(C)):
        rows.add([made])
    mine = lambda made: made.reviewer == "ada"  # noqa: E731
    for _ in range(2):
        refused_by_a_full_disk(monkeypatch, lambda: rows.take_back(mine))
    rows.add([decision(C, "bob")])
    assert rows.take_back(mine) == [decision(C)]
    assert read_decisions(path) == [decision(A), decision(B, "bob"), decision(B), decision(C, "bob")]
    refused_by_a_full_disk(monkeypatch, lambda: rows.take_back(mine))
    rows.add([decision(C)])  # what was decided since is what is taken back next
    assert rows.take_back(mine) == [decision(C)]
    assert read_decisions(path) == [decision(A), decision(B, "bob"), decision(C, "bob")]


def test_rows_of_another_file_are_taken_in_once(path, kept, tmp_path):
    other = tmp_path / "bob.csv"
    append_decisions(other, [decision(A, "bob"), decision(B, "bob")])
    append_decisions(path, [decision(A, "bob")])
    rows = kept()
    assert [rows.take_in(CURATION.content(other)) for _ in range(2)] == [1, 0]
    assert read_decisions(path) == [decision(A, "bob"), decision(B, "bob")]


def test_a_link_keeps_pointing_at_the_file_that_is_written(path, kept, tmp_path):
    real = tmp_path / "elsewhere.csv"
    append_decisions(real, [decision(A)])
    path.symlink_to(real)
    kept().add([decision(B)])
    assert path.is_symlink()
    assert read_decisions(real) == [decision(A), decision(B)]


def test_a_malformed_file_is_refused_before_anything_is_written(path, kept):
    path.write_text(ODD[:-70])
    before = path.read_bytes()
    with pytest.raises(BadCuration, match=r"curation.csv:5: "):
        kept()
    assert path.read_bytes() == before
