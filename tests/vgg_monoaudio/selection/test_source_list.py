"""Lists of sources: what is taken, what is refused where, and how a list is written."""

from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest

from vgg_monoaudio.selection.decisions import Decision, append_decisions
from vgg_monoaudio.selection.source_list import (
    LIST_COLUMNS,
    LONGEST_CLIP_ID_BYTES,
    R1,
    BadSourceList,
    list_path,
    load_source_list,
    read_source_list,
    source_list,
    sources_of_curation,
    write_source_list,
)
from vgg_monoaudio.selection.verdicts import apply_decisions


@pytest.fixture
def listed(tmp_path):
    """Writes a list and reads it."""

    def read(text: str, encoding: str = "utf-8") -> pd.DataFrame:
        (tmp_path / "list.csv").write_text(text, encoding=encoding)
        return read_source_list(tmp_path / "list.csv")

    return read


def rows(table: pd.DataFrame) -> list[tuple]:
    return [tuple(row) for row in table.itertuples(index=False)]


def test_a_list_gives_clip_label_category_and_start_sorted_by_clip(listed):
    table = listed("clip_id,label,category,start_seconds\nb,hum,Tool,1.5\na,buzz,Tool,\n")
    assert list(table.columns) == ["clip_id", "label", "category", "start_seconds"]
    assert rows(table) == [("a", "buzz", "Tool", 0.0), ("b", "hum", "Tool", 1.5)]


def test_known_labels_need_no_category_and_other_columns_are_ignored(listed):
    table = listed("note,label,clip_id\nloud,dog barking,a\n")
    assert rows(table) == [("a", "dog barking", "Animal", 0.0)]


def test_comments_blank_lines_spaces_and_a_byte_order_mark_do_no_harm(listed):
    table = listed("# our list\nclip_id, label,category\n\n a , C# humming,Tool \n,,\n#b,hum,Tool\n", "utf-8-sig")
    assert rows(table) == [("a", "C# humming", "Tool", 0.0)]


def test_labels_that_hold_a_comma_are_quoted(listed):
    assert rows(listed('clip_id,label,category\na,"tweeting, chirping",Bird\n'))[0][1] == "tweeting, chirping"
    with pytest.raises(
        BadSourceList, match=r"line 2: 4 values for 3 columns; put a label that holds a comma in quotes"
    ):
        listed("clip_id,label,category\na,tweeting, chirping,Bird\n")


def test_ids_that_look_like_numbers_or_like_nothing_stay_as_they_are(listed):
    assert [row[0] for row in rows(listed("clip_id,label,category\n007,hum,T\nNA,hum,T\n1e5,hum,T\n"))] == [
        "007",
        "1e5",
        "NA",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "clip_id,category\na,T\n", "column 'label' is missing; expected clip_id,label,category", id="label"
        ),
        pytest.param("id,label\na,T\n", "column 'clip_id' is missing", id="clip_id"),
        pytest.param("", "column 'clip_id' is missing", id="empty file"),
        pytest.param("clip_id,label\n", "no clips in it", id="header alone"),
        pytest.param("clip_id,label,category\na,hum,T\n\n ,hum,T\n", "line 4: clip_id is empty", id="empty id"),
        pytest.param("# c\nclip_id,label,category\na,,T\n", "line 3: label is empty", id="empty label"),
        pytest.param("clip_id,label,category\na\n", "line 2: label is empty", id="short row"),
        pytest.param("clip_id,label,category\na,hum,T\na,hum,T\n", "line 3: clip 'a' is listed twice", id="twice"),
        pytest.param("clip_id,label,category\na,hum,T\n a,hum,T\n", "line 3: clip 'a' is listed", id="twice, spaced"),
        pytest.param("clip_id,label\na,dog barkin\n", "line 2: .*'dog barkin'.*dog barking", id="near label"),
        pytest.param("clip_id,label\na,teapot\n", "line 2: no category given, and label 'teapot'", id="strange label"),
        pytest.param('clip_id,label\na,"hum\n', "not a table", id="open quote"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_file_and_line(listed, tmp_path, text, message):
    with pytest.raises(BadSourceList, match=message) as raised:
        listed(text)
    assert str(raised.value).startswith(f"{tmp_path / 'list.csv'}: ")


@pytest.mark.parametrize("start", ["-1", "soon", "nan", "inf"])
def test_a_start_that_is_not_a_number_of_seconds_is_refused(listed, start):
    with pytest.raises(BadSourceList, match=f"line 2: start_seconds is '{start}', expected seconds from 0 on"):
        listed(f"clip_id,label,category,start_seconds\na,hum,T,{start}\n")


def test_an_absent_list_and_one_that_is_not_text_are_refused(listed, tmp_path):
    with pytest.raises(
        BadSourceList,
        match=r"absent\.csv: no such list; give the path of a CSV with the columns",
    ):
        read_source_list(tmp_path / "absent.csv")
    (tmp_path / "list.csv").write_bytes(b"clip_id,label\n\xff\xfe,hum\n")
    with pytest.raises(BadSourceList, match=r"list\.csv: line 2 is not UTF-8; save it as UTF-8"):
        read_source_list(tmp_path / "list.csv")


def test_the_list_that_ships_is_read_whole():
    table = read_source_list(R1)
    assert len(table) == 67
    assert table["label"].nunique() == 39
    assert table["category"].nunique() == 8
    assert (table["start_seconds"] == 0).all()


def test_a_file_of_decisions_gives_the_clips_that_were_accepted(tmp_path):
    yes = Decision(
        clip_id="3qesirWAGt4_000020", single_source=True, visible=True, label_matches=True, label="dog barking",
        start_offset_seconds=1.5, reviewer="ann", note="", time="2026-01-01T00:00:00Z",
    )  # fmt: skip
    no = replace(yes, clip_id="0B4dYTMsgHA_000130", single_source=False)
    append_decisions(tmp_path / "curation.csv", [yes, no])
    listed = read_source_list(tmp_path / "curation.csv")
    assert listed["clip_id"].to_list() == ["3qesirWAGt4_000020"]
    assert listed["start_seconds"].to_list() == [1.5]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda header, row: (f"# checked twice\n{header}", row), id="comment"),
        pytest.param(lambda header, row: (f"{header},mood", f"{row},good"), id="column more"),
        pytest.param(lambda header, row: (f"{header},", f"{row},"), id="trailing comma"),
        pytest.param(lambda header, row: (header.replace(",", ", "), row), id="blank before a name"),
        pytest.param(lambda header, row: (header.replace(",note", ""), row.replace(",,", ",")), id="column less"),
    ],
)
def test_decisions_with_a_changed_header_are_refused_and_never_read_as_a_list(listed, change):
    header = ",".join(field.name for field in fields(Decision))
    text = "\n".join(change(header, f"{DOG},no,yes,yes,dog barking,0.5,ann,,{NOON}")) + "\n"
    with pytest.raises(BadSourceList, match=r"list\.csv: expected the columns clip_id,single_source,visible"):
        listed(text)


