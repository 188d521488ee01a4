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
    assert not plan.of_paper
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
        (lambda text: text.splitlines()[0], "a header and no row"),
        (
            lambda text: text.replace(",kl", ",fad", 1),
            "columns there twice: 'fad'; missing: 'kl'; expected the columns",
        ),
        (lambda text: text.replace("9.0", "inf"), "expected a number, got 'inf'"),
        (lambda text: text.replace("9.0", "1e400"), "expected a number, got '1e400'"),
        (lambda text: text.replace("9.0", "1_0"), "expected a number, got '1_0'"),
        (lambda text: text.replace("9.0", "٣"), "expected a number, got '٣'"),
        (lambda text: text + text.splitlines()[1], "is there 2 times for"),
        (lambda text: text.replace("9.0", ""), "no number in it"),
        (lambda text: text + "x,y\n", "has 2 cells, the header"),
        (lambda text: text.encode("utf-16").decode("latin-1"), "columns missing"),
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


def test_a_file_of_another_encoding_is_named(tmp_path):
    path = write_printed(tmp_path / "t.csv", OWN)
    path.write_bytes(path.read_text().replace("silence", "stillé").encode("latin-1"))
    with pytest.raises(ValueError, match=r"t\.csv: not a CSV in UTF-8 .*; save it as such"):
        plan_of("T", path)


def test_a_row_may_say_how_many_samples_it_is_over(tmp_path):
    path = write_printed(tmp_path / "t.csv", OWN, samples=37)
    assert {row.published_samples for row in plan_of("T", path).rows} == {37}
    path.write_text(path.read_text().replace(",37,", ",some,"))
    with pytest.raises(ValueError, match="samples: expected how many, got 'some'"):
        plan_of("T", path)


@pytest.mark.parametrize("source", ["arXiv:2512.02650, Table D4", "SELVA (https://arxiv.org/abs/2512.02650)"])
def test_the_papers_numbers_are_known_by_their_source_in_whatever_file(tmp_path, source):
    plan = plan_of("T", write_printed(tmp_path / "t.csv", OWN, source=source))
    assert plan.of_paper
    assert {row.published_samples for row in plan.rows if row.subset == "inter"} == {560}


def test_two_rows_of_sounds_from_outside_are_taken_one_at_a_time(tmp_path):
    rows = [(name, "inter", "recorded", {"kl": "1"}) for name in ("A", "B")]
    path = write_printed(tmp_path / "t.csv", rows)
    with pytest.raises(ValueError, match=r"2 rows of inter are of model recorded, .* one at a time with --rows"):
        plan_of("T", path)
    assert len(plan_of("T", path, rows=["A"]).rows) == 1


def test_a_table_is_found_whatever_its_case():
    assert plan_of("d5", rows=["SELVA-S-16k"]).table == "D5"
