"""An encoder that fails: a clip is at fault only where the clip makes it fail, whatever it says and however it ends."""

import json
import os
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from foundation import media
from foundation.extras import MissingPackage
from foundation.files import WriteFailed
from foundation.media.pyav_program import command_words
from vgg_monoaudio import encoding
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.building.single_clips import SingleSettings, build_vggsound_test
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.composition import cut
from vgg_monoaudio.encoding import EncodingStopped

SETTINGS = Settings(name="tiny", seed=3, duration_seconds=0.4)
SOURCES = pd.DataFrame(
    [("aaaaaaaaaaa_000001", "dog barking", "Animal"), ("bbbbbbbbbbb_000002", "raining", "Nature")],
    columns=["clip_id", "label", "category"],
)
WORKS = "os.execv(real[0], [*real, *sys.argv[1:]])"
WAYS_TO_FAIL = {  # what ffmpeg does where it was to write a file, and what the message says
    "killed": ("os.kill(os.getpid(), 9)", "it was stopped by SIGKILL, as when memory runs out"),
    "killed within a shell": ("sys.exit(137)", "it was stopped by SIGKILL, as when memory runs out"),
    "told to end": ("sys.exit('Exiting normally, received signal 15.')", "it was stopped by signal 15"),
    "full disk": ("sys.exit('Error writing trailer: No space left on device')", "No space left on device"),
    "no permission": ("sys.exit('scene.mp4: Permission denied')", "Permission denied"),
    "out of words": ("sys.exit(1)", "it succeeds where nothing is written"),
    "crash": ("os.abort()", "it succeeds where nothing is written"),
    "no file": ("sys.exit(0)", "ffmpeg reported success and left no film"),
}


@pytest.fixture
def clips(film, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    for place, clip_id in enumerate(SOURCES["clip_id"]):
        film.write(folder / f"{clip_id}.mp4", seconds=0.6, sound=film.noise(0.6, seed=place))
    return folder


@pytest.fixture(params=["pyav", "ffmpeg"])
def program(request, tmp_path, monkeypatch):
    """Puts a program in place of the encoder: Python, with the words `real` for the one that works."""
    monkeypatch.setenv("VGG_MONOAUDIO_ENCODER", request.param)
    real = command_words() if request.param == "pyav" else [media.ffmpeg_executable()]

    def put(body):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        path = folder / "ffmpeg"
        path.write_text(f"#!{sys.executable}\nimport os, sys\nreal = {real!r}\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        if request.param == "pyav":
            monkeypatch.setattr(encoding, "command_words", lambda: [str(path)] if path.exists() else real)
        return path

    return put


def only_for_files(body):
    """Fail where a file is to be written; work where nothing is."""
    return f"if 'null' not in sys.argv:\n    {body}\n{WORKS}"


@pytest.mark.parametrize("way", WAYS_TO_FAIL)
def test_an_ffmpeg_that_fails_by_itself_stops_the_build_and_leaves_no_clip_out(clips, program, tmp_path, way):
    body, reason = WAYS_TO_FAIL[way]
    program(only_for_files(body))
    with pytest.raises((EncodingStopped, WriteFailed)) as raised:
        build_benchmark(SOURCES, find_clips(clips), tmp_path / "out", SETTINGS, allow_missing=True, workers=1)
    assert reason in str(raised.value)
    assert f"{SOURCES['clip_id'][0]}.mp4" in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_the_same_command_then_gives_the_undisturbed_benchmark(clips, program, tmp_path):
    path = program(only_for_files("os.kill(os.getpid(), 9)"))
    with pytest.raises(EncodingStopped):
        build_benchmark(SOURCES, find_clips(clips), tmp_path / "out", SETTINGS, allow_missing=True, workers=1)
    path.unlink()
    built = build_benchmark(SOURCES, find_clips(clips), tmp_path / "out", SETTINGS, allow_missing=True, workers=1)
    assert built.problems == []
    assert built.benchmark.record.counts.clips == 2


def test_single_clips_are_not_left_out_for_it_either(clips, program, tmp_path):
    program(only_for_files("os.kill(os.getpid(), 9)"))
    with pytest.raises(EncodingStopped, match=r"\.mp4: ffmpeg failed, and not because of the clips: it was stopped by"):
        build_vggsound_test(
            SOURCES.assign(split="test"), find_clips(clips), tmp_path / "out", SingleSettings(duration_seconds=0.4),
            allow_missing=True, workers=1,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit('Unknown encoder libx264')", r"it fails on any film \(Unknown encoder libx264\)"),
        ("os.abort()", r"it fails on any film \(no message\)"),
    ],
)
def test_an_ffmpeg_that_cannot_encode_anything_says_nothing_of_the_clip(clips, program, tmp_path, body, reason):
    program(body)
    with pytest.raises(EncodingStopped, match=reason):
        cut(clips / f"{SOURCES['clip_id'][0]}.mp4", tmp_path / "cut.mp4", duration=0.4)
    assert not (tmp_path / "cut.mp4").exists()


def test_an_ffmpeg_that_cannot_be_started_is_named(clips, monkeypatch, tmp_path):
    source = clips / f"{SOURCES['clip_id'][0]}.mp4"
    monkeypatch.setenv("VGG_MONOAUDIO_ENCODER", "ffmpeg")
    monkeypatch.setattr(media, "ffmpeg_executable", lambda: str(tmp_path / "gone"))
    with pytest.raises(EncodingStopped, match=rf"{tmp_path / 'gone'} cannot be started: No such file or directory"):
        cut(source, tmp_path / "cut.mp4", duration=0.4)

    def none():
        raise MissingPackage("no program ffmpeg on PATH")

    monkeypatch.setattr(media, "ffmpeg_executable", none)
    with pytest.raises(EncodingStopped, match=r"cut\.mp4: there is no ffmpeg to make it with \(no program ffmpeg"):
        cut(source, tmp_path / "cut.mp4", duration=0.4)


def test_a_clip_that_makes_ffmpeg_fail_is_left_out(clips, film, tmp_path):
    """Its header is whole and its sound is read; of its picture only rubbish is left."""
    path = clips / f"{SOURCES['clip_id'][0]}.mp4"
    film.write(path, seconds=8, sound=film.noise(8, seed=0), options={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 20])
    third = pd.DataFrame([("ccccccccccc_000003", "thunder", "Nature")], columns=SOURCES.columns)
    film.write(clips / "ccccccccccc_000003.mp4", seconds=0.6, sound=film.noise(0.6, seed=3))
    listed = pd.concat([SOURCES, third])
    built = build_benchmark(listed, find_clips(clips), tmp_path / "out", SETTINGS, allow_missing=True, workers=1)
    assert [problem.clip_id for problem in built.problems] == [path.stem]


def test_a_clip_on_which_ffmpeg_crashes_every_time_is_at_fault(clips, program, tmp_path):
    """With other films the same ffmpeg works."""
    source = clips / f"{SOURCES['clip_id'][0]}.mp4"
    program(f"if {str(source)!r} in sys.argv:\n    os.abort()\n{WORKS}")
    with pytest.raises(media.MediaError, match=rf"cut\.mp4: ffmpeg failed on {source.name}: no message"):
        cut(source, tmp_path / "cut.mp4", duration=0.4)


def test_an_ffmpeg_that_hangs_at_a_clip_is_killed_and_the_clip_named(clips, tmp_path, monkeypatch):
    run, limits, odd = subprocess.run, [], f"{SOURCES['clip_id'][0]}.mp4"

    def hanging(command, *, timeout, **options):
        limits.append(timeout)
        if any(odd in word for word in command):
            raise subprocess.TimeoutExpired(command, timeout)
        return run(command, timeout=timeout, **options)

    monkeypatch.setattr(subprocess, "run", hanging)
    with pytest.raises(media.MediaError, match=rf"ffmpeg failed on {odd}: not done within 600 s"):
        cut(clips / odd, tmp_path / "cut.mp4", duration=0.4)
    assert set(limits) == {600.0}


def test_an_ffmpeg_that_hangs_at_anything_says_nothing_of_the_clip(clips, tmp_path, monkeypatch):
    def hanging(command, *, timeout, **_options):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hanging)
    with pytest.raises(EncodingStopped, match="it fails on any film"):
        cut(clips / f"{SOURCES['clip_id'][0]}.mp4", tmp_path / "cut.mp4", duration=0.4)


