"""The tables of the documents are written between marks, from rows, and nothing around them changes."""

from pathlib import Path

import pytest

from benchmark.cli import docs_tables

DOCS = Path(__file__).resolve().parents[3] / "docs"
TEXT = """# Birds

<!-- table: birds -->
| old |
<!-- end of table -->

Between.

<!-- table: birds-rare -->
<!-- end of table -->
The end.
"""
WRITTEN = """# Birds

<!-- table: birds -->
| name |
|---|
| tit |
<!-- end of table -->

Between.

<!-- table: birds-rare -->
| name |
|---|
| ibis |
<!-- end of table -->
The end.
"""


TABLES = {"birds": "| name |\n|---|\n| tit |", "birds-rare": "| name |\n|---|\n| ibis |"}


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(docs_tables, "tables", lambda: TABLES)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "plain.md").write_text("no table here\n")
    path = tmp_path / "docs" / "birds.md"
    path.write_text(TEXT)
    return path


def test_tables_are_written_between_their_marks(command, page):
    done = command("docs-tables")
    assert (done.status, done.out) == (0, "docs/birds.md: written\n")
    assert page.read_text() == WRITTEN


def test_what_is_up_to_date_is_not_written_again(command, page):
    page.write_text(WRITTEN)
    before = page.stat().st_mtime_ns
    assert command("docs-tables").out == "docs: 1 document with tables, all up to date\n"
    assert page.stat().st_mtime_ns == before


def test_a_check_writes_nothing_and_leaves_with_status_1(command, page):
    done = command("docs-tables", "--check")
    assert (done.status, done.out) == (1, "docs/birds.md: not up to date\n")
    assert page.read_text() == TEXT
    page.write_text(WRITTEN)
    assert command("docs-tables", "--check").status == 0


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("table: birds -->", "table: brids -->", "docs/birds.md: no table is called 'brids'; did you mean birds"),
        ("table: birds -->", "table: x -->", "docs/birds.md: no table is called 'x'; there are birds, birds-rare"),
        (
            "rare -->\n<!-- end of table -->",
            "rare -->",
            "docs/birds.md: 2 tables begin, 1 of them end; close each with",
        ),
    ],
    ids=["misspelt", "unknown", "open"],
)
def test_marks_that_cannot_be_filled_are_one_line_and_nothing_is_written(command, page, before, after, message):
    text = TEXT.replace(before, after)
    page.write_text(text)
    done = command("docs-tables")
    assert done.status == 2
    assert done.message.startswith(message)
    assert page.read_text() == text


@pytest.mark.parametrize("more", [[], ["--check"]])
def test_a_folder_without_tables_is_one_line_and_not_up_to_date(command, page, more):
    page.unlink()
    done = command("docs-tables", *more)
    assert (done.status, done.out) == (2, "")
    assert done.message.startswith("docs: no document here has a table; mark its place with <!-- table: NAME -->")


@pytest.mark.parametrize(
    ("verb", "names"),
    [
        (["list-metrics"], ["metrics"]),
        (["list-metrics", "--extended"], ["extended metrics"]),
        (["list-models"], ["models", "controls", "programs", "recipes", "rows of the paper"]),
    ],
)
def test_the_lists_print_the_tables_of_the_documents(command, verb, names):
    done = command(*verb, "--markdown")
    known = docs_tables.tables()
    assert (done.status, done.out) == (0, "\n\n".join(known[name] for name in names) + "\n")
    assert done.out.startswith("| name |")


def test_every_table_has_its_place_in_a_document():
    text = "".join(path.read_text() for path in DOCS.glob("*.md"))
    assert {name for name in docs_tables.tables() if text.count(f"<!-- table: {name} -->") != 1} == set()
