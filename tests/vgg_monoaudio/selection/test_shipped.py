"""The lists that ship: told apart by their clips, versions of their own, never built over one another unasked."""

import json

import pytest

from vgg_monoaudio.selection.shipped import agreement_of, check_same_list, list_of, shared_clips, version_for
from vgg_monoaudio.selection.source_list import BadSourceList, load_source_list


@pytest.fixture
def built_from(write_benchmark):
    """A benchmark directory of a list that ships, one of its clips left out."""

    def build(name: str):
        rows = [tuple(row) for row in load_source_list(name)[["clip_id", "label", "category"]].to_numpy().tolist()]
        return write_benchmark(
            f"of-{name}", clips=rows[1:], pairs={"inter": ((0, 40),)},
            left_out=[{"clip_id": rows[0][0], "reason": "no file"}],
        )  # fmt: skip

    return build


def test_a_list_is_known_by_its_clips_and_has_a_version_of_its_own():
    r1, r2 = (load_source_list(name)["clip_id"].to_list() for name in ("r1", "r2"))
    assert [list_of(clips) for clips in (r1, r2, r2[1:], [])] == ["r1", "r2", None, None]
    # r1 was 1.0 with the sides of an earlier rule; neither list is built under that version again.
    assert [version_for(clips) for clips in (r1, r2, ["mine"])] == ["1.1", "2.0", "2.0"]


@pytest.mark.parametrize(("there", "asked"), [("r1", "r2"), ("r2", "r1")])
def test_building_one_list_over_the_other_is_refused_with_both_names(built_from, there, asked):
    path = built_from(there)
    check_same_list(path, load_source_list(there)["clip_id"])
    old = "1.1" if there == "r1" else "2.0"
    with pytest.raises(
        BadSourceList, match=rf"of-{there} 1\.0, built from list {there}; list {asked} was asked for"
    ) as no:
        check_same_list(path, load_source_list(asked)["clip_id"])
    assert f"--labels {there} makes {old} today, not 1.0 (1.0 has sides that are drawn" in str(no.value)
    assert "it is still read and scored as it is; --out puts the new one elsewhere, --overwrite" in str(no.value)
    change_version(path, f"{old}+reserves.1a2b3c4d")
    with pytest.raises(BadSourceList, match=f"--labels {there} asks for what is there"):
        check_same_list(path, load_source_list(asked)["clip_id"])


def change_version(path, version):
    record = json.loads((path / "benchmark.json").read_text())
    (path / "benchmark.json").write_text(json.dumps(record | {"version": version}))


def test_where_nothing_is_or_a_list_of_one_s_own_that_check_has_nothing_to_say(small, tmp_path):
    r2 = load_source_list("r2")["clip_id"]
    check_same_list(tmp_path / "new", r2)
    check_same_list(small, r2)
    check_same_list(small, ["mine"])


def test_how_far_each_list_agrees_with_vggsound():
    r1, r2 = agreement_of("r1"), agreement_of("r2")
    assert (r1.clips, r1.agreeing, len(r1.conflicts)) == (67, 53, 14)
    assert (r2.clips, r2.agreeing) == (67, 65)
    assert {label for _, label, _ in r2.conflicts} == {"male singing", "car passing by"}
    both = set(load_source_list("r1")["clip_id"]) & set(load_source_list("r2")["clip_id"])
    assert shared_clips() == len(both)
