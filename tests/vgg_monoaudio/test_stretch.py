"""What a clip contributes: the frames and samples that reading it gives, wherever its streams begin."""

import os
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation import media
from foundation.media import MediaError, surveying
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.composition import compose, cut, filled
from vgg_monoaudio.stretch import Filled

RATE = 16_000
SECONDS = 1.6
PAIRED = 2048


def ffmpeg(*arguments: object) -> None:
    command = [media.ffmpeg_executable(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


@pytest.fixture(scope="module")
def plain(film, tmp_path_factory) -> Path:
    """2.4 s of numbered frames and noise."""
    return film.write(tmp_path_factory.mktemp("plain") / "plain.mp4", sound=film.noise(2.4, seed=1))


@pytest.fixture(scope="module")
def other(film, tmp_path_factory) -> Path:
    """Another clip, whose frames carry other numbers."""
    folder = tmp_path_factory.mktemp("other")
    return film.write(folder / "other.mp4", sound=film.noise(2.4, seed=2), first_number=PAIRED)


def picture_late(plain: Path, path: Path) -> Path:
    ffmpeg("-itsoffset", 0.5, "-i", plain, "-i", plain, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
    return path


def sound_late(plain: Path, path: Path) -> Path:
    ffmpeg("-i", plain, "-itsoffset", 0.5, "-i", plain, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
    return path


def holed(plain: Path, path: Path) -> Path:
    gone = "asetnsamples=160,aselect='not(between(t,0.5,1.095))'"
    ffmpeg("-i", plain, "-c:v", "copy", "-af", gone, "-c:a", "pcm_s16le", path)
    return path


def without_times(plain: Path, path: Path) -> Path:
    ffmpeg("-i", plain, "-c:v", "libx264", "-bf", 3, "-crf", 4, "-c:a", "pcm_s16le", path.with_suffix(".avi"))
    return path.with_suffix(".avi")


def second_by_default(plain: Path, path: Path) -> Path:
    cover = path.with_name("cover.png")
    ffmpeg("-f", "lavfi", "-i", "color=red:s=200x200", "-frames:v", 1, cover)
    marks = ("-disposition:v:0", "attached_pic", "-disposition:a:0", 0, "-disposition:a:1", "default")
    streams = ("-map", "0:v", "-map", "1:v", "-map", "2:a", "-map", "1:a")
    ffmpeg("-i", cover, "-i", plain, "-f", "lavfi", "-i", "sine=d=2.4", *streams, "-c:v", "copy", *marks,
           path.with_suffix(".mp4"))  # fmt: skip
    return path.with_suffix(".mp4")


ODD = [picture_late, sound_late, holed, without_times, second_by_default]


@pytest.mark.parametrize("made", ODD)
def test_a_cut_holds_what_reading_the_clip_gives(film, plain, tmp_path, made):
    clip = made(plain, tmp_path / "clip.mkv")
    cut(clip, tmp_path / "cut.mp4", start=0.2, duration=SECONDS)
    numbers, sounds = [], []
    for path, start in ((clip, 0.2), (tmp_path / "cut.mp4", 0.0)):
        numbers.append(film.numbers(media.read_video(path, fps=25, start_seconds=start, seconds=SECONDS)))
        sounds.append(media.read_audio(path, sample_rate=RATE, start_seconds=start, seconds=SECONDS))
    assert numbers[0] == numbers[1]
    # AAC in between; one sample of shift costs noise below 3 kHz a third of its correlation with itself.
    assert np.corrcoef(*sounds)[0, 1] > 0.97
    info = media.probe(tmp_path / "cut.mp4")
    assert (info.video.start_seconds, info.audio.start_seconds) == (0, 0)


@pytest.mark.parametrize("made", ODD)
def test_a_scene_shows_what_reading_the_clip_gives(film, plain, other, tmp_path, made):
    clip = made(plain, tmp_path / "clip.mkv")
    compose(clip, other, tmp_path / "scene.mp4", "left", duration=SECONDS)
    shown = media.read_video(tmp_path / "scene.mp4", fps=25, seconds=SECONDS)
    assert film.numbers(shown[..., :640]) == film.numbers(media.read_video(clip, fps=25, seconds=SECONDS))
    assert film.numbers(shown[..., 640:]) == list(range(PAIRED, PAIRED + 40))


SHAPES = {
    "oblong": ("-vf", "setsar=4/3"),
    "tall": ("-vf", "setsar=2/3"),
}


@pytest.mark.parametrize("filters", SHAPES.values(), ids=SHAPES)
def test_a_cut_has_the_size_and_a_padded_scene_the_shape_in_which_the_clip_is_shown(plain, other, tmp_path, filters):
    def white(_: int) -> np.ndarray:
        return np.full((48, 64, 3), 255, np.uint8)

    ffmpeg("-f", "lavfi", "-i", "color=white:s=64x48:r=25:d=2", "-i", plain, *filters, "-map", "0:v", "-map", "1:a",
           "-c:a", "copy", "-shortest", tmp_path / "clip.mp4")  # fmt: skip
    width, height = media.survey(tmp_path / "clip.mp4").shown_size
    assert (width, height) == (round(64 * Fraction(filters[1].removeprefix("setsar="))), 48)
    cut(tmp_path / "clip.mp4", tmp_path / "cut.mp4", duration=0.4)
    info = media.probe(tmp_path / "cut.mp4").video
    assert (info.width, info.height, info.pixel_aspect) == (width // 2 * 2, height, 1)
    compose(tmp_path / "clip.mp4", other, tmp_path / "scene.mp4", "left", "pad", 0.4)
    bright = media.read_video(tmp_path / "scene.mp4", fps=25)[5, 0, :, :640] > 127
    rows, columns = np.nonzero(bright)
    shape = (np.ptp(columns) + 1) / (np.ptp(rows) + 1)
    assert shape == pytest.approx(width / height, rel=0.02)


@pytest.mark.parametrize("options", [("-display_rotation", 90, "-display_hflip"), ("-display_hflip",)])
def test_a_mirrored_clip_is_cut_as_it_is_read(plain, tmp_path, options):
    ffmpeg(*options, "-i", plain, "-c", "copy", tmp_path / "clip.mp4")
    cut(tmp_path / "clip.mp4", tmp_path / "cut.mp4", duration=0.4)
    read, kept = (media.read_video(tmp_path / name, fps=25, seconds=0.4) for name in ("clip.mp4", "cut.mp4"))
    assert read.shape == kept.shape
    assert np.abs(read.astype(int) - kept).mean() < 6  # encoded once more; mirrored wrongly it is above 60


def test_what_is_missing_for_too_long_is_refused_by_name_before_anything_is_written(plain, tmp_path):
    ffmpeg("-i", plain, "-itsoffset", 1.3, "-i", plain, "-map", "0:v", "-map", "1:a", "-c", "copy", tmp_path / "a.mkv")
    with pytest.raises(MediaError, match=r"a\.mkv: its sound begins 1\.\d\d s into the file; at most 1 s is filled"):
        cut(tmp_path / "a.mkv", tmp_path / "cut.mp4", duration=SECONDS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [(picture_late, (0, 0.5)), (sound_late, (0.436, 0)), (holed, (0.6, 0))],
    ids=["picture late", "sound late, less AAC's priming", "hole"],
)
def test_what_was_filled_in_is_told(plain, tmp_path, made, expected):
    found = filled(made(plain, tmp_path / "clip.mkv"), duration=SECONDS)
    assert (found.silence_seconds, found.held_seconds) == pytest.approx(expected, abs=0.065)
    assert filled(plain) == Filled(0, 0)
    assert filled(made(plain, tmp_path / "clip.mkv"), start=1.2, duration=0.4) == Filled(0, 0)


def test_a_build_records_the_rule_and_what_was_filled_in(plain, other, tmp_path):
    clips = {"aaaaaaaaaaa_000001": picture_late(plain, tmp_path / "late.mkv"), "bbbbbbbbbbb_000002": other}
    rows = [(clip, label, "Animal") for clip, label in zip(clips, ("dog barking", "cat purring"), strict=True)]
    sources = pd.DataFrame(rows, columns=["clip_id", "label", "category"])
    settings = Settings(inter_pairs=0, duration_seconds=SECONDS)
    record = build_benchmark(sources, clips, tmp_path / "out", settings, workers=1).benchmark.record
    assert record.frame_rule == "shared-clock"
    late, on_time = record.sources
    assert late.picture_held_seconds == pytest.approx(0.5, abs=0.01)
    assert "silence_filled_seconds" not in late.content()
    assert set(on_time.content()) == {"clip_id", "label", "category", "sha256", "video_sha256"}


def test_an_ordinary_clip_goes_through_the_filters_that_it_always_went_through(plain, tmp_path, monkeypatch):
    commands = []

    def stopped(command, *_):
        commands.append(command)
        raise KeyboardInterrupt

    monkeypatch.setattr("vgg_monoaudio.composition.encode", stopped)
    with pytest.raises(KeyboardInterrupt):
        cut(plain, tmp_path / "cut.mp4", duration=SECONDS)
    graph = commands[0][commands[0].index("-filter_complex") + 1]
    assert "[0:0]setpts=PTS-STARTPTS[" in graph
    assert "]fps=25[" in graph
    assert "[0:1]asetpts=N/SR/TB[" in graph
    assert "async" not in graph


def test_a_clip_is_looked_at_once_however_many_scenes_show_it(plain, other, tmp_path, monkeypatch):
    looked = []
    read = surveying.read_audio_native
    monkeypatch.setattr(surveying, "read_audio_native", lambda path: looked.append(Path(path).name) or read(path))
    clips = [tmp_path / path.name for path in (plain, other)]
    for clip, path in zip(clips, (plain, other), strict=True):
        clip.write_bytes(path.read_bytes())
        os.utime(clip, (1e9, 1e9))  # not a moment ago
    for side in ("left", "right"):
        compose(*clips, tmp_path / f"{side}.mp4", side, duration=SECONDS)
    cut(clips[0], tmp_path / "cut.mp4", duration=SECONDS)
    assert filled(clips[1], duration=SECONDS) == Filled(0.0, 0.0)
    assert looked == ["plain.mp4", "other.mp4"]
