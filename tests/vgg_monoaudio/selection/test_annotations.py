import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgg_monoaudio.selection.annotations import (
    CLIP_COLUMNS,
    EVENT_COLUMNS,
    PROBLEM_COLUMNS,
    TRIM_COLUMNS,
    VIDEO_COLUMNS,
    BadAnnotations,
    clip_id,
    clip_id_from_file_name,
    describe_problems,
    read_trims,
    read_unav100,
    read_vggsound,
    split_clip_id,
)

youtube_ids = st.text("abcXYZ019_-", min_size=11, max_size=11)


@given(youtube_ids, st.integers(0, 999_999))
def test_a_clip_id_splits_into_what_it_was_made_of(youtube_id, start):
    assert split_clip_id(clip_id(youtube_id, start)) == (youtube_id, start)


@given(youtube_ids, st.integers(0, 9_000))
def test_the_three_layouts_of_a_file_name_name_one_clip(youtube_id, start):
    expected = clip_id(youtube_id, start)
    assert clip_id_from_file_name(f"{expected}.mp4") == expected
    assert clip_id_from_file_name(f"{youtube_id}_{start}_{start + 10}.mp4") == expected
    assert clip_id_from_file_name(f"{youtube_id}_{start * 1000}_{(start + 10) * 1000}.mkv") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("-x--_-_1_2_30_30_40.mp4", None, id="an id that is too long"),
        pytest.param("a_30_40_-_b_30_40.mp4", "a_30_40_-_b_000030", id="an id that looks like a range"),
        pytest.param("a_000030_-b_000030.mp4", "a_000030_-b_000030", id="an id that looks like a start"),
        pytest.param("3qesirWAGt4_30_35.mp4", None, id="5 s"),
        pytest.param("3qesirWAGt4_500_10500.mp4", None, id="half a second"),
        pytest.param("3qesirWAGt4_30.mp4", None, id="no end"),
        pytest.param("cover.jpg", None, id="no clip at all"),
    ],
)
def test_underscores_in_the_id_do_not_confuse_the_layouts(name, expected):
    if expected:
        assert clip_id_from_file_name(name) == expected
    else:
        with pytest.raises(ValueError, match="file name: expected"):
            clip_id_from_file_name(name)


@pytest.mark.parametrize(
    ("youtube_id", "start", "message"),
    [("short", 0, "11 letters"), ("3qesirWAGt4", -1, "0 to 999999"), ("3qesirWAGt4", 1_000_000, "0 to 999999")],
)
def test_what_makes_no_clip_id_is_refused(youtube_id, start, message):
    with pytest.raises(ValueError, match=message):
        clip_id(youtube_id, start)


def test_both_public_forms_of_vggsound_s_list_give_the_same_table(tmp_path):
    long, short = tmp_path / "long.csv", tmp_path / "short.csv"
    long.write_text('--0PQM4-hqg,30,"bird chirping, tweeting",test\n3qesirWAGt4,20,dog barking,test\n')
    short.write_text('--0PQM4-hqg_000030.mp4,"bird chirping, tweeting"\n3qesirWAGt4_000020.mp4,dog barking\n')
    table = read_vggsound(long)
    assert table.rows.equals(read_vggsound(short).rows)
    assert table.rows.iloc[0].to_list() == ["--0PQM4-hqg_000030", "--0PQM4-hqg", 30, "bird chirping, tweeting", "test"]
    assert table.problems.empty
    assert table.rows.dtypes.astype(str).to_dict() == CLIP_COLUMNS


