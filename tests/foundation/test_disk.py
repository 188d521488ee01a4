"""Places: what cannot be written is said before the work."""

from types import SimpleNamespace

import pytest

from foundation.disk import UnusablePlace, check_file, check_folder, check_room


def test_a_folder_counts_whether_it_is_there_or_would_have_to_be_made(tmp_path):
    check_folder(tmp_path)
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(UnusablePlace, match=r"file/b: .*file is a file where a folder should be; give another place"):
        check_folder(tmp_path / "file" / "b")


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda place, _how: place != tmp_path)
    with pytest.raises(UnusablePlace, match="may not be written to; give another place, or change its permissions"):
        check_file(tmp_path / "deep" / "x.wav")


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_name_is_as_long_as_its_bytes(tmp_path, letter):
    size = len(letter.encode())
    check_folder(tmp_path / (letter * (255 // size)))
    with pytest.raises(UnusablePlace, match="a name of 256 bytes, at most 255 can be written; give a shorter one"):
        check_folder(tmp_path / (letter * (256 // size)) / "x")
    check_file(tmp_path / (letter * (234 // size)))
    with pytest.raises(UnusablePlace, match="a name of 236 bytes, at most 234 can be written"):
        check_file(tmp_path / (letter * (236 // size)))


def test_a_folder_is_not_a_file_and_a_file_may_be_replaced(tmp_path):
    (tmp_path / "x.wav").touch()
    check_file(tmp_path / "x.wav")
    with pytest.raises(UnusablePlace, match=r": a folder; give the path of a file"):
        check_file(tmp_path)


def test_room_is_that_of_the_nearest_folder_there_is(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("shutil.disk_usage", lambda place: asked.append(place) or SimpleNamespace(free=2_000_000))
    check_room(tmp_path / "a" / "b", 2_000_000, "answers")
    with pytest.raises(UnusablePlace, match=r"b: the disk has 2\.0 MB free, answers take at least 1,000\.0 MB; make"):
        check_room(tmp_path / "a" / "b", 1e9, "answers")
    assert asked == [tmp_path, tmp_path]
