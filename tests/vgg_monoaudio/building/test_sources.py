"""Clips before they are composed: hashed, cut, and named where they cannot be used."""

import errno
import hashlib
import os
import threading

import numpy as np
import pytest

from foundation import media
from vgg_monoaudio.building.result import BuildError, Problem
from vgg_monoaudio.building.sources import cut_clips, hash_clips, source_records, whole_sound


@pytest.fixture
def clips(tmp_path):
    """Files of one word each, by clip id."""
    paths = {name: tmp_path / f"{name}.mp4" for name in "abc"}
    for name, path in paths.items():
        path.write_text(name)
    return paths


@pytest.mark.parametrize("workers", [1, 3])
def test_clips_that_are_there_are_hashed_in_the_order_of_the_list(clips, workers):
    counted = []
    found = hash_clips(["c", "x", "a"], clips, workers=workers, done=counted.append)
    assert list(found.items()) == [(name, hashlib.sha256(name.encode()).hexdigest()) for name in "ca"]
    assert counted == [1, 2]


def test_problems_come_in_the_order_of_the_list_whatever_is_done_first(clips):
    last_is_done = threading.Event()

    def cut(clip, path):
        if clip == "c":
            last_is_done.set()
            raise media.MediaError(path, "no audio stream")
        assert last_is_done.wait(10)
        if clip == "a":
            raise media.MediaError(path, "too short")

    counted = []
    hashes = hash_clips(list("abc"), clips, workers=1)
    problems = cut_clips(["a", "b", "x", "c"], clips, cut, hashes=hashes, workers=4, done=counted.append)
    assert problems == [
        Problem("a", "a.mp4: too short"),
        Problem("x", "x: no file of that name in the folder of clips"),
        Problem("c", "c.mp4: no audio stream"),
    ]
    assert counted == [1, 2, 3, 4]


def test_an_error_of_our_own_is_not_a_problem_of_a_clip(clips):
    def cut(_clip, _path):
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        cut_clips(["a"], clips, cut, hashes={}, workers=1, done=lambda _count: None)


def cut_one(clips, cut):
    return cut_clips(["a"], clips, cut, hashes=hash_clips(["a"], clips, workers=1), workers=1, done=lambda _count: None)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EMFILE, errno.ENOMEM, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.ESTALE]
)
def test_a_clip_is_not_left_out_for_what_the_machine_did(clips, number):
    def cut(_clip, path):
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:
            raise media.MediaError(path, "cannot be decoded") from error

    with pytest.raises(BuildError, match=rf"a\.mp4: {os.strerror(number)} \(cannot be decoded\); .* the build stops"):
        cut_one(clips, cut)


def test_a_clip_that_went_away_or_changed_while_it_was_read_is_not_left_out(clips):
    def change(_clip, path):
        path.write_text("being copied")
        raise media.MediaError(path, "truncated")

    def remove(_clip, path):
        path.unlink()
        raise media.MediaError(path, "no such file")

    with pytest.raises(BuildError, match=r"a\.mp4: it changed while it was read \(truncated\)"):
        cut_one(clips, change)
    with pytest.raises(BuildError, match=r"a\.mp4: No such file or directory \(no such file\)"):
        cut_one(clips, remove)


def test_an_error_that_decoders_give_for_damaged_files_is_the_clips(clips):
    def cut(_clip, path):
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError as error:
            raise media.MediaError(path, "cannot be decoded (Input/output error)") from error

    assert cut_one(clips, cut) == [Problem("a", "a.mp4: cannot be decoded (Input/output error)")]


def test_the_sound_of_a_clip_is_whole_or_refused(film, tmp_path):
    path = film.write(tmp_path / "clip.mp4", seconds=0.6, sound=film.noise(0.6, seed=0))
    sound = whole_sound(path, start=0.2, seconds=0.2)
    assert (sound.shape, sound.dtype) == ((3_200,), np.float32)
    with pytest.raises(media.MediaError, match=r"too short: 0\.\d+ s of audio, 2 s needed"):
        whole_sound(path, seconds=2)


def test_what_is_recorded_of_a_clip_are_the_hashes_of_its_sound_and_its_picture(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    (tmp_path / "sources").mkdir()
    rows = [{"clip_id": name, "label": "hum", "category": "Tool"} for name in "ab"]
    for name in "ab":
        for suffix in ("wav", "mp4"):
            (tmp_path / "sources" / f"{name}.{suffix}").write_text(name + suffix)
    for workers in (1, 4):
        records = source_records(tmp_path, rows, {"a": clip, "b": clip}, seconds=0.4, workers=workers)
        assert [record.clip_id for record in records] == ["a", "b"]
        assert records[1].sha256 == hashlib.sha256(b"bwav").hexdigest()
        assert records[1].video_sha256 == hashlib.sha256(b"bmp4").hexdigest()
        assert list(records[1].content()) == ["clip_id", "label", "category", "sha256", "video_sha256"]