def test_a_byte_order_mark_and_letters_beyond_ascii_are_read(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("3qesirWAGt4,20,chien qui aboie à tue-tête,test\n".encode("utf-8-sig"))
    table = read_vggsound(path)
    assert table.problems.empty
    assert table.rows["label"].to_list() == ["chien qui aboie à tue-tête"]


def test_the_split_of_the_long_form_is_read_and_that_of_the_short_form_given(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("3qesirWAGt4,20,dog barking,train\n")
    assert read_vggsound(path).rows["split"].to_list() == ["train"]
    path.write_text("3qesirWAGt4_000020.mp4,dog barking\n")
    assert read_vggsound(path, split="train").rows["split"].to_list() == ["train"]


def test_every_malformed_row_is_reported_with_its_line_and_the_rest_is_read(tmp_path):
    path = tmp_path / "vggsound.csv"
    path.write_text(
        "youtube_id,start,label,split\n"  # 1: a header, which the public file lacks
        "3qesirWAGt4,20,dog barking,test\n"
        "3qesirWAGt4,20,dog howling,test\n"  # 3: the same clip again
        "short,20,dog barking,test\n"
        "6jiO0tPLK7U,x,dog barking,test\n"
        "6jiO0tPLK7U,20,,test\n"
        "6jiO0tPLK7U,20,dog barking,dev\n"
        "6jiO0tPLK7U_000020.mp4,dog barking\n"  # 8: the other form
        '6jiO0tPLK7U,20,"dog barking,test\n'  # 9: a quote that never ends
        "\n"
        "6jiO0tPLK7U,20,dog barking,test\n"
    )
    table = read_vggsound(path)
    assert table.rows["clip_id"].to_list() == ["3qesirWAGt4_000020", "6jiO0tPLK7U_000020"]
    assert table.problems["line"].to_list() == [1, 3, 4, 5, 6, 7, 8, 9, 10]
    assert list(table.problems.columns) == list(PROBLEM_COLUMNS)
    lines = describe_problems(table.problems)
    assert lines[1] == ("vggsound.csv:3: clip 3qesirWAGt4_000020 is listed before: '3qesirWAGt4,20,dog howling,test'")
    assert "expected 4 fields, as in the rows before, found 2" in lines[6]


def test_the_real_test_list_of_vggsound_is_read_whole(real_annotations):
    table = read_vggsound(real_annotations / "vggsound_test.csv")
    assert table.problems.empty
    assert len(table.rows) == 15_446
    assert table.rows["label"].nunique() == 309
    assert table.rows["clip_id"].is_unique


def test_unav100_s_events_and_videos_are_typed(write_unav100):
    path = write_unav100(
        {
            "3qesirWAGt4": [(0.5, 3, "dog barking"), (2, 61, "man speaking")],  # the last one ends as rounding does
            "--0PQM4-hqg": [(1, 2, "dog barking")],
        }
    )
    unav = read_unav100(path)
    assert unav.problems.empty
    assert unav.videos.to_numpy().tolist() == [["3qesirWAGt4", "train", 60.0], ["--0PQM4-hqg", "validation", 60.0]]
    assert unav.events.iloc[0].to_list() == ["3qesirWAGt4", 0.5, 3.0, "dog barking", 0]
    assert len(unav.events) == 3
    assert unav.videos.dtypes.astype(str).to_dict() == VIDEO_COLUMNS
    assert unav.events.dtypes.astype(str).to_dict() == EVENT_COLUMNS


def damaged(entry: dict, **event: object) -> dict:
    return entry | {"annotations": [entry["annotations"][0] | event]}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda e: [], "expected an object with", id="no object"),
        pytest.param(lambda e: {"subset": "test", "duration": 60.0}, 'and "annotations"', id="no annotations"),
        pytest.param(lambda e: e | {"subset": "dev"}, "subset: expected one of train, validation, test", id="subset"),
        pytest.param(lambda e: e | {"duration": 0}, "duration: expected seconds above 0, found 0", id="duration"),
        pytest.param(lambda e: e | {"duration": True}, "duration: expected seconds", id="duration true"),
        pytest.param(lambda e: e | {"annotations": []}, "a list of at least one event", id="no events"),
        pytest.param(lambda e: damaged(e, segment=[5]), r"annotations\[0\]: segment: expected \[start", id="segment"),
        pytest.param(lambda e: damaged(e, segment=["0", "5"]), "segment: expected", id="segment of text"),
        pytest.param(lambda e: damaged(e, segment=[5, 5]), "0 <= start < end within 60 s", id="empty segment"),
        pytest.param(lambda e: damaged(e, segment=[5, 61.5]), "within 60 s", id="beyond the video"),
        pytest.param(lambda e: damaged(e, label=""), "label: expected a name, found ''", id="label"),
        pytest.param(lambda e: damaged(e, label_id="3"), "label_id: expected a whole number, found '3'", id="label id"),
        pytest.param(lambda e: damaged(e, label="cat meowing"), "0 is 'dog barking' elsewhere", id="two names"),
    ],
)
def test_a_malformed_video_of_unav100_is_left_out_and_reported_with_its_line(write_unav100, damage, reason):
    path = write_unav100({"3qesirWAGt4": [(0, 5, "dog barking")], "6jiO0tPLK7U": [(0, 5, "dog barking")]})
    content = json.loads(path.read_text())
    content["database"]["6jiO0tPLK7U"] = damage(content["database"]["6jiO0tPLK7U"])
    path.write_text(json.dumps(content, indent=1))
    unav = read_unav100(path)
    assert unav.videos["youtube_id"].to_list() == ["3qesirWAGt4"]
    assert set(unav.events["youtube_id"]) == {"3qesirWAGt4"}
    [line] = unav.problems["line"]
    assert '"6jiO0tPLK7U"' in path.read_text().splitlines()[line - 1]
    assert unav.problems["reason"].str.contains(reason).all()


def test_a_malformed_youtube_id_in_unav100_is_reported(write_unav100):
    unav = read_unav100(write_unav100({"v_3qesirWAGt4": [(0, 5, "dog barking")]}))
    assert unav.videos.empty
    assert unav.problems["reason"].str.contains("expected 11 letters").all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("{", "Expecting property name", id="not JSON"),
        pytest.param("[]", 'an object "database" in it', id="a list"),
        pytest.param('{"database": []}', 'an object "database" in it', id="a list of videos"),
        pytest.param('{"database": {"a": 1, "a": 2}}', "key 'a' stands twice", id="a video twice"),
    ],
)
def test_a_file_that_is_not_unav100_s_is_refused_by_name(tmp_path, text, reason):
    path = tmp_path / "unav.json"
    path.write_text(text)
    with pytest.raises(BadAnnotations, match=rf"unav\.json: .*{reason}"):
        read_unav100(path)


def test_trim_offsets_are_read_and_malformed_ones_reported(tmp_path):
    path = tmp_path / "download_video.csv"
    path.write_text(
        "3qesirWAGt4,12,72.5\n3qesirWAGt4,0,10\n6jiO0tPLK7U,5,5\n6jiO0tPLK7U,a,9\n6jiO0tPLK7U,nan,9\n6jiO0tPLK7U,1\n"
    )
    trims = read_trims(path)
    assert trims.rows.to_numpy().tolist() == [["3qesirWAGt4", 12.0, 72.5]]
    assert trims.rows.dtypes.astype(str).to_dict() == TRIM_COLUMNS
    assert trims.problems["line"].to_list() == [2, 3, 4, 5, 6]
