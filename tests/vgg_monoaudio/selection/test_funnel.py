"""The funnel adds up from stage to stage and ends in benchmark.json."""

import json

import pytest

from vgg_monoaudio import load_benchmark
from vgg_monoaudio.selection.funnel import (
    add_stage,
    finished_funnel,
    first_stage,
    funnel_of_r1,
    funnel_of_r2,
    funnel_path,
    read_funnel,
    record_funnel,
    write_funnel,
)
from vgg_monoaudio.selection.source_list import R1, R2, load_source_list
from vgg_monoaudio.taxonomy import load_vggsound_labels


@pytest.fixture
def funnel():
    return add_stage(first_stage("all", 100), "some", 5, "not these")


def test_a_stage_says_how_many_it_dropped(funnel):
    assert funnel.to_dict("records") == [
        {"stage": "all", "clips": 100, "dropped": 0, "why": ""},
        {"stage": "some", "clips": 5, "dropped": 95, "why": "not these"},
    ]


def test_a_funnel_comes_back_from_its_file(funnel, tmp_path):
    path = funnel_path(tmp_path / "candidates.csv")
    assert path.name == "candidates.funnel.csv"
    write_funnel(path, funnel)
    assert read_funnel(path).equals(funnel)


def test_a_stage_cannot_leave_more_than_there_were_nor_come_twice(funnel):
    with pytest.raises(ValueError, match="stage 'more' has 6 clips, the stage before has 5"):
        add_stage(funnel, "more", 6, "")
    with pytest.raises(ValueError, match="stage 'some' is there already"):
        add_stage(funnel, "some", 1, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("stage,clips\nall,1\n", "expected columns stage, clips, dropped, why", id="columns"),
        pytest.param("stage,clips,dropped,why\n", "at least one stage", id="empty"),
        pytest.param(
            "stage,clips,dropped,why\nall,9,0,\nfew,2,6,\n", "'few' drops 6 clips, the counts say 7", id="sum"
        ),
    ],
)
def test_a_file_that_is_not_a_funnel_is_refused(tmp_path, text, message):
    path = tmp_path / "x.funnel.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_funnel(path)


def test_clips_that_cannot_be_used_are_the_last_stage_with_their_reasons(write_benchmark, funnel):
    path = write_benchmark(left_out=[{"clip_id": "eeeeeeeeeee_000005", "reason": "e.mp4: no audio stream"}])
    stages = [stage.content() for stage in record_funnel(path, funnel).record.funnel]
    assert [stage["stage"] for stage in stages] == ["all", "some", "clips that can be used"]
    assert stages[-1] == {
        "stage": "clips that can be used",
        "clips": 4,
        "dropped": 1,
        "why": "eeeeeeeeeee_000005: e.mp4: no audio stream",
    }
    assert json.loads((path / "benchmark.json").read_text())["funnel"] == stages


def test_without_earlier_stages_the_funnel_begins_with_the_list(small):
    funnel = finished_funnel(load_benchmark(small))
    assert funnel[["stage", "clips"]].to_numpy().tolist() == [["clips on the list", 4], ["clips that can be used", 4]]


def test_recording_twice_changes_nothing_and_the_rest_stays(small):
    before = json.loads((small / "benchmark.json").read_text())
    record_funnel(small)
    first = (small / "benchmark.json").read_bytes()
    record_funnel(small)
    assert (small / "benchmark.json").read_bytes() == first
    after = json.loads(first)
    del after["funnel"]
    assert after == before


def test_a_funnel_of_another_list_is_refused(small):
    with pytest.raises(ValueError, match=r"its last stage has 7 clips, the list has 4"):
        finished_funnel(load_benchmark(small), first_stage("all", 7))


def test_the_funnel_of_r2_ships_beside_it_and_follows_from_both_data_sets(screened):
    shipped = read_funnel(funnel_path(R2))
    assert shipped.equals(funnel_of_r2(screened, load_vggsound_labels(), len(load_source_list("r2"))))
    assert shipped["clips"].to_list() == [4870, 519, 418, 415, 67]


def test_replaced_clips_are_named_in_the_last_stage_and_none_is_dropped(small):
    record = json.loads((small / "benchmark.json").read_text())
    gone = {"clip_id": "gone", "label": "dog barking", "reason": "no file", "by": "ddddddddddd_000004", "rank": 1}
    (small / "benchmark.json").write_text(json.dumps(record | {"replaced": [gone]}))
    last = finished_funnel(load_benchmark(small)).iloc[-1]
    assert (last["clips"], last["dropped"]) == (4, 0)
    assert last["why"] == "gone: no file, replaced by ddddddddddd_000004"


def test_the_funnel_of_r1_ships_beside_it_and_follows_from_the_screening(screened):
    shipped = read_funnel(funnel_path(R1))
    assert shipped.equals(funnel_of_r1(screened, len(load_source_list("r1"))))
    assert shipped["clips"].to_list()[-1] == 67
