"""Clips on their way to the page: what is there, what is played as it is, what is shown as a copy."""

import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from benchmark.web.curation.media import PEAKS, Clips
from benchmark.web.files import NoSuchFile
from foundation import media
from foundation.files import file_sha256
from vgg_monoaudio.collecting.clips import find_clips


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "clips"
    made.mkdir()
    return made


@pytest.fixture
def clips(folder, tmp_path):
    def look(*wanted):
        return Clips(folder, find_clips(folder), wanted, tmp_path / "kept")

    return look


def encoded(path, *options):
    """A second of test picture and tone in other codecs than browsers play."""
    command = [media.ffmpeg_executable(), "-v", "error", "-f", "lavfi", "-i", "testsrc=size=66x50:rate=25:duration=1"]
    command += ["-f", "lavfi", "-i", "sine=duration=1", *options, str(path)]
    subprocess.run(command, check=True)
    return path


def test_a_clip_that_browsers_play_is_sent_as_it_is(folder, clips, film):
    path = film.write(folder / "a.mp4", seconds=1, sound=film.noise(1, seed=1))
    found = clips("a")
    assert found.film("a", preview=False).path == path
    footage = found.footage("a")
    assert (footage.missing, footage.has_sound, footage.is_preview) == ("", True, False)
    assert (footage.seconds, footage.frames_per_second) == (pytest.approx(1, abs=0.1), 25)


def test_clips_of_a_relative_folder_are_sent_too(folder, tmp_path, film, monkeypatch):
    path = film.write(folder / "a.mp4", seconds=1, sound=film.noise(1, seed=1))
    monkeypatch.chdir(tmp_path)
    found = Clips(Path("clips"), find_clips("clips"), ["a"], Path("kept"))
    assert found.film("a", preview=False).path == path


def test_a_finished_copy_does_not_wait_for_another_that_is_being_made(folder, clips):
    encoded(folder / "a.mkv", "-vcodec", "libx264", "-pix_fmt", "yuv420p", "-acodec", "aac")
    found = clips("a")
    made = found.film("a", preview=False).path
    again = []
    with found._making:
        asking = threading.Thread(target=lambda: again.append(found.film("a", preview=False).path), daemon=True)
        asking.start()
        asking.join(timeout=20)
    assert again == [made]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("a.avi", ("-vcodec", "mpeg4", "-acodec", "pcm_s16le"), id="a container and codecs of old"),
        pytest.param("a.mkv", ("-vcodec", "libx264", "-pix_fmt", "yuv420p", "-acodec", "aac"), id="a container"),
        pytest.param("a.mp4", ("-vcodec", "libx264", "-pix_fmt", "yuv444p", "-acodec", "aac"), id="pixels"),
        pytest.param("a.mp4", ("-vcodec", "libx264", "-pix_fmt", "yuv420p", "-acodec", "ac3"), id="sound"),
    ],
)
def test_another_is_shown_as_a_copy_made_once_and_stays_as_it_was(folder, clips, name, options):
    path = encoded(folder / name, *options)
    before = file_sha256(path)
    found = clips("a")
    assert found.footage("a").is_preview
    made = found.film("a", preview=False).path
    info = media.probe(made)
    assert (info.video.codec, info.video.pixel_format, info.audio.codec) == ("h264", "yuv420p", "aac")
    assert info.duration_seconds == pytest.approx(1, abs=0.1)
    stamp = made.stat().st_mtime_ns
    assert clips("a").film("a", preview=False).path.stat().st_mtime_ns == stamp
    assert file_sha256(path) == before
    assert list(folder.iterdir()) == [path]


def test_a_copy_is_made_of_what_a_browser_could_not_play_after_all(folder, clips, film):
    path = film.write(folder / "a.mp4", seconds=1)
    assert clips("a").film("a", preview=True).path != path


def test_clips_that_cannot_be_shown_say_why(folder, clips, film, tmp_path):
    outside = film.write(tmp_path / "outside.mp4", seconds=0.4)
    (folder / "linked.mp4").symlink_to(outside)
    (folder / "broken.mp4").write_bytes(b"no film")
    media.write_audio(folder / "sound.wav", np.zeros(1600, np.float32), 16_000)
    (folder / "sound.wav").rename(folder / "sound.mp4")
    found = clips("gone", "linked", "broken", "sound")
    assert found.footage("gone").missing == "no file of this clip in the folder clips"
    assert found.footage("linked").missing == "its file is a link that leads out of the folder clips"
    assert found.footage("broken").missing.startswith("its file cannot be read: ")
    assert found.footage("sound").missing == "its file has no picture"
    for clip in ("gone", "linked", "broken", "sound"):
        with pytest.raises(NoSuchFile):
            found.film(clip, preview=True)


def test_a_clip_that_nobody_asked_about_is_not_there(folder, clips, film):
    film.write(folder / "a.mp4", seconds=0.4)
    found = clips("b")
    for act in (found.footage, found.peaks, lambda clip: found.film(clip, preview=False)):
        with pytest.raises(NoSuchFile):
            act("a")


def test_a_file_that_goes_away_is_missed_and_not_an_error(folder, clips, film):
    path = film.write(folder / "a.mp4", seconds=0.4)
    found = clips("a")
    path.unlink()
    assert found.footage("a").missing


def test_the_outline_of_a_sound_is_its_extremes_column_by_column(folder, clips, film, tmp_path):
    sound = np.zeros(16_000, np.float32)
    sound[8_000:8_800] = np.resize([0.5, -0.25], 800)
    film.write(folder / "a.mp4", seconds=1, sound=sound)
    found = clips("a").peaks("a")
    assert (len(found.low), len(found.high)) == (PEAKS, PEAKS)
    loud = [place / PEAKS for place, high in enumerate(found.high) if high > 20]
    assert (min(loud), max(loud)) == (pytest.approx(0.5, abs=0.08), pytest.approx(0.55, abs=0.08))  # AAC smears 64 ms
    assert max(found.high[:400]) <= 1  # silence is silence, however quiet the rest
    before = {path: path.stat().st_ino for path in (tmp_path / "kept").iterdir()}
    assert clips("a").peaks("a") == found
    assert {path: path.stat().st_ino for path in (tmp_path / "kept").iterdir()} == before  # not written anew


def test_a_clip_without_sound_has_no_outline(folder, clips, film):
    film.write(folder / "a.mp4", seconds=0.4)
    with pytest.raises(media.MediaError):
        clips("a").peaks("a")
