"""Reserves beside a list: read in the order of their ranks, counted by label, refused where they cannot stand in."""

from pathlib import Path

import pytest

from vgg_monoaudio.selection.reserves import (
    count_reserves,
    has_reserves,
    read_reserves,
    short_labels,
    wanted_clips,
    without_reserves,
)
from vgg_monoaudio.selection.source_list import BadSourceList, read_source_list

LISTED = "clip_id,label\na,dog barking\nb,dog barking\nc,playing harp\n"


@pytest.fixture
def listed(tmp_path):
    """Write a list with reserves; return its path."""

    def write(reserves: str | None, text: str = LISTED) -> Path:
        (tmp_path / "mine.csv").write_text(text)
        if reserves is not None:
            (tmp_path / "mine.reserves.csv").write_text(reserves)
        return tmp_path / "mine.csv"

    return write


def test_reserves_come_by_label_and_rank_with_the_category_of_the_label(listed):
    path = listed("clip_id,label,rank,start_seconds\ny,dog barking,10,\nz,dog barking,2,1.5\nx,playing harp,1,\n")
    found = read_reserves(path)
    assert found[["clip_id", "category", "rank", "start_seconds"]].to_numpy().tolist() == [
        ["z", "Animal", 2, 1.5],
        ["y", "Animal", 10, 0.0],
        ["x", "Music", 1, 0.0],
    ]
    assert count_reserves(read_source_list(path), found) == {"dog barking": 2, "playing harp": 1}


def test_what_a_list_of_reserves_states_against_a_label_is_kept(listed):
    path = listed("clip_id,label,rank,reason\ny,dog barking,1,VGGSound labels it cat\nx,playing harp,1,\n")
    assert dict(read_reserves(path)[["clip_id", "conflict"]].to_numpy()) == {
        "y": "VGGSound labels it cat",
        "x": "",
    }
    assert set(read_reserves(listed("clip_id,label,rank\ny,dog barking,1\n"))["conflict"]) == {""}


def test_a_list_is_wanted_alone_or_with_its_reserves_first_ranks_first(listed):
    path = listed("clip_id,label,rank\nz,dog barking,2\ny,dog barking,1\nx,playing harp,1\n")
    assert wanted_clips(path, reserves=False) == ["a", "b", "c"]
    assert wanted_clips(path, reserves=True) == ["a", "b", "c", "x", "y", "z"]


def test_labels_are_short_where_clips_and_reserves_together_are_too_few(listed):
    path = listed("clip_id,label,rank\ny,dog barking,1\n")
    assert short_labels(path, {"a", "y", "c"}) == {}
    assert short_labels(path, {"y", "other"}) == {"dog barking": (1, 2), "playing harp": (0, 1)}
    assert without_reserves(read_source_list(path), read_reserves(path)) == ["playing harp"]


def test_a_list_without_reserves_is_refused_with_the_file_that_is_expected(listed):
    path = listed(None)
    assert not has_reserves(path)
    with pytest.raises(BadSourceList, match=r"mine: this list has no reserves; expected a file mine\.reserves\.csv"):
        read_reserves(path)
    with pytest.raises(BadSourceList, match=r"r1: this list has no reserves; .* Of the lists that ship r2 has them"):
        read_reserves("r1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip_id,label\ny,dog barking\n", "column 'rank' is missing; expected whole numbers from 1 on"),
        ("clip_id,label,rank\ny,dog barking,0\n", "clip 'y' has rank '0'; expected a whole number from 1 on"),
        ("clip_id,label,rank\ny,dog barking,first\n", "clip 'y' has rank 'first'"),
        ("clip_id,label,rank\ny,dog barking,1\nz,dog barking,1\n", "two reserves of 'dog barking' have rank 1"),
        ("clip_id,label,rank\na,dog barking,1\n", "clip 'a' is on the list itself"),
        (
            "clip_id,label,rank\ny,sheep bleating,1\n",
            "clip 'y' is of 'sheep bleating' in 'Animal'; expected a label of",
        ),
        ("clip_id,label,category,rank\ny,dog barking,Tool,1\n", "is of 'dog barking' in 'Tool'"),
    ],
)
def test_reserves_that_cannot_stand_in_are_refused(listed, text, message):
    with pytest.raises(BadSourceList, match=message):
        read_reserves(listed(text))
