"""What every export needs: a folder that is whole or absent, and parts of at most some size."""

from pathlib import Path

import pytest

from vgg_monoaudio.publishing.shards import exported, split_by_size


def test_a_folder_is_made_where_there_is_none_and_taken_where_it_is_empty(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "b").mkdir(exist_ok=True)
        with exported(tmp_path / name) as folder:
            (folder / "README.md").write_text("card")
        assert [path.name for path in (tmp_path / name).iterdir()] == ["README.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_folder_with_something_in_it_and_a_file_are_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    for taken in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(ValueError, match="not empty; choose another folder"), exported(taken):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_export_is_there_whole_or_not_at_all(tmp_path):
    def fail_half_way():
        with exported(tmp_path / "a") as folder:
            (folder / "half.tar").touch()
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_left_is_not_taken_for_this_one(tmp_path):
    (tmp_path / ".a.exporting").mkdir()
    (tmp_path / ".a.exporting" / "half.tar").touch()
    with exported(tmp_path / "a") as folder:
        (folder / "README.md").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["README.md"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_has_to_stay_where_it_is_gets_the_files(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    before = (tmp_path / "a").stat().st_ino
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "a")
    with exported(tmp_path / "a") as folder:
        (folder / "README.md").touch()
    assert (tmp_path / "a").stat().st_ino == before
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["README.md"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_parts_are_as_full_as_allowed():
    assert list(split_by_size("abcdef", [4, 4, 4, 20, 1, 1], 8)) == [["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert list(split_by_size("", [], 8)) == []
    with pytest.raises(ValueError, match="shard_bytes: expected at least 1, got 0"):
        list(split_by_size("a", [1], 0))