def test_decisions_with_a_quoted_header_are_decisions(listed):
    header = ",".join(f'"{field.name}"' for field in fields(Decision))
    decided = [f"{clip},{single},yes,yes,dog barking,0.5,ann,,{NOON}" for clip, single in ((DOG, "yes"), (CAR, "no"))]
    assert listed("\n".join([header, *decided]))["clip_id"].to_list() == [DOG]


def test_decisions_that_are_not_text_are_refused_by_name(tmp_path):
    file = tmp_path / "curation.csv"
    append_decisions(file, [decision(DOG)])
    file.write_bytes(file.read_bytes().replace(b"ann", b"\xe9a"))
    with pytest.raises(BadSourceList, match=r"curation\.csv: line 2 is not UTF-8; save it"):
        read_source_list(file)


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_an_id_is_one_in_either_unicode_form(listed):
    header = "clip_id,label,category\n"
    assert listed(f"{header}{NFD},hum,T\n")["clip_id"].to_list() == [NFC]
    with pytest.raises(BadSourceList, match=f"line 3: clip '{NFC}' is listed twice"):
        listed(f"{header}{NFC},hum,T\n{NFD},hum,T\n")


def test_a_list_saved_on_windows_is_read_and_one_in_utf_16_is_refused_by_name(tmp_path):
    text = "clip_id,label,category\r\n007,hum,T\r\n"
    (tmp_path / "list.csv").write_bytes(text.encode("utf-8-sig"))
    assert read_source_list(tmp_path / "list.csv")["clip_id"].to_list() == ["007"]
    (tmp_path / "list.csv").write_bytes(text.encode("utf-16"))
    with pytest.raises(BadSourceList, match=r"list\.csv: text in UTF-16; save it as UTF-8 \(in Excel: CSV UTF-8\)"):
        read_source_list(tmp_path / "list.csv")


def test_an_id_that_is_too_long_for_a_file_is_refused_with_its_line(listed):
    header = "clip_id,label,category\n"
    assert len(listed(f"{header}{'x' * LONGEST_CLIP_ID_BYTES},hum,T\n")) == 1
    with pytest.raises(BadSourceList, match="line 2: a clip_id of 232 bytes, at most 230 name a file"):
        listed(f"{header}{'ü' * 116},hum,T\n")


# Strictly, as for r1, and as it is written


def test_a_list_is_given_by_its_path_or_by_the_name_under_which_it_ships(listed, tmp_path):
    written = listed("clip_id,label\na,dog barking\n")
    assert read_source_list(str(tmp_path / "list.csv")).equals(written)
    assert read_source_list("r1").equals(read_source_list(R1))
    assert list_path("r1") == R1


