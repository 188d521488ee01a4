"""Files of decisions: every byte of a row comes back, whatever people and programs wrote into it."""

import csv

import pytest
from support.decisions import NOON, A, B, decision

from vgg_monoaudio.selection.decision_files import BadCuration, joined, without_blank_rows
from vgg_monoaudio.selection.decisions import COLUMNS, CURATION, append_decisions, read_decisions
from vgg_monoaudio.selection.pair_decisions import PAIR_DECISIONS, PairDecision

ODD = f"""{",".join(COLUMNS)}
{A},yes,no,yes,dog barking,0,"O'Brien, ""Bo"" <b>",=1+1,2026-01-31T12:00:00Z
"{B}",no,yes,yes,dog barking,1.50,Zoë,"two
lines",2026-01-31
{A},yes,yes,yes,dog barking,0.0,auto:vggsounder-1.0,VGGSounder 1.0: no other sound,2026-01-31T12:00:00+00:00
"""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ODD.encode(), id="quotes, commas, lines, formulas"),
        pytest.param(b"\xef\xbb\xbf" + ODD.encode(), id="byte order mark"),
        pytest.param(ODD.replace("\n", "\r\n").encode(), id="line ends of Windows"),
        pytest.param(ODD.rstrip("\n").encode(), id="no line end at the end"),
        pytest.param(f"\n{ODD}\n\n".encode(), id="blank lines before and behind"),
        pytest.param(ODD.replace(f"\n{A},", f"\n\n \n{A},").encode(), id="blank lines between"),
        pytest.param(ODD.replace(f"\n{A},", f"\r\n,,,,,,,,\r\n{A},").encode(), id="blank rows of a spreadsheet"),
    ],
)
def test_head_and_texts_are_the_bytes_of_the_file(tmp_path, content):
    path = tmp_path / "curation.csv"
    path.write_bytes(content)
    found = CURATION.content(path)
    assert joined(found.head, [row.text for row in found.rows]).encode() == content
    assert [row.says for row in found.rows] == read_decisions(path)
    assert [row.says.reviewer for row in found.rows] == ['O\'Brien, "Bo" <b>', "Zoë", "auto:vggsounder-1.0"]
    assert found.rows[1].says.note in ("two\nlines", "two\r\nlines")


@pytest.mark.parametrize("blank", ["\n", "\r\n\r\n", "\n  \n", "\n,,,,,,,,\n", '\n"",,\n\n', ""])
def test_a_row_is_the_same_with_and_without_blank_rows_behind_it(blank):
    row = '"{A}",no,yes,yes,dog barking,1.50,Zoë,"two\n\n,"""" lines\n,",2026-01-31"'
    assert without_blank_rows(row + blank) == row


def test_rows_are_appended_to_a_file_that_begins_with_a_blank_line(tmp_path):
    path = tmp_path / "curation.csv"
    path.write_text(f"\n{ODD}")
    append_decisions(path, [decision(B)])
    assert read_decisions(path)[-1] == decision(B)
    assert path.read_text() == f"\n{ODD}{CURATION.text(decision(B))}"


def test_a_row_without_line_end_gets_one_when_another_follows():
    assert joined("head\n", ["a", "b\n", "c"]) == "head\na\nb\nc"


def test_the_text_of_a_decision_is_what_is_appended(tmp_path):
    made = decision(note='a "word", a comma', start_offset_seconds=0.52)
    append_decisions(tmp_path / "curation.csv", [made])
    assert CURATION.content(tmp_path / "curation.csv").rows[0].text == CURATION.text(made)


@pytest.mark.parametrize(
    "text", ["=1+1", "'=1", "''=1", "'", "O'Brien", "'tis", "-", "@x", "+1", "\t=1", "\r=1", "'\r=1"]
)
def test_names_and_notes_come_back_and_none_is_a_formula_in_a_spreadsheet(tmp_path, text):
    dashed = "--0PQM4-hqg_000030"  # ids stay as they are
    made = decision(dashed, reviewer=f"{text} x", note=text)
    append_decisions(tmp_path / "curation.csv", [made])
    assert read_decisions(tmp_path / "curation.csv") == [made]
    pair = PairDecision(dashed, A, "car passing by", "driving buses", True, f"{text} x", text, NOON)
    PAIR_DECISIONS.append(tmp_path / "pairs.csv", [pair])
    assert PAIR_DECISIONS.read(tmp_path / "pairs.csv") == [pair]
    for name in ("curation.csv", "pairs.csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            row = next(iter(csv.DictReader(file)))
        assert dashed in row.values()
        assert not row["reviewer"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert not row["note"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_formulas_that_older_files_hold_as_they_are_are_read_as_they_are(tmp_path):
    path = tmp_path / "curation.csv"
    path.write_text(f'{",".join(COLUMNS)}\n{A},yes,no,yes,dog barking,0,=HYPERLINK(1),"-1, +2",2026-01-31\n')
    (made,) = read_decisions(path)
    assert (made.reviewer, made.note) == ("=HYPERLINK(1)", "-1, +2")


def test_a_row_that_was_cut_off_is_named_by_its_line(tmp_path):
    path = tmp_path / "curation.csv"
    path.write_text(ODD[:-60])
    with pytest.raises(BadCuration, match=r"curation.csv:5: "):
        CURATION.content(path)


def as_clips(path, *reviewers):
    append_decisions(path, [decision(reviewer=name) for name in reviewers])


def as_pairs(path, *reviewers):
    labels = ("car passing by", "driving buses")
    PAIR_DECISIONS.append(path, [PairDecision(A, B, *labels, True, name, "", NOON) for name in reviewers])


@pytest.mark.parametrize(
    ("form", "write", "way_out"),
    [
        pytest.param(CURATION, as_clips, "`curate apply --auto` makes one", id="clips"),
        pytest.param(PAIR_DECISIONS, as_pairs, "about pairs; the page of `curate serve` makes one", id="pairs"),
    ],
)
def test_several_files_are_read_in_their_order_each_once(tmp_path, form, write, way_out):
    ann, bob = tmp_path / "ann.csv", tmp_path / "bob.csv"
    write(ann, "ann", "zoe")
    with pytest.raises(ValueError, match=rf"bob\.csv: no such file of decisions.*{way_out}"):
        form.read_all([ann, bob])
    write(bob, "bob")
    assert [made.reviewer for made in form.read_all([bob, ann])] == ["bob", "ann", "zoe"]
    with pytest.raises(ValueError, match=r"ann\.csv: given twice"):
        form.read_all([ann, bob, tmp_path / "." / ".." / tmp_path.name / "ann.csv"])
