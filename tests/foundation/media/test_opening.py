"""What cannot be read is refused by name, and so is what is not whole."""

import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor  # noqa: TID251 - it notices a death, and does not fork here
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from foundation import media
from foundation.extras import MissingPackage
from foundation.media import MediaError

READERS = [
    pytest.param(media.probe, id="probe"),
    pytest.param(media.read_audio_native, id="sound"),
    pytest.param(lambda path: media.read_video(path, fps=25), id="picture"),
]


def truncated(source: Path, target: Path, share: float) -> Path:
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def test_streams_that_are_not_there_are_named(film, tmp_path):
    silent = film.write(tmp_path / "silent.mp4", seconds=0.4)
    with pytest.raises(MediaError, match=r"silent\.mp4: no audio stream"):
        media.read_audio_native(silent)
    media.write_audio(tmp_path / "blind.wav", np.zeros(160), 16_000)
    with pytest.raises(MediaError, match=r"blind\.wav: no video stream"):
        media.read_video(tmp_path / "blind.wav", fps=25)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: None, "no such file", id="absent"),
        pytest.param(Path.mkdir, "a folder, not a file", id="folder"),
        pytest.param(lambda path: path.write_bytes(b""), "not a media file, or damaged", id="empty"),
        pytest.param(lambda path: path.write_text("tea\n" * 500), "not a media file, or damaged", id="text"),
    ],
)
def test_what_is_no_media_file_is_refused_by_name(tmp_path, read, make, reason):
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(MediaError) as raised:
        read(path)
    assert raised.value.path == path
    assert raised.value.reason == reason
    assert str(raised.value) == f"{path}: {reason}"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_an_mp4_that_was_cut_is_refused_wherever_it_was_cut(film, tmp_path, share):
    # The index stands in front, so the container opens and only the data run out.
    sound = film.noise(8, seed=1)
    whole = film.write(tmp_path / "whole.mp4", seconds=8, sound=sound, options={"movflags": "+faststart"})
    media.read_audio_native(whole)
    cut = truncated(whole, tmp_path / "cut.mp4", share)
    with pytest.raises(MediaError, match=r"cut\.mp4: (truncated|cannot be decoded|not a media file)"):
        media.read_audio_native(cut)
    with pytest.raises(MediaError, match=r"cut\.mp4: (truncated|cannot be decoded|not a media file|too short)"):
        media.read_video(cut, fps=25, seconds=8)
    with pytest.raises(MediaError, match=r"cut\.mp4: (truncated|cannot be decoded|not a media file)"):
        media.read_video(cut, fps=25)  # all there is: a cut file does not know what that was


def test_an_mp4_without_its_index_is_refused(film, tmp_path):
    whole = film.write(tmp_path / "whole.mp4", seconds=1, sound=film.noise(1, seed=1))
    with pytest.raises(MediaError, match="not a media file, or damaged"):
        media.probe(truncated(whole, tmp_path / "cut.mp4", 0.8))


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("share", [0.0005, 0.5, 0.99])
def test_sound_files_that_were_cut_are_refused(film, tmp_path, suffix, share):
    whole = tmp_path / f"whole{suffix}"
    media.write_audio(whole, film.noise(30, seed=2), 16_000)
    with pytest.raises(MediaError, match=f"cut{suffix}: "):
        media.read_audio_native(truncated(whole, tmp_path / f"cut{suffix}", share))


def test_a_wav_that_was_streamed_carries_no_length_and_is_read(film, tmp_path):
    whole = tmp_path / "whole.wav"
    media.write_audio(whole, film.noise(1, seed=2), 16_000)
    content = bytearray(whole.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "streamed.wav").write_bytes(content)
    streamed = media.read_audio_native(tmp_path / "streamed.wav")
    np.testing.assert_array_equal(streamed.samples, media.read_audio_native(whole).samples)


def test_a_stream_without_samples_is_refused(tmp_path):
    media.write_audio(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(MediaError, match="holds no samples"):
        media.read_audio_native(tmp_path / "none.wav")


def test_sound_that_changes_its_rate_on_the_way_is_refused(film, tmp_path):
    for name, rate in (("a", 16_000), ("b", 24_000)):
        media.write_audio(tmp_path / f"{name}.wav", film.noise(1, seed=2, sample_rate=rate), rate)
        command = [media.ffmpeg_executable(), "-v", "error", "-i", tmp_path / f"{name}.wav", "-f", "adts"]
        subprocess.run([*command, tmp_path / f"{name}.aac"], stdin=subprocess.DEVNULL, check=True)
    (tmp_path / "both.aac").write_bytes((tmp_path / "a.aac").read_bytes() + (tmp_path / "b.aac").read_bytes())
    with pytest.raises(MediaError, match="changes from 16000 Hz mono to 24000 Hz mono"):
        media.read_audio_native(tmp_path / "both.aac")


def test_an_error_comes_back_whole_from_a_worker_process(tmp_path):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        error = pool.submit(media.probe, tmp_path / "absent.mp4").exception()
    assert type(error) is MediaError
    assert (error.path, error.reason) == (tmp_path / "absent.mp4", "no such file")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path, again.reason) == (str(error), error.path, error.reason)


def test_odd_names_are_read_and_written(film, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sound = film.noise(1, seed=5)
    for name in (
        "with space.mp4",
        'it\'s "quoted".mp4',
        "Größe 犬.mp4",
        "100%d.mp4",
        "-v.mp4",
        "a:b.mp4",
        "#?&[x].mp4",
    ):
        media.write_video(name, (film.painted(k) for k in range(25)), fps=25, waveform=sound)
        assert film.numbers(media.read_video(name, fps=25)) == list(range(25)), name
        media.mux(name, sound, 16_000, f"again {name}")
        assert media.probe(f"again {name}").audio is not None, name
    assert len(list(tmp_path.iterdir())) == 14


def test_ffmpeg_on_the_path_comes_first(tmp_path, monkeypatch):
    own = tmp_path / "ffmpeg"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert media.ffmpeg_executable() == str(own)


def test_without_ffmpeg_on_the_path_the_packaged_one_is_taken(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    version = subprocess.run([media.ffmpeg_executable(), "-version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("ffmpeg version")


def test_without_any_ffmpeg_both_ways_to_get_one_are_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingPackage, match=r"no program ffmpeg on PATH, and none of the package imageio-ffmpeg; ins"):
        media.ffmpeg_executable()


def test_what_nobody_foresaw_in_a_file_is_its_reason_with_the_traceback_in_the_log(film, tmp_path, monkeypatch, caplog):
    def stumble(*_arguments):
        raise KeyError("side data")

    path = film.write(tmp_path / "odd.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    monkeypatch.setattr("foundation.media.sound._decoded", stumble)
    with pytest.raises(MediaError, match=r"odd\.mp4: cannot be read \(KeyError: 'side data'\)"):
        media.read_audio_native(path)
    assert "in stumble" in caplog.text


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
def test_what_the_machine_lacks_is_not_the_files_fault(film, tmp_path, monkeypatch, error):
    def fail(*_arguments):
        raise error

    path = film.write(tmp_path / "whole.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    monkeypatch.setattr("foundation.media.sound._decoded", fail)
    with pytest.raises(type(error)):
        media.read_audio_native(path)