def test_without_a_name_the_list_is_r2():
    assert load_source_list().equals(load_source_list("r2"))


def test_a_file_here_comes_before_a_list_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("r1").write_text("clip_id,label\na,dog barking\n")
    assert read_source_list("r1")["clip_id"].to_list() == ["a"]


@pytest.mark.parametrize("name", ["r9", "r1.funnel", "r2.reserves", "README"])
def test_a_list_that_does_not_ship_is_refused_with_those_that_do(name):
    with pytest.raises(BadSourceList, match=rf"{name}: no such list; give .*a list that ships \(r1, r2\)"):
        read_source_list(name)


def test_a_bad_list_is_a_bad_argument():
    """Callers of before, who caught ValueError, still do."""
    assert issubclass(BadSourceList, ValueError)


def test_a_list_as_it_is_written_keeps_its_order_and_its_other_columns_as_text(tmp_path):
    (tmp_path / "mine.csv").write_text("note,label,clip_id,start_seconds\n1.0,dog barking,b,\nNA,playing harp,a,0.50\n")
    table = load_source_list(tmp_path / "mine.csv", strict=False)
    assert list(table.columns) == ["clip_id", "label", "category", "note", "start_seconds"]
    assert rows(table) == [("b", "dog barking", "Animal", "1.0", ""), ("a", "playing harp", "Music", "NA", "0.50")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("x,dog barking,Animal", "line 2: clip id: expected 11 characters", id="clip"),
        pytest.param("3qesirWAGt4_000020,dog,Animal", "line 2: label 'dog' is not one of", id="label"),
        pytest.param(
            "3qesirWAGt4_000020,dog barking,Human",
            r"mine\.csv: line 2: 'dog barking' is of Animal, not of 'Human'",
            id="category",
        ),
    ],
)
def test_what_a_strict_reader_refuses_another_takes(tmp_path, row, message):
    path = tmp_path / "mine.csv"
    path.write_text(f"clip_id,label,category\n{row}\n")
    for strictly in (lambda: load_source_list(path), lambda: read_source_list(path, strict=True)):
        with pytest.raises(BadSourceList, match=message):
            strictly()
    assert rows(read_source_list(path)) == [(*row.split(","), 0.0)]
    assert rows(load_source_list(path, strict=False)) == [tuple(row.split(","))]


def test_r1_keeps_the_strict_rules():
    assert rows(read_source_list("r1", strict=True)) == rows(read_source_list("r1"))


# Made from decisions

DOG, CAR, HARP = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "ccccc_ccccc_000030"
NOON = "2025-06-01T12:00:00+00:00"


def decision(clip: str, label: str = "dog barking", *, reviewer: str = "ann", yes: bool = True, offset: float = 0.5):
    return Decision(clip, yes, True, True, label, offset, reviewer, "", NOON)


def test_the_list_is_one_that_build_takes(tmp_path):
    applied = apply_decisions([decision(DOG, offset=1.5), decision(CAR, "playing harp"), decision(HARP, yes=False)])
    sources = source_list(applied)
    assert list(sources.columns) == LIST_COLUMNS
    write_source_list(tmp_path / "mine.csv", sources)
    read = read_source_list(tmp_path / "mine.csv")
    assert read.to_numpy().tolist() == [[DOG, "dog barking", "Animal", 1.5], [CAR, "playing harp", "Music", 0.5]]
    assert load_source_list(tmp_path / "mine.csv")["reviewers"].to_list() == ["ann", "ann"]


def test_no_reviewer_s_name_is_a_formula_in_a_list(tmp_path):
    sources = source_list(apply_decisions([decision(DOG)])).assign(reviewers="=HYPERLINK(1), ann")
    write_source_list(tmp_path / "mine.csv", sources)
    assert (tmp_path / "mine.csv").read_text().splitlines()[1].endswith('"\'=HYPERLINK(1), ann"')


def test_a_list_without_clips_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="no clip is accepted"):
        write_source_list(tmp_path / "mine.csv", source_list(apply_decisions([decision(DOG, yes=False)])))
    assert not (tmp_path / "mine.csv").exists()


def test_decisions_alone_give_the_list_of_what_they_accept(tmp_path):
    append_decisions(tmp_path / "curation.csv", [decision(DOG), decision(CAR, yes=False)])
    assert sources_of_curation(tmp_path / "curation.csv")["clip_id"].to_list() == [DOG]


def test_a_clip_id_that_leads_elsewhere_is_refused_with_its_line(tmp_path):
    (tmp_path / "list.csv").write_text("clip_id,label\nmine,dog barking\n../../x,dog barking\n")
    with pytest.raises(BadSourceList, match=r"list\.csv: line 3: expected the name of one file, got '\.\./\.\./x'"):
        read_source_list(tmp_path / "list.csv")
