from dataclasses import replace

import pytest

from benchmark.report import build_table, collect
from benchmark.report.tables.cells import Block, Cell, Section, Table
from benchmark.report.tables.marks import MARKS, marks_explained, marks_of

CELL = Cell("1.2", 1.23, ("1.0", "1.5"), "0.1")


def table(**options):
    return Table((), (), "caption", ("one note.",), **options)


@pytest.mark.parametrize(
    ("options", "beside"),
    [
        ({}, "[1.0, 1.5]"),
        ({"standard_errors": True}, "± 0.1"),
        ({"intervals": False}, ""),
        ({"intervals": False, "standard_errors": True}, ""),
    ],
)
def test_beside_a_value_stands_what_the_table_was_asked_to_show(options, beside):
    assert table(**options).beside(CELL) == beside


@pytest.mark.parametrize("standard_errors", [False, True])
def test_nothing_stands_beside_a_value_without_an_interval(standard_errors):
    assert table(standard_errors=standard_errors).beside(Cell("1.2", 1.23)) == ""


def test_the_note_on_intervals_comes_first_and_only_where_intervals_are_shown():
    assert table(interval_note="In brackets: x.").remarks == ("In brackets: x.", "one note.")
    assert table(interval_note="In brackets: x.", intervals=False).remarks == ("one note.",)
    assert table().remarks == ("one note.",)


def test_a_block_has_the_lines_of_its_sections_in_order(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("oracle", "tiny-foley")]
    (block,) = build_table(collect(runs)).blocks
    assert [section.title for section in block.sections] == ["Models", "Controls"]
    assert [line.label for line in block.lines] == ["tiny-foley", "oracle"]
    assert Block("single", (Section("published", ()),)).title == "Single clips"


def test_a_row_carries_every_mark_that_holds_and_each_is_explained_once(world, tmp_path):
    bad = world.Settings(failed=(0,), untrained=True, unverified=True)
    (row,) = collect([world.write_run(tmp_path, "tiny-foley", "inter", bad)]).rows
    good = replace(row, scored=row.expected, untrained=False, unverified=False)
    assert marks_of(row) == "†‡§"
    assert marks_of(good) == ""
    assert marks_explained([row, row, good]) == tuple(f"{mark} {meaning}" for mark, meaning in MARKS.items())
    assert marks_explained([good]) == ()
