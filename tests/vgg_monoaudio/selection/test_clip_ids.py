"""VGGSound's names of clips: made, taken apart, and found in file names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgg_monoaudio.selection.clip_ids import check_youtube_id, clip_id, clip_id_from_file_name, split_clip_id

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


@pytest.mark.parametrize("name", ["", "short", "twelve_chars", "3qesirWAG 4", "3qesirWAGté"])
def test_what_cannot_be_a_video_of_youtube_is_refused(name):
    with pytest.raises(ValueError, match="youtube_id: expected 11 letters, digits"):
        check_youtube_id(name)


@pytest.mark.parametrize("name", ["3qesirWAGt4_20_31.mp4", "3qesirWAGt4_20500_30500.mp4", "holiday.mp4"])
def test_a_file_name_of_another_range_names_no_clip(name):
    with pytest.raises(ValueError, match="file name: expected"):
        clip_id_from_file_name(name)
