"""Clips out of tars: only those wanted, only to their place, and on from where it stopped."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from foundation.files import WriteFailed
from vgg_monoaudio.collecting import archives
from vgg_monoaudio.collecting.archives import BadArchive, extract_clips

DOG, CAR, HARP = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "ccccc_ccccc_000030"


def tar_bytes(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_tar(path: Path, members: Mapping[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tar_bytes(members, mode))
    return path


@pytest.fixture
def opened(monkeypatch) -> list[int]:
    """One entry a tar that is opened, its depth."""
    depths: list[int] = []
    read = archives._read_archive

    def counted(stream, job, seen, *, depth):
        depths.append(depth)
        return read(stream, job, seen, depth=depth)

    monkeypatch.setattr(archives, "_read_archive", counted)
    return depths


def test_only_the_wanted_clips_come_out_under_their_ids(tmp_path):
    tar = write_tar(
        tmp_path / "vggsound.tar",
        {f"deep/down/{DOG}.mp4": b"dog", "video/bbbbbbbbb-b_20_30.MP4": b"car", f"video/{HARP}.mp4": b"harp"},
    )
    found = extract_clips(tar, {DOG, CAR, "ddddddddddd_000000"}, tmp_path / "clips")
    assert {clip: path.read_bytes() for clip, path in found.clips.items()} == {DOG: b"dog", CAR: b"car"}
    assert found.clips[CAR] == tmp_path / "clips" / f"{CAR}.mp4"
    assert found.missing == ("ddddddddddd_000000",)
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == [f"{DOG}.mp4", "archives.json", f"{CAR}.mp4"]


@pytest.mark.parametrize("outer", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_within_tars_are_read_whatever_their_compression(tmp_path, outer):
    inner = tar_bytes({f"x/{HARP}.mp4": b"harp" * 9000}, "w:gz")
    middle = tar_bytes({"part_0.tgz": inner, f"{CAR}.mp4": b"car"})
    suffix = {"w": ".tar", "w:gz": ".tar.gz", "w:bz2": ".tar.bz2", "w:xz": ".tar.xz"}[outer]
    write_tar(tmp_path / "in" / f"all{suffix}", {"parts/part.tar": middle, f"{DOG}.mp4": b"dog"}, outer)
    found = extract_clips(tmp_path / "in", {DOG, CAR, HARP}, tmp_path / "clips")
    assert [path.read_bytes() for path in found.clips.values()] == [b"dog", b"car", b"harp" * 9000]
    assert not found.missing
    assert not found.broken


def test_a_member_that_points_elsewhere_is_written_to_the_folder_or_not_at_all(tmp_path):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as archive:
        for name in (f"../../{DOG}.mp4", f"/etc/{CAR}.mp4"):
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
        link = tarfile.TarInfo(f"{HARP}.mp4")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    before = set(tmp_path.rglob("*"))
    found = extract_clips(path, {DOG, CAR, HARP}, tmp_path / "a" / "b")
    made = {file for file in tmp_path.rglob("*") if file.is_file()} - before
    assert made == {tmp_path / "a" / "b" / name for name in (f"{DOG}.mp4", f"{CAR}.mp4", "archives.json")}
    assert found.missing == (HARP,)


def test_what_is_there_is_not_read_again(tmp_path, opened):
    write_tar(tmp_path / "in" / "1.tar", {f"{DOG}.mp4": b"dog"})
    write_tar(tmp_path / "in" / "2.tar", {f"{CAR}.mp4": b"car"})
    extract_clips(tmp_path / "in", {DOG, CAR}, tmp_path / "clips")
    assert opened == [1, 1]
    (tmp_path / "clips" / f"{DOG}.mp4").write_bytes(b"mine")
    found = extract_clips(tmp_path / "in", {DOG, CAR}, tmp_path / "clips")
    assert opened == [1, 1]
    assert found.clips[DOG].read_bytes() == b"mine"


def test_an_archive_read_through_is_opened_again_only_for_what_it_holds(tmp_path, opened):
    write_tar(tmp_path / "in" / "1.tar", {f"{DOG}.mp4": b"dog"})
    write_tar(tmp_path / "in" / "2.tar", {f"{CAR}.mp4": b"car", f"{HARP}.mp4": b"harp"})
    extract_clips(tmp_path / "in", {DOG, "ddddddddddd_000000"}, tmp_path / "clips")
    del opened[:]
    extract_clips(tmp_path / "in", {HARP, "ddddddddddd_000000"}, tmp_path / "clips")
    assert len(opened) == 1
    del opened[:]
    write_tar(tmp_path / "in" / "1.tar", {f"{DOG}.mp4": b"dog", "ddddddddddd_000000.mp4": b"new"})
    found = extract_clips(tmp_path / "in", {HARP, "ddddddddddd_000000"}, tmp_path / "clips")
    assert len(opened) == 1  # the archive that has changed
    assert not found.missing


def test_a_spoilt_index_is_made_again(tmp_path):
    tar = write_tar(tmp_path / "1.tar", {f"{DOG}.mp4": b"dog"})
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "archives.json").write_text("{")
    assert extract_clips(tar, {DOG}, tmp_path / "clips").clips


def test_reading_stops_when_all_clips_are_there(tmp_path, opened):
    write_tar(tmp_path / "in" / "1.tar", {f"{DOG}.mp4": b"dog"})
    write_tar(tmp_path / "in" / "2.tar", {f"{CAR}.mp4": b"car"})
    extract_clips(tmp_path / "in", {DOG}, tmp_path / "clips")
    assert len(opened) == 1


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_cut_archive_gives_what_comes_before_the_cut_and_is_named(tmp_path, mode):
    whole = tar_bytes({f"{DOG}.mp4": bytes(range(256)) * 40, f"{CAR}.mp4": b"car" * 40_000}, mode)
    cut = tmp_path / "in" / ("1.tar" if mode == "w" else "1.tar.gz")
    cut.parent.mkdir()
    cut.write_bytes(whole[: int(len(whole) * 0.7)])
    write_tar(tmp_path / "in" / "2.tar", {f"{HARP}.mp4": b"harp"})
    found = extract_clips(tmp_path / "in", {DOG, CAR, HARP}, tmp_path / "clips")
    assert list(found.broken) == [cut]
    assert found.broken[cut]
    assert set(found.clips) >= {HARP}
    assert CAR in found.missing
    assert not list((tmp_path / "clips").glob(".*"))  # no half clip
    assert not list((tmp_path / "clips").glob(f"{CAR}*"))


def test_of_two_clips_with_one_id_the_first_counts(tmp_path):
    write_tar(tmp_path / "in" / "1.tar", {f"a/{DOG}.mp4": b"first", f"b/{DOG}.mp4": b"second"})
    write_tar(tmp_path / "in" / "2.tar", {f"{DOG}.mp4": b"third"})
    assert extract_clips(tmp_path / "in", {DOG}, tmp_path / "clips").clips[DOG].read_bytes() == b"first"


def test_files_that_are_no_clips_are_passed_over(tmp_path):
    tar = write_tar(tmp_path / "1.tar", {f"._{DOG}.mp4": b"mac", f"{DOG}.json": b"{}", f"{DOG}.webm": b"dog"})
    assert extract_clips(tar, {DOG}, tmp_path / "clips").clips == {DOG: tmp_path / "clips" / f"{DOG}.webm"}


def test_archives_nested_without_end_are_refused(tmp_path):
    content = tar_bytes({f"{DOG}.mp4": b"dog"})
    for _ in range(6):
        content = tar_bytes({"again.tar": content})
    path = tmp_path / "1.tar"
    path.write_bytes(content)
    found = extract_clips(path, {DOG}, tmp_path / "clips")
    assert "more than 4 deep" in found.broken[path]
    assert found.missing == (DOG,)


def test_a_folder_without_archives_is_refused(tmp_path):
    with pytest.raises(BadArchive, match=r"no archive in it; expected files ending in \.tar"):
        extract_clips(tmp_path, {DOG}, tmp_path / "clips")
    with pytest.raises(BadArchive, match="no such archive"):
        extract_clips(tmp_path / "nowhere", {DOG}, tmp_path / "clips")


@pytest.mark.parametrize(("stored", "asked"), [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9")])
def test_a_clip_comes_out_in_either_unicode_form_and_is_not_fetched_twice(tmp_path, opened, stored, asked):
    tar = write_tar(tmp_path / "a.tar", {f"x\\y\\{stored}.mp4": b"film"})  # as programs on Windows spell folders
    for _ in range(2):
        found = extract_clips(tar, {asked}, tmp_path / "clips")
        assert {clip: path.read_bytes() for clip, path in found.clips.items()} == {"caf\u00e9": b"film"}
        assert found.missing == ()
    assert opened == [1]


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path, monkeypatch):
    tar = write_tar(tmp_path / "vggsound.tar", {f"{DOG}.mp4": b"dog", f"{CAR}.mp4": b"car"})

    def full(_stream, _file, _size):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(archives.shutil, "copyfileobj", full)
        with pytest.raises(WriteFailed, match=rf"{DOG}\.mp4: cannot be written: No space left on device"):
            extract_clips(tar, {DOG, CAR}, tmp_path / "clips")
    found = extract_clips(tar, {DOG, CAR}, tmp_path / "clips")
    assert (sorted(found.clips), found.missing, found.broken) == ([DOG, CAR], (), {})


def test_a_clip_of_a_size_that_no_clip_has_is_skipped_by_name(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(archives, "MOST_CLIP_BYTES", 1000)
    tar = write_tar(tmp_path / "all.tar.xz", {f"{DOG}.mp4": bytes(1001), f"{CAR}.mp4": b"car"}, "w:xz")
    found = extract_clips(tar, {DOG, CAR}, tmp_path / "clips")
    assert (list(found.clips), found.missing) == ([CAR], (DOG,))
    assert f"{DOG}.mp4: skipped, 1001 bytes and no clip has more than 1000" in caplog.text


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", '{"x": {"state": 1}}', "{", "\xff"])
def test_a_list_of_what_is_where_that_makes_no_sense_costs_nothing_but_time(tmp_path, text):
    tar = write_tar(tmp_path / "all.tar", {f"{DOG}.mp4": b"dog"})
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "archives.json").write_text(text, encoding="latin-1")
    assert list(extract_clips(tar, {DOG}, tmp_path / "clips").clips) == [DOG]


def test_archives_behind_links_are_read(tmp_path):
    write_tar(tmp_path / "scratch" / "all.tar", {f"{DOG}.mp4": b"dog"})
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "more").symlink_to(tmp_path / "scratch")
    assert list(extract_clips(tmp_path / "in", {DOG}, tmp_path / "clips").clips) == [DOG]
