import pandas as pd
import pytest

from vgg_monoaudio.selection.annotations import read_vggsound
from vgg_monoaudio.selection.candidates import CANDIDATE_COLUMNS, find_candidates
from vgg_monoaudio.selection.unav100 import read_unav100

# Video by video: the clip's class in VGGSound with its start, and UnAV-100's events.
CLIPS = {
    "agreed_____": (20, "bird chirping, tweeting", [(1, 9, "bird chirping"), (12, 15, "bird chirping")]),
    "two_events_": (20, "dog barking", [(1, 9, "dog barking"), (5, 8, "man speaking")]),
    "later______": (20, "dog barking", [(1, 9, "dog barking"), (40, 50, "man speaking")]),
    "unav_only__": (20, "dog bow-wow", [(1, 9, "dog barking")]),
    "vgg_only___": (20, "playing electric guitar", [(1, 9, "playing base guitar")]),
    "differ_____": (20, "baby crying", [(1, 9, "baby laughter")]),
    "unknown____": (20, "cat meowing", [(1, 9, "cat meowing")]),
    "not_in_unav": (20, "dog barking", []),
}


@pytest.fixture
def vggsound(tmp_path) -> pd.DataFrame:
    path = tmp_path / "vggsound.csv"
    lines = [f'{video},{start},"{label}",test' for video, (start, label, _) in CLIPS.items()]
    path.write_text("\n".join([*lines, "trained____,0,dog barking,train", ""]))
    return read_vggsound(path).rows


@pytest.fixture
def events(write_unav100) -> pd.DataFrame:
    videos = {video: events for video, (_, _, events) in CLIPS.items() if events}
    return read_unav100(write_unav100(videos | {"trained____": [(0, 5, "dog barking")]})).events


def trims(**cuts: float) -> pd.DataFrame:
    rows = [(video, cut, cut + 60) for video, cut in cuts.items()]
    return pd.DataFrame(rows, columns=["youtube_id", "start_seconds", "end_seconds"])


def videos(clips: pd.DataFrame) -> set[str]:
    return {clip[:11] for clip in clips["clip_id"]}


def test_without_trims_every_event_of_the_video_counts_and_a_note_says_so(vggsound, events):
    found = find_candidates(vggsound, events)
    assert videos(found.clips) == {"agreed_____", "unav_only__", "vgg_only___", "differ_____"}
    assert any("all events of its video count" in note for note in found.notes)
    assert found.clips.dtypes.astype(str).to_dict() == CANDIDATE_COLUMNS


def test_with_trims_only_the_events_in_the_clip_s_own_10_s_count(vggsound, events):
    # The video was cut at 15 s, so the clip from 20 s is seconds 5 to 15 of what UnAV-100 annotates.
    cut = trims(**{video: 15.0 for video, (_, _, its_events) in CLIPS.items() if its_events})
    found = find_candidates(vggsound, events, cut)
    assert "later______" in videos(found.clips)
    assert "two_events_" not in videos(found.clips)
    assert not any("trim offset" in note for note in found.notes)


@pytest.mark.parametrize(
    ("cut", "stays"),
    [
        pytest.param(11.0, False, id="window starts as the event ends"),
        pytest.param(11.01, True, id="window starts just before the event ends"),
        pytest.param(29.0, False, id="window ends as the event starts"),
        pytest.param(28.99, True, id="window ends just after the event starts"),
    ],
)
def test_an_event_that_only_touches_the_window_does_not_count(write_unav100, vggsound, cut, stays):
    events = read_unav100(write_unav100({"agreed_____": [(1, 9, "bird chirping")]})).events
    found = find_candidates(vggsound, events, trims(agreed_____=cut))
    assert videos(found.clips) == ({"agreed_____"} if stays else set())
    if not stays:
        assert found.dropped["stage"].to_list() == ["an event in the clip's window"]


def test_the_label_is_chosen_where_the_datasets_lead_to_one_and_left_open_where_they_do_not(vggsound, events):
    clips = find_candidates(vggsound, events).clips.assign(video=lambda c: c["youtube_id"]).set_index("video")
    chosen = clips[["label", "category", "labels_differ"]].T.to_dict("list")
    assert chosen == {
        "agreed_____": ["bird chirping", "Animal", False],
        "unav_only__": ["dog barking", "Animal", True],
        "vgg_only___": ["playing electric guitar", "Music", True],
        "differ_____": ["", "", True],
    }
    assert clips.loc["unav_only__", ["vggsound", "unav100"]].to_list() == ["dog bow-wow", "dog barking"]


def test_the_funnel_accounts_for_every_clip(vggsound, events):
    found = find_candidates(vggsound, events)
    stages = found.funnel[["stage", "clips", "dropped"]].to_numpy().tolist()
    assert stages == [
        ["VGGSound test clips", 8, 0],
        ["video also in UnAV-100", 7, 1],
        ["an event in the clip's window", 7, 0],
        ["a single sound event", 5, 2],
        ["one of the 39 labels", 4, 1],
    ]
    assert (found.funnel["clips"].diff().fillna(0) == -found.funnel["dropped"]).all()
    assert len(found.dropped) == found.funnel["dropped"].iloc[2:].sum()
    reason = found.dropped.set_index("clip_id")["reason"]
    assert reason["two_events__000020"] == "2 unique events: dog barking, man speaking"
    assert reason["unknown_____000020"] == "VGGSound: cat meowing; UnAV-100: cat meowing"


def test_a_number_of_common_videos_other_than_the_paper_s_is_noted(vggsound, events):
    assert find_candidates(vggsound, events).common_videos == 7
    assert any("expected 907" in note and "found 7" in note for note in find_candidates(vggsound, events).notes)
    for expected in (7, None):
        notes = find_candidates(vggsound, events, expected_common_videos=expected).notes
        assert not any("expected" in note for note in notes)


def test_videos_without_a_trim_offset_are_named_and_all_their_events_count(vggsound, events):
    found = find_candidates(vggsound, events, trims(two_events_=100.0))
    [note] = [note for note in found.notes if "trim offset" in note]
    assert "for 6 of 7 videos" in note
    assert "later______" in note
    assert "agreed_____" in videos(found.clips)
    assert "later______" not in videos(found.clips)


def test_a_video_trimmed_twice_is_refused(vggsound, events):
    with pytest.raises(ValueError, match="agreed_____ is listed twice"):
        find_candidates(vggsound, events, pd.concat([trims(agreed_____=1.0), trims(agreed_____=2.0)]))


def test_the_real_test_list_runs_through_the_funnel(real_annotations, write_unav100):
    clips = read_vggsound(real_annotations / "vggsound_test.csv").rows
    ours = clips[clips["label"] == "dog barking"]
    made_up = {video: [(0, 5, "dog barking")] for video in ours["youtube_id"]}
    found = find_candidates(clips, read_unav100(write_unav100(made_up)).events)
    assert found.funnel["clips"].iloc[0] == 15_446
    assert set(ours["clip_id"]) <= set(found.clips["clip_id"])
    assert found.common_videos == ours["youtube_id"].nunique()
