"""`extract` and `download` on the command line."""

import io
import tarfile

import pytest

from vgg_monoaudio.collecting import download
from vgg_monoaudio.collecting.download import Download, FetchFailed
from vgg_monoaudio.selection.reserves import read_reserves
from vgg_monoaudio.selection.source_list import load_source_list

DOG, CAR, HARP = "aaaaaaaaaaa_000010", "bbbbbbbbb-b_000020", "ccccc_ccccc_000030"


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(f"clip_id,label\n{DOG},dog barking\n{CAR},car passing by\n")
    return path


def write_tar(path, *clips: str) -> None:
    with tarfile.open(path, "w") as archive:
        for clip in clips:
            info = tarfile.TarInfo(f"video/{clip}.mp4")
            info.size = 4
            archive.addfile(info, io.BytesIO(b"film"))


def test_the_clips_of_a_list_are_extracted(call, listed, tmp_path):
    write_tar(tmp_path / "all.tar", DOG, HARP, CAR)
    assert "2 of 2 clips" in call("extract", "all.tar", "--labels", listed, "--out", "clips").stdout
    assert sorted(path.stem for path in (tmp_path / "clips").glob("*.mp4")) == [DOG, CAR]


def test_clips_in_none_of_the_archives_are_named(call, listed, tmp_path):
    write_tar(tmp_path / "all.tar", DOG)
    result = call("extract", "all.tar", "--labels", listed, status=1)
    assert f"{CAR}: in none of the archives" in result.stderr
    assert "1 of 2 clips" in result.stdout


def test_without_a_list_r2_is_wanted(call, tmp_path):
    clips = load_source_list("r2")["clip_id"].to_list()
    write_tar(tmp_path / "all.tar", *clips, DOG)
    assert "67 of 67 clips" in call("extract", "all.tar").stdout


def test_with_reserves_they_are_wanted_too_and_it_is_said_whether_every_place_can_be_filled(call, tmp_path):
    listed, reserves = load_source_list("r2"), read_reserves("r2")
    gone = listed.loc[listed["label"] == "dog barking", "clip_id"].to_list()
    first = reserves.loc[reserves["label"] == "dog barking", "clip_id"].iloc[-1]
    write_tar(tmp_path / "all.tar", *sorted(set(listed["clip_id"]) - set(gone)), first)
    result = call("extract", "all.tar", "--reserves")
    assert f"67 of {67 + len(reserves)} clips" in result.stdout
    assert "every label has its number of clips, reserves counted" in result.stdout
    (tmp_path / "data" / "clips" / f"{first}.mp4").unlink()
    write_tar(tmp_path / "all.tar", *sorted(set(listed["clip_id"]) - set(gone)))
    assert (
        "too few clips, reserves counted: dog barking (0 of 1)"
        in call("extract", "all.tar", "--reserves", status=1).stdout
    )


def test_reserves_of_a_list_without_any_and_of_the_test_split_are_refused(call, listed, tmp_path):
    write_tar(tmp_path / "all.tar", DOG)
    refused = call("extract", "all.tar", "--labels", listed, "--reserves", status=1).exception
    assert "mine: this list has no reserves; expected a file mine.reserves.csv beside it" in str(refused)
    (tmp_path / "vggsound.csv").write_text(f"{DOG[:11]},10,dog barking,test\n")
    assert "wanted already" in call("download", "--vggsound", "vggsound.csv", "--reserves", status=2).output


def test_download_takes_reserves_after_the_clips_of_the_list(monkeypatch, call, tmp_path):
    (tmp_path / "mine.csv").write_text(f"clip_id,label\n{DOG},dog barking\n")
    (tmp_path / "mine.reserves.csv").write_text(f"clip_id,label,rank\n{CAR},dog barking,2\n{HARP},dog barking,1\n")
    asked = []

    def remember(wanted, *_, **__):
        asked.extend(wanted)
        return Download({HARP: tmp_path / "x"}, (), ())

    monkeypatch.setattr(download, "download_clips", remember)
    assert "every label has" in call("download", "--labels", "mine.csv", "--reserves").stdout
    assert asked == [DOG, HARP, CAR]


def test_all_test_clips_of_vggsound_may_be_wanted(call, tmp_path, listed):
    (tmp_path / "vggsound.csv").write_text(f"{DOG[:11]},10,dog barking,test\n{HARP[:11]},30,playing harp,train\n")
    write_tar(tmp_path / "all.tar", DOG, HARP)
    assert "1 of 1 clips" in call("extract", "all.tar", "--vggsound", "vggsound.csv").stdout
    both = call("extract", "all.tar", "--vggsound", "vggsound.csv", "--labels", listed, status=2)
    assert "both say which clips are wanted" in " ".join(both.output.replace("│", " ").split())


def test_a_broken_archive_is_named(call, listed, tmp_path):
    (tmp_path / "in").mkdir()
    write_tar(tmp_path / "in" / "b.tar", DOG, CAR)
    (tmp_path / "in" / "a.tar").write_bytes(b"no tar" * 200)
    result = call("extract", "in", "--labels", listed, status=1)
    assert "a.tar: " in result.stderr
    assert "2 of 2 clips" in result.stdout


def test_every_failed_download_is_named_and_counted(call, listed, monkeypatch):
    def fetch(clip, path):
        raise FetchFailed("Private video" if clip == DOG else "HTTP Error 429: Too Many Requests")

    monkeypatch.setattr(download, "with_yt_dlp", lambda: fetch)
    result = call("download", "--labels", listed, "--out", "clips", "--pause-seconds", 0, status=1)
    assert f"{DOG}: private: Private video" in result.stderr
    assert "0 of 2 clips" in result.stdout
    assert "failed: private 1, throttled 1; reasons in clips/failures.csv" in result.stdout


def test_clips_left_because_the_site_asks_to_slow_down_are_counted(call, listed, monkeypatch):
    def fetch(clip, path):
        raise FetchFailed("HTTP Error 429: Too Many Requests")

    monkeypatch.setattr(download, "with_yt_dlp", lambda: fetch)
    assert "1 clips are left, call again later" in call("download", "--labels", listed, status=1).stdout
