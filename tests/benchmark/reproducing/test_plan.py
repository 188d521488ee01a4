"""Which rows of a printed table are made, by which models, and which are not."""

import pytest
from support.printed import write_printed

from benchmark.reproducing import plan_of

OWN = [
    ("ours", "inter", "oracle", {"kl": "0.0"}),
    ("silence", "inter", "", {"kl": "9.0"}),
    ("ours", "intra", "distractor", {"kl": "0.1"}),
]


def makers(plan):
    return [(row.name, row.subset, row.model) for row in plan.rows]


def test_a_table_of_the_paper_is_made_in_its_order_by_the_models_that_say_so():
    assert [row.name for row in plan_of("D3").rows][:4] == ["0", "1", "3", "5"]
    assert {row.name: row.model for row in plan_of("D3").rows}["5"] == "selva-s-16k"
    assert {row.subset for row in plan_of("A1").rows} == {"single"}


@pytest.mark.parametrize(
    ("table", "subset", "samples"), [("D3", "inter", 560), ("D5", "intra", 511), ("A1", "single", None)]
)
def test_the_number_of_published_samples_is_known_where_the_paper_says_it(table, subset, samples):
    assert {row.published_samples for row in plan_of(table).rows if row.subset == subset} == {samples}


def test_a_file_of_ones_own_names_the_model_or_the_row_has_its_name(tmp_path):
    plan = plan_of("T", write_printed(tmp_path / "t.csv", OWN))
    assert makers(plan) == [
        ("ours", "inter", "oracle"), ("silence", "inter", "silence"), ("ours", "intra", "distractor"),
    ]  # fmt: skip
    assert {row.published_samples for row in plan.rows} == {None}
    assert not plan.shipped
    assert plan.column("kl", "inter") == ["0.0", "9.0"]


def test_a_file_may_hold_several_tables(tmp_path):
    path = write_printed(tmp_path / "t.csv", OWN)
    other = write_printed(tmp_path / "u.csv", OWN[1:2], table="T-2")
    path.write_text(path.read_text() + other.read_text().splitlines()[1] + "\n")
    assert [len(plan_of(table, path).rows) for table in ("T", "T-2")] == [3, 1]
    with pytest.raises(ValueError, match=r"no row of table '2'; its rows are of table T and T-2"):
        plan_of("2", path)


def test_some_rows_alone_are_made_and_the_others_are_named(tmp_path):
    path = write_printed(tmp_path / "t.csv", OWN)
    plan = plan_of("T", path, rows=["silence", "distractor"])
    assert makers(plan) == [("silence", "inter", "silence"), ("ours", "intra", "distractor")]
    assert plan.left_out == ("ours, inter: not asked for",)


def test_a_row_that_is_not_there_is_refused_with_a_near_one(tmp_path):
    path = write_printed(tmp_path / "t.csv", OWN)
    with pytest.raises(ValueError, match=r"--rows: .* has no row 'silense'; did you mean silence"):
        plan_of("T", path, rows=["silense"])


def test_rows_of_unpublished_weights_are_made_unless_they_are_to_be_skipped():
    unpublished = {row.name for row in plan_of("D3").rows} - {
        row.name for row in plan_of("D3", skip_unpublished=True).rows
    }
    assert unpublished
    assert "5" not in unpublished
    left = plan_of("D3", skip_unpublished=True).left_out
    assert len(left) == 2 * len(unpublished), "on two subsets"
    assert all("its weights are not published" in line for line in left)


def test_table_1_needs_a_file():
    with pytest.raises(
        ValueError, match=r"table 1: its printed numbers do not come with the suite; .* --published FILE"
    ):
        plan_of("1")


def test_a_row_that_no_model_makes_is_refused(tmp_path):
    path = write_printed(tmp_path / "t.csv", [("nobody", "inter", "", {"kl": "1"})])
    with pytest.raises(
        ValueError, match=r"no model is known to make row 'nobody' of table T; name it in a column model"
    ):
        plan_of("T", path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("table,", "tabel,", 1), "expected the columns"),
        (lambda text: text.replace("9.0", "nine"), "row silence, kl: expected a number, got 'nine'"),
        (lambda text: text.splitlines()[0], "expected the columns"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, spoil, message):
    path = write_printed(tmp_path / "t.csv", OWN)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ValueError, match=message):
        plan_of("T", path)


def test_a_spreadsheets_mark_in_front_does_no_harm(tmp_path):
    path = write_printed(tmp_path / "t.csv", OWN)
    path.write_text("\ufeff" + path.read_text())
    assert len(plan_of("T", path).rows) == 3


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.csv: no such file; expected a CSV"):
        plan_of("T", tmp_path / "gone.csv")
