"""Scenes and sources are the same bytes on any machine: nothing in them tells of threads, versions or the clock."""

import re

import pytest

from foundation import media
from vgg_monoaudio import composition
from vgg_monoaudio.composition import compose, cut
from vgg_monoaudio.encoding import encode


@pytest.fixture(scope="module")
def made(film, tmp_path_factory):
    """A scene and a source."""
    folder = tmp_path_factory.mktemp("made")
    clips = [film.write(folder / f"{k}.mp4", seconds=1, sound=film.noise(1, seed=k), first_number=k) for k in (1, 2)]
    compose(*clips, folder / "scene.mp4", "left", duration=0.4)
    cut(clips[0], folder / "source.mp4", duration=0.4)
    return {name: (folder / f"{name}.mp4").read_bytes() for name in ("scene", "source")}


@pytest.mark.parametrize("name", ["scene", "source"])
def test_the_muxer_and_the_encoders_leave_no_version(made, name):
    assert re.findall(rb"Lav[fc][\d.]+", made[name]) == []  # "Lavc libx264" is there, and the same everywhere


@pytest.mark.parametrize("name", ["scene", "source"])
def test_the_picture_is_encoded_by_one_thread(made, name):
    """More threads cut the picture otherwise; x264 writes into the stream how it was run."""
    settings = made[name].split(b"x264 - core", 1)[1][:1500]
    assert b" threads=1 " in settings
    assert b" sliced_threads=0 " in settings


@pytest.mark.parametrize("options", [{"x264-params": "asm=AVX2"}, {}])
def test_ffmpeg_is_told_which_instructions_x264_may_use(film, tmp_path, monkeypatch, options):
    """See `foundation.media.x264_instructions`: with some, the bytes depend on what memory held before."""
    widths, commands = [], []

    def instructions(width):
        widths.append(width)
        return options

    def remembered(command, *rest):
        commands.append(command)
        return encode(command, *rest)

    monkeypatch.setattr(media, "x264_instructions", instructions)
    monkeypatch.setattr(composition, "encode", remembered)
    cut(film.write(tmp_path / "clip.mp4", seconds=1, sound=film.noise(1, seed=1)), tmp_path / "a.mp4", duration=0.4)
    assert widths == [64]
    (command,) = commands
    assert [command[k + 1] for k, word in enumerate(command) if word == "-x264-params"] == list(options.values())
