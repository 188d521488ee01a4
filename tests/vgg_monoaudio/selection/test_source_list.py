"""Lists of sources and folders of clips: what is taken, under which name, and what is refused where."""

from pathlib import Path

import pandas as pd
import pytest

from vgg_monoaudio.selection.source_list import R1, BadSourceList, find_clips, read_source_list


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
def test_a_start_that_is_no_number_of_seconds_is_refused(listed, start):
    with pytest.raises(BadSourceList, match=f"line 2: start_seconds is '{start}', expected seconds from 0 on"):
        listed(f"clip_id,label,category,start_seconds\na,hum,T,{start}\n")


def test_an_absent_list_and_one_that_is_no_text_are_refused(listed, tmp_path):
    with pytest.raises(BadSourceList, match=r"absent\.csv: no such list; a list is a CSV with the columns"):
        read_source_list(tmp_path / "absent.csv")
    (tmp_path / "list.csv").write_bytes(b"clip_id,label\n\xff\xfe,hum\n")
    with pytest.raises(BadSourceList, match="not a table"):
        read_source_list(tmp_path / "list.csv")


def test_the_list_that_ships_is_read_whole():
    table = read_source_list(R1)
    assert len(table) == 67
    assert table["label"].nunique() == 39
    assert table["category"].nunique() == 8
    assert (table["start_seconds"] == 0).all()


# Folders


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_clips_are_found_under_the_ids_of_vggsounds_layouts(tmp_path):
    touch(tmp_path, "aaaaaaaaaaa_000030.mp4", "deep/er/bbbbbbbbbbb_30_40.MKV", "c/-cccccccc_c_30000_40000.webm")
    found = find_clips(tmp_path)
    assert found["aaaaaaaaaaa_000030"] == tmp_path / "aaaaaaaaaaa_000030.mp4"
    assert found["bbbbbbbbbbb_000030"] == tmp_path / "deep/er/bbbbbbbbbbb_30_40.MKV"
    assert found["-cccccccc_c_000030"] == tmp_path / "c/-cccccccc_c_30000_40000.webm"


def test_clips_of_ones_own_are_known_by_their_stem(tmp_path):
    touch(tmp_path, "my dog.mov", "v1.2.mp4")
    assert find_clips(tmp_path) == {"my dog": tmp_path / "my dog.mov", "v1.2": tmp_path / "v1.2.mp4"}


def test_what_is_no_clip_is_passed_over(tmp_path):
    touch(tmp_path, "notes.txt", ".hidden.mp4", "a.wav", "folder.mp4/inside.mp4")
    assert find_clips(tmp_path) == {"inside": tmp_path / "folder.mp4/inside.mp4"}


@pytest.mark.parametrize(
    ("names", "clip"),
    [
        (("a/aaaaaaaaaaa_000030.mp4", "b/aaaaaaaaaaa_000030.mp4"), "aaaaaaaaaaa_000030"),
        (("aaaaaaaaaaa_000030.mp4", "aaaaaaaaaaa_30_40.mp4"), "aaaaaaaaaaa_000030"),
        (("mine.mp4", "mine.mkv"), "mine"),
        (("a/aaaaaaaaaaa_30_40.mp4", "b/aaaaaaaaaaa_30_40.mp4"), "aaaaaaaaaaa_30_40"),
    ],
)
def test_two_files_for_one_clip_are_refused_with_both(tmp_path, names, clip):
    touch(tmp_path, *names)
    with pytest.raises(BadSourceList, match=f"two files for clip {clip}: ") as raised:
        find_clips(tmp_path)
    assert all(str(tmp_path / name) in str(raised.value) for name in names)


def test_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(BadSourceList, match="absent: no such folder of clips"):
        find_clips(tmp_path / "absent")


def test_real_clips_are_found_by_their_names(real_media):
    assert set(find_clips(real_media)) == {
        "3qesirWAGt4_000020", "0B4dYTMsgHA_000130", "F8Zt3mYlOqU_000094", "airplane_vgg", "basketball_bounce",
        "flute_vgg",
    }  # fmt: skip


def test_a_file_of_decisions_gives_the_clips_that_were_accepted(tmp_path):
    from dataclasses import replace

    from vgg_monoaudio.selection.decisions import Decision, append_decisions

    yes = Decision(
        clip_id="3qesirWAGt4_000020", single_source=True, visible=True, label_matches=True, label="dog barking",
        start_offset_seconds=1.5, reviewer="ann", note="", time="2026-01-01T00:00:00Z",
    )  # fmt: skip
    no = replace(yes, clip_id="0B4dYTMsgHA_000130", single_source=False)
    append_decisions(tmp_path / "curation.csv", [yes, no])
    listed = read_source_list(tmp_path / "curation.csv")
    assert listed["clip_id"].to_list() == ["3qesirWAGt4_000020"]
    assert listed["start_seconds"].to_list() == [1.5]
