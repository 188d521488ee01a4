"""What every export needs: an empty folder, and parts of at most some size."""

import pytest

from vgg_monoaudio.publishing.shards import fresh_folder, split_by_size


def test_a_folder_is_made_where_there_is_none_and_taken_where_it_is_empty(tmp_path):
    for _ in range(2):
        assert fresh_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
        assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_with_something_in_it_and_a_file_are_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    for taken in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(ValueError, match="not empty; choose another folder"):
            fresh_folder(taken)


def test_parts_are_as_full_as_allowed():
    assert list(split_by_size("abcdef", [4, 4, 4, 20, 1, 1], 8)) == [["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert list(split_by_size("", [], 8)) == []
    with pytest.raises(ValueError, match="shard_bytes: expected at least 1, got 0"):
        list(split_by_size("a", [1], 0))
