"""UnAV-100's annotations: typed, and every video that cannot be read reported with its line."""

import json

import pytest

from vgg_monoaudio.selection.annotations import BadAnnotations
from vgg_monoaudio.selection.unav100 import EVENT_COLUMNS, VIDEO_COLUMNS, read_unav100


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
        pytest.param('{"database": {"a": 1, "a": 2}}', "key 'a' occurs twice", id="a video twice"),
    ],
)
def test_a_file_that_is_not_unav100_s_is_refused_by_name(tmp_path, text, reason):
    path = tmp_path / "unav.json"
    path.write_text(text)
    with pytest.raises(BadAnnotations, match=rf"unav\.json: .*{reason}"):
        read_unav100(path)
