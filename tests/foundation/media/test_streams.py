"""Which picture and which sound of a file is read: the ones that a player plays."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from foundation import media
from foundation.media import MediaError

RATE = 16_000
OTHER = 2048  # the frames of the second film carry numbers from here on


def ffmpeg(*arguments: object) -> None:
    command = [media.ffmpeg_executable(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


@pytest.fixture(scope="module")
def films(film, tmp_path_factory) -> tuple[Path, Path]:
    """Two films of 1 s, each with a sound of its own."""
    folder = tmp_path_factory.mktemp("films")
    first = film.write(folder / "first.mp4", seconds=1, sound=film.noise(1, seed=1))
    second = film.write(folder / "second.mp4", seconds=1, sound=film.noise(1, seed=2), first_number=OTHER)
    return first, second


@pytest.fixture(scope="module")
def cover(tmp_path_factory) -> Path:
    """A red picture, larger than the films."""
    path = tmp_path_factory.mktemp("cover") / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=200x200", "-frames:v", 1, path)
    return path


def sounds_like(path: Path, film, seed: int) -> bool:
    heard = media.read_audio(path, sample_rate=RATE, seconds=1)
    return np.corrcoef(heard, film.noise(1, seed=seed)[: heard.size])[0, 1] > 0.9


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_a_cover_that_stands_first_is_not_the_film(film, films, cover, tmp_path, container):
    path = tmp_path / f"covered.{container}"
    marks = ("-disposition:v:0", "attached_pic", "-disposition:v:1", "default")
    if container == "mkv":
        ffmpeg("-i", films[0], "-attach", cover, "-metadata:s:t", "mimetype=image/png", "-c", "copy", path)
    else:
        ffmpeg("-i", cover, "-i", films[0], "-map", "0:v", "-map", "1", "-c", "copy", *marks, path)
    assert media.probe(path).video.codec == "h264"
    assert film.numbers(media.read_video(path, fps=25, seconds=1)) == list(range(25))
    assert media.picture_seconds(path, at_most=8) == pytest.approx(1, abs=0.05)
    media.mux(path, film.noise(1, seed=3), RATE, tmp_path / "new.mp4")
    assert film.numbers(media.read_video(tmp_path / "new.mp4", fps=25)) == list(range(25))
    assert sounds_like(tmp_path / "new.mp4", film, 3)


def test_music_with_a_cover_has_no_picture(film, films, cover, tmp_path):
    path = tmp_path / "music.mp3"
    codecs = ("-c:a", "libmp3lame", "-c:v", "copy", "-disposition:v", "attached_pic")
    ffmpeg("-i", films[0], "-i", cover, "-map", "0:a", "-map", "1:v", *codecs, path)
    assert media.probe(path).video is None
    with pytest.raises(MediaError, match=r"music\.mp3: no video stream"):
        media.read_video(path, fps=25)
    assert sounds_like(path, film, 1)


@pytest.mark.parametrize("default", [0, 1])
def test_of_two_films_and_two_languages_the_default_ones_are_read(film, films, tmp_path, default):
    path = tmp_path / "two.mkv"
    marks = [
        argument
        for kind in "va"
        for place in (0, 1)
        for argument in (f"-disposition:{kind}:{place}", "default" if place == default else 0)
    ]
    streams = ("-map", "0:v", "-map", "1:v", "-map", "0:a", "-map", "1:a")
    ffmpeg("-i", films[0], "-i", films[1], *streams, "-c", "copy", *marks, path)
    expected = list(range(OTHER * default, OTHER * default + 25))
    assert film.numbers(media.read_video(path, fps=25, seconds=1)) == expected
    assert sounds_like(path, film, default + 1)
    info = media.probe(path)
    assert (info.video.index, info.audio.index) == (default, 2 + default)


def test_without_a_default_the_larger_picture_and_the_sound_of_more_channels_are_read(film, films, tmp_path):
    stereo = np.stack([film.noise(1, seed=4), film.noise(1, seed=4)])
    large = film.write(tmp_path / "large.mp4", seconds=1, size=(96, 128), sound=stereo, first_number=OTHER)
    path = tmp_path / "two.mkv"
    streams = ("-map", "0:v", "-map", "1:v", "-map", "0:a", "-map", "1:a", "-disposition", 0)
    ffmpeg("-i", films[0], "-i", large, *streams, "-c", "copy", "-default_mode", "passthrough", path)
    assert media.read_video(path, fps=25, seconds=1).shape == (25, 3, 96, 128)
    assert media.read_audio_native(path).samples.shape[0] == 2