def test_the_encoder_is_one_of_two(monkeypatch):
    monkeypatch.delenv("VGG_MONOAUDIO_ENCODER", raising=False)
    assert encoding.encoder() == "pyav"
    monkeypatch.setenv("VGG_MONOAUDIO_ENCODER", "gstreamer")
    with pytest.raises(ValueError, match="VGG_MONOAUDIO_ENCODER: expected pyav or ffmpeg, got 'gstreamer'"):
        encoding.encoder()


def test_the_encoder_is_on_record_and_no_build_goes_on_with_the_other(clips, program, tmp_path, monkeypatch):
    """What ffmpeg made has no such field, as everything that was built before there was a choice."""
    path = program(
        "if '.mp4' in ' '.join(sys.argv) and 'inter' in ' '.join(sys.argv):\n    os.kill(os.getpid(), 9)\n" + WORKS
    )
    with pytest.raises(EncodingStopped):
        build_benchmark(SOURCES, find_clips(clips), tmp_path / "out", SETTINGS, workers=1)
    begun = {file.name for file in (tmp_path / "out.building" / "sources").iterdir()}
    assert begun
    path.unlink()
    for encoder in ("pyav", "ffmpeg"):
        monkeypatch.setenv("VGG_MONOAUDIO_ENCODER", encoder)
        built = build_benchmark(SOURCES, find_clips(clips), tmp_path / "out", SETTINGS, workers=1, overwrite=True)
        settings = json.loads((tmp_path / "out" / "benchmark.json").read_text())["settings"]
        assert settings.get("encoder", "ffmpeg") == built.benchmark.record.settings.encoder == encoder
        assert ("encoder" in settings) == (encoder == "pyav")


def test_both_encoders_make_the_same_pictures_and_sounds(clips, tmp_path, monkeypatch):
    source = clips / f"{SOURCES['clip_id'][0]}.mp4"
    for encoder in ("pyav", "ffmpeg"):
        monkeypatch.setenv("VGG_MONOAUDIO_ENCODER", encoder)
        cut(source, tmp_path / f"{encoder}.mp4", duration=0.4)
    first, second = (tmp_path / f"{encoder}.mp4" for encoder in ("pyav", "ffmpeg"))
    np.testing.assert_array_equal(*(media.read_video(path, fps=25) for path in (first, second)))
    np.testing.assert_array_equal(*(media.read_audio(path, sample_rate=16_000) for path in (first, second)))
