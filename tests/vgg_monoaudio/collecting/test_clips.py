"""Folders of clips: which files are taken, under which name, and what is refused."""

from pathlib import Path

import pytest

from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.selection.source_list import BadSourceList


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_clips_are_found_under_the_ids_of_vggsounds_layouts(tmp_path):
    touch(tmp_path, "aaaaaaaaaaa_000030.mp4", "deep/er/bbbbbbbbbbb_30_40.MKV", "c/-cccccccc_c_30000_40000.webm")
    found = find_clips(tmp_path)
    assert found["aaaaaaaaaaa_000030"] == tmp_path / "aaaaaaaaaaa_000030.mp4"
    assert found["bbbbbbbbbbb_000030"] == tmp_path / "deep/er/bbbbbbbbbbb_30_40.MKV"
    assert found["-cccccccc_c_000030"] == tmp_path / "c/-cccccccc_c_30000_40000.webm"


def test_clips_of_ones_own_are_known_by_their_stem(tmp_path):
    touch(tmp_path, "my dog.mov", "v1.2.mp4")
    assert find_clips(tmp_path) == {"my dog": tmp_path / "my dog.mov", "v1.2": tmp_path / "v1.2.mp4"}


def test_files_that_are_not_clips_are_ignored(tmp_path):
    touch(tmp_path, "notes.txt", ".hidden.mp4", "a.wav", "folder.mp4/inside.mp4")
    assert find_clips(tmp_path) == {"inside": tmp_path / "folder.mp4/inside.mp4"}


@pytest.mark.parametrize(
    ("names", "clip"),
    [
        (("a/aaaaaaaaaaa_000030.mp4", "b/aaaaaaaaaaa_000030.mp4"), "aaaaaaaaaaa_000030"),
        (("aaaaaaaaaaa_000030.mp4", "aaaaaaaaaaa_30_40.mp4"), "aaaaaaaaaaa_000030"),
        (("mine.mp4", "mine.mkv"), "mine"),
        (("a/aaaaaaaaaaa_30_40.mp4", "b/aaaaaaaaaaa_30_40.mp4"), "aaaaaaaaaaa_30_40"),
    ],
)
def test_two_files_for_one_clip_are_refused_with_both(tmp_path, names, clip):
    touch(tmp_path, *names)
    with pytest.raises(BadSourceList, match=f"two files for clip {clip}: ") as raised:
        find_clips(tmp_path)
    assert all(str(tmp_path / name) in str(raised.value) for name in names)


def test_an_absent_folder_is_refused(tmp_path):
    with pytest.raises(BadSourceList, match="absent: no such folder of clips"):
        find_clips(tmp_path / "absent")


def test_real_clips_are_found_by_their_names(real_media):
    assert set(find_clips(real_media)) == {
        "3qesirWAGt4_000020", "0B4dYTMsgHA_000130", "F8Zt3mYlOqU_000094", "airplane_vgg", "basketball_bounce",
        "flute_vgg",
    }  # fmt: skip


def test_clips_behind_links_count_and_one_file_is_one_clip(tmp_path, caplog):
    touch(tmp_path, "in/aaaaaaaaaaa_000030.mp4", "scratch/bbbbbbbbbbb_000030.mp4", "scratch/mine.mp4")
    (tmp_path / "in" / "more").symlink_to(tmp_path / "scratch")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "z").mkdir()
    (tmp_path / "in" / "z" / "aaaaaaaaaaa_30_40.mp4").symlink_to(tmp_path / "in" / "aaaaaaaaaaa_000030.mp4")
    found = find_clips(tmp_path / "in")
    assert found["bbbbbbbbbbb_000030"] == tmp_path / "in" / "more" / "bbbbbbbbbbb_000030.mp4"
    assert found["mine"] == tmp_path / "in" / "more" / "mine.mp4"
    assert found["aaaaaaaaaaa_000030"] == tmp_path / "in" / "aaaaaaaaaaa_000030.mp4"
    assert f"{tmp_path}/in/z/aaaaaaaaaaa_30_40.mp4: skipped, the same file as {tmp_path}/in/aaaaaaa" in caplog.text


@pytest.mark.parametrize("name", ["caf\u00e9", "cafe\u0301"])
def test_a_clip_is_known_by_its_name_in_one_unicode_form(tmp_path, name):
    touch(tmp_path, f"{name}.mp4")
    assert find_clips(tmp_path) == {"caf\u00e9": tmp_path / f"{name}.mp4"}


def test_two_files_that_are_one_name_in_the_two_forms_are_refused(tmp_path):
    touch(tmp_path, "caf\u00e9.mp4", "cafe\u0301.mp4")
    with pytest.raises(BadSourceList, match="two files for clip caf\u00e9: "):
        find_clips(tmp_path)
