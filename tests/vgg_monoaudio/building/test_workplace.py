"""The folder to build in: what is kept of an earlier build, and the exchange at the end."""

import json
from pathlib import Path

import pytest

from foundation.media import FRAME_RULE
from vgg_monoaudio.building.workplace import destination, finish, prepare


def test_what_a_build_of_the_same_inputs_left_is_kept_but_for_half_written_files(tmp_path):
    work = prepare(tmp_path / "out", "inputs a")
    (work / "video").mkdir()
    (work / "video" / "done.mp4").write_text("whole")
    (work / "video" / ".next.7.partial.mp4").write_text("half")
    assert prepare(tmp_path / "out", "inputs a") == work
    assert sorted(path.name for path in work.rglob("*") if path.is_file()) == ["done.mp4", "inputs"]


def test_what_a_build_of_other_inputs_left_is_removed(tmp_path):
    work = prepare(tmp_path / "out", "inputs a")
    (work / "done.mp4").write_text("whole")
    assert [path.name for path in prepare(tmp_path / "out", "inputs b").iterdir()] == ["inputs"]


@pytest.mark.parametrize(("inputs", "kept"), [("inputs a", True), ("inputs b", False)])
def test_a_build_that_was_killed_at_the_very_end_is_known_by_its_record(tmp_path, inputs, kept):
    work = prepare(tmp_path / "out", "inputs a")
    (work / "benchmark.json").write_text(json.dumps({"inputs": "inputs a", "frame_rule": FRAME_RULE}))
    (work / "inputs").unlink()  # the last step before the rename
    assert (prepare(tmp_path / "out", inputs) / "benchmark.json").exists() is kept


def test_what_was_begun_under_another_rule_for_the_time_line_is_begun_anew(tmp_path, monkeypatch):
    work = prepare(tmp_path / "out", "inputs a")
    (work / "done.mp4").write_text("cut under one rule")
    with monkeypatch.context() as other:
        other.setattr("vgg_monoaudio.building.workplace.FRAME_RULE", "another")
        assert [path.name for path in prepare(tmp_path / "out", "inputs a").iterdir()] == ["inputs"]
    (work / "inputs").write_text("inputs a")  # as it stood before rules had names
    (work / "done.mp4").write_text("cut under the rule without a name")
    assert not (prepare(tmp_path / "out", "inputs a") / "done.mp4").exists()


def test_a_folder_without_any_mark_is_not_built_upon(tmp_path):
    (tmp_path / "out.building").mkdir()
    (tmp_path / "out.building" / "stray.mp4").touch()
    assert not (prepare(tmp_path / "out", "inputs a") / "stray.mp4").exists()


def test_a_finished_folder_takes_its_place_and_nothing_else_is_left(tmp_path):
    for content in ("first", "second"):
        work = prepare(tmp_path / "out", content)
        (work / "scene.mp4").write_text(content)
        finish(work, tmp_path / "out")
        assert {path.name for path in tmp_path.iterdir()} == {"out"}
        assert [(path.name, path.read_text()) for path in (tmp_path / "out").iterdir()] == [("scene.mp4", content)]


def test_what_a_killed_exchange_left_does_not_stop_the_next(tmp_path):
    (tmp_path / "out.replaced").mkdir()
    (tmp_path / "out").mkdir()
    finish(prepare(tmp_path / "out", "inputs a"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_is_followed_and_other_paths_stay_as_they_are(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert destination(tmp_path / "link", None) == tmp_path / "disk"
    assert destination("data/../out", 2) == Path("data/../out")
    with pytest.raises(ValueError, match="workers: expected at least 1, got 0"):
        destination("out", 0)
