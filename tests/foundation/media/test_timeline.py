"""One time line for picture and sound: what a player shows together is read together."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from foundation import media
from foundation.media import MediaError
from foundation.media.timeline import SoundClock, Span, ticks

RATE = 16_000
TIMES = (0.72, 1.6, 2.4)  # seconds at which the picture flashes and the sound clicks
SECONDS = 3.0
FRAME = 0.04


def ffmpeg(*arguments: object) -> None:
    command = [media.ffmpeg_executable(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


def flash(number: int) -> np.ndarray:
    return np.full((48, 64, 3), 255 if number in {round(time * 25) for time in TIMES} else 0, np.uint8)


@pytest.fixture(scope="module")
def clip(film, tmp_path_factory) -> Path:
    """3 s at 25 fps that flash and click together; a sound of AAC at 16 kHz."""
    sound = np.zeros(round(SECONDS * RATE), np.float32)
    for time in TIMES:
        sound[round(time * RATE) :][:400] = 0.7 * np.sin(np.arange(400) / 3)
    folder = tmp_path_factory.mktemp("timeline")
    return film.write(folder / "clip.mp4", seconds=SECONDS, sound=sound, picture=flash)


def seen(path: Path) -> list[float]:
    """When the picture flashes, seconds."""
    bright = media.read_video(path, fps=25).mean(axis=(1, 2, 3)) > 127
    return [round(slot / 25, 2) for slot in np.flatnonzero(bright[1:] & ~bright[:-1]) + 1]


def heard(path: Path) -> list[float]:
    """When the sound clicks, seconds."""
    loud = np.flatnonzero(np.abs(media.read_audio(path, sample_rate=RATE)) > 0.3)
    first = np.insert(np.diff(loud) > RATE // 5, 0, True)
    return [float(sample) / RATE for sample in loud[first]]


def played(path: Path, *arguments: str) -> bytes:
    command = [media.ffmpeg_executable(), "-v", "error", "-i", path, *arguments, "-"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


def ffmpeg_seconds(path: Path) -> tuple[float, float]:
    """How long ffmpeg itself plays sound and picture of a file, both being asked for."""
    sound = played(path, "-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-ac", "1")
    picture = played(path, "-vf", "fps=25:start_time=0,scale=4:4", "-f", "rawvideo", "-pix_fmt", "gray")
    return len(sound) / 4 / media.read_audio_native(path).sample_rate, len(picture) / 16 / 25


LATE = 0.6


def sound_late(clip: Path, path: Path, *codecs: str) -> Path:
    ffmpeg("-i", clip, "-itsoffset", LATE, "-i", clip, "-map", "0:v", "-map", "1:a", *(codecs or ("-c", "copy")), path)
    return path


def picture_late(clip: Path, path: Path, *codecs: str) -> Path:
    ffmpeg("-itsoffset", LATE, "-i", clip, "-i", clip, "-map", "0:v", "-map", "1:a", *(codecs or ("-c", "copy")), path)
    return path


CONTAINERS = [
    pytest.param(".mp4", (), id="mp4"),
    pytest.param(".mkv", (), id="mkv"),
    pytest.param(".ts", (), id="ts"),
    pytest.param(".webm", ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"), id="webm"),
]


@pytest.mark.parametrize(("suffix", "codecs"), CONTAINERS)
@pytest.mark.parametrize("late", [sound_late, picture_late])
def test_a_stream_that_begins_later_comes_later_by_as_much(clip, tmp_path, late, suffix, codecs):
    path = late(clip, tmp_path / f"late{suffix}", *codecs)
    # A flash may fall into the next slot; containers round to 1 ms, and TS keeps 64 ms of AAC's priming.
    between = np.array(heard(path)) - np.array(seen(path))
    np.testing.assert_allclose(between, LATE if late is sound_late else -LATE, atol=FRAME / 2 + 0.005)
    info = media.probe(path)
    assert info.audio.start_seconds - info.video.start_seconds == pytest.approx(between.mean(), abs=FRAME / 2 + 0.07)


@pytest.mark.parametrize("late", [sound_late, picture_late])
def test_lengths_are_those_that_ffmpeg_plays(clip, tmp_path, late):
    path = late(clip, tmp_path / "late.mkv")
    audio = media.read_audio_native(path)
    there = audio.samples.shape[1] / audio.sample_rate, len(media.read_video(path, fps=25)) / 25
    assert there == pytest.approx(ffmpeg_seconds(path), abs=0.02)


def test_silence_stands_before_a_late_sound_to_the_sample(film, tmp_path):
    sound = film.noise(1, seed=1)
    media.write_audio(tmp_path / "sound.wav", sound, RATE)
    clip = film.write(tmp_path / "clip.mp4", seconds=1)
    pcm = ("-c:v", "copy", "-c:a", "pcm_s16le")
    ffmpeg("-i", clip, "-itsoffset", 0.35, "-i", tmp_path / "sound.wav", *pcm, tmp_path / "late.mov")
    audio = media.read_audio_native(tmp_path / "late.mov")
    start = round(0.35 * RATE)
    assert not audio.samples[0, :start].any()
    np.testing.assert_allclose(audio.samples[0, start:], sound, atol=1 / 32_768)
    assert audio.silent == (Span(0.0, 0.35),)


def test_a_clip_cut_without_encoding_stays_in_step(film, tmp_path):
    sound = np.zeros(4 * RATE, np.float32)
    for time in (1.6, 2.4, 3.2):
        sound[round(time * RATE) :][:400] = 0.7 * np.sin(np.arange(400) / 3)
    lit = {40, 60, 80}
    clip = film.write(
        tmp_path / "clip.mp4",
        seconds=4,
        sound=sound,
        picture=lambda number: np.full((48, 64, 3), 255 * (number in lit), np.uint8),
        options={},
    )
    ffmpeg("-i", clip, "-c:v", "libx264", "-g", 24, "-bf", 0, "-c:a", "copy", tmp_path / "keys.mp4")
    ffmpeg("-i", tmp_path / "keys.mp4", "-ss", 0.7, "-c", "copy", tmp_path / "cut.mp4")
    info = media.probe(tmp_path / "cut.mp4")
    assert info.video.start_seconds > 0.1  # the picture begins with the next key frame
    np.testing.assert_allclose(np.array(heard(tmp_path / "cut.mp4")), seen(tmp_path / "cut.mp4"), atol=FRAME)


@pytest.mark.parametrize("late", [sound_late, picture_late])
def test_what_is_missing_for_more_than_a_second_is_refused_with_its_amount(clip, tmp_path, late, monkeypatch):
    monkeypatch.setitem(globals(), "LATE", 1.64)
    path = late(clip, tmp_path / "late.mkv")
    if late is sound_late:
        assert seen(path) == pytest.approx(TIMES)  # the picture is whole
        reason = r"late\.mkv: its sound begins 1\.64 s into the file; at most 1 s is filled with silence"
        with pytest.raises(MediaError, match=reason):
            media.read_audio(path, sample_rate=RATE)
    else:
        assert heard(path) == pytest.approx(TIMES, abs=0.01)
        reason = r"late\.mkv: its picture begins 1\.64 s into the file; at most 1 s is filled with the nearest frame"
        with pytest.raises(MediaError, match=reason):
            media.read_video(path, fps=25)
    with pytest.raises(MediaError, match=reason):
        media.survey(path)


def holed(film, path: Path, start: float, end: float) -> tuple[Path, np.ndarray]:
    """A film of 5 s whose time stamps of sound leap from `start` to `end`, and the whole sound."""
    sound = film.noise(5, seed=3)
    media.write_audio(path.with_suffix(".wav"), sound, RATE)
    clip = film.write(path.with_name("whole.mp4"), seconds=5)
    gone = f"asetnsamples=160,aselect='not(between(t,{start},{end - 0.005}))'"
    ffmpeg("-i", clip, "-i", path.with_suffix(".wav"), "-c:v", "copy", "-af", gone, "-c:a", "pcm_s16le", path)
    return path, sound


def test_a_hole_in_the_sound_is_filled_so_that_what_follows_keeps_its_time(film, tmp_path):
    path, sound = holed(film, tmp_path / "hole.mkv", 1.0, 1.5)
    audio = media.read_audio_native(path)
    # Matroska keeps whole milliseconds: 16 samples.
    (span,) = audio.silent
    assert (span.start, span.end) == pytest.approx((1.0, 1.5), abs=0.011)
    rest = audio.samples[0, round(1.6 * RATE) :]
    shifts = {s: np.dot(rest[20:20_000], sound[round(1.6 * RATE) + s :][20:20_000]) for s in range(-20, 21)}
    assert abs(max(shifts, key=lambda shift: shifts[shift])) <= 16
    assert not audio.samples[0, round(1.02 * RATE) : round(1.48 * RATE)].any()


def test_a_hole_of_three_seconds_is_refused_with_its_place(film, tmp_path):
    path, _ = holed(film, tmp_path / "hole.mkv", 1.0, 4.0)
    reason = r"hole\.mkv: from 1\.0\d s to 4\.0\d s its sound is missing \(\d\.\d\d s\); at most 1 s is filled with"
    with pytest.raises(MediaError, match=reason):
        media.read_audio_native(path)


def test_jitter_below_a_tenth_of_a_second_moves_nothing():
    clock = SoundClock("a.mkv", Fraction(0), 1000)
    ones = np.ones((1, 100), np.float32)
    placed = [clock.placed(ones, stamp, Fraction(1, 1000)) for stamp in (0, 200, 110, 399)]
    assert [[part.shape[1] for part in parts] for parts in placed] == [[100]] * 4
    assert clock.silent == []


def test_holes_are_filled_and_overlaps_dropped_beyond_a_tenth_of_a_second():
    clock = SoundClock("a.mkv", Fraction(0), 1000)
    tick = Fraction(1, 1000)
    stamps = ((1, 0), (2, 350), (3, 250), (4, None), (5, None))  # the third claims 250 to 350, the others follow it
    pieces = [(np.full((2, 100), value, np.float32), stamp) for value, stamp in stamps]
    parts = [part for samples, stamp in pieces for part in clock.placed(samples, stamp, tick)]
    sound = np.concatenate(parts, axis=1)
    np.testing.assert_array_equal(sound[1], np.repeat([1, 0, 2, 5], [100, 250, 100, 100]))
    assert clock.silent == [Span(0.1, 0.35)]
    assert clock.dropped == 200
    with pytest.raises(MediaError, match=r"a\.mkv: the time stamps of its sound go back by 1\.\d\d s at \d\.\d\d s"):
        clock.placed(pieces[0][0], -900, tick)


def test_sound_before_time_zero_is_not_played():
    clock = SoundClock("a.mkv", Fraction(0), 1000)
    parts = clock.placed(np.arange(300, dtype=np.float32)[np.newaxis], -200, Fraction(1, 1000))
    np.testing.assert_array_equal(np.concatenate(parts, axis=1)[0], np.arange(200, 300))


@pytest.mark.parametrize(("seconds", "expected"), [("0.5", 1), ("-0.5", -1), ("0.49", 0), ("2.5", 3), ("-2.5", -3)])
def test_times_are_rounded_to_ticks_as_ffmpeg_rounds_them(seconds, expected):
    assert ticks(Fraction(seconds), Fraction(1)) == expected


def test_stamps_below_zero_are_times_like_others(clip, tmp_path):
    ffmpeg("-itsoffset", -0.4, "-i", clip, "-c", "copy", "-avoid_negative_ts", "disabled", tmp_path / "early.mkv")
    assert len(heard(tmp_path / "early.mkv")) == len(seen(tmp_path / "early.mkv")) == len(TIMES)
    between = np.array(heard(tmp_path / "early.mkv")) - np.array(seen(tmp_path / "early.mkv"))
    np.testing.assert_allclose(between, 0, atol=FRAME)


def test_a_picture_that_stands_still_for_long_is_no_hole(film, tmp_path):
    slides = film.write(tmp_path / "slides.mp4", times=[Fraction(0), Fraction(3), Fraction(6)])
    assert film.numbers(media.read_video(slides, fps=1, seconds=6)) == [0, 0, 0, 1, 1, 1]


def test_a_hole_in_the_picture_holds_the_last_frame_or_is_refused(film, tmp_path):
    def with_gap(seconds: float) -> Path:
        times = [k * Fraction(1, 25) + (Fraction(seconds) if k >= 25 else 0) for k in range(50)]
        return film.write(tmp_path / "gap.mkv", times=times)

    assert film.numbers(media.read_video(with_gap(0.8), fps=25))[23:47] == [23, *[24] * 21, 25, 26]
    with pytest.raises(MediaError, match=r"gap\.mkv: from 1\.00 s to 3\.00 s its picture is missing \(2\.00 s\)"):
        media.read_video(with_gap(2), fps=25)


def numbered(film, path: Path, *encoder: object) -> Path:
    """A film of numbered frames whose codec shows them in another order than it decodes them."""
    source = film.write(path.with_name("source.mp4"), seconds=2)
    ffmpeg("-i", source, *encoder, path)
    return path


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        pytest.param("a.avi", ("-c:v", "libx264", "-bf", 3, "-b-pyramid", "normal", "-crf", 4), id="H.264 in AVI"),
        pytest.param("b.avi", ("-c:v", "mpeg4", "-bf", 2, "-q:v", 2), id="MPEG-4 in AVI"),
        pytest.param("c.h264", ("-c:v", "libx264", "-bf", 3, "-crf", 4), id="raw H.264"),
        pytest.param("d.mkv", ("-c:v", "libx264", "-bf", 3, "-crf", 4), id="Matroska"),
    ],
)
def test_frames_without_times_of_presentation_come_in_the_order_and_number_that_ffmpeg_shows(
    film, tmp_path, name, encoder
):
    path = numbered(film, tmp_path / name, *encoder)
    shown = played(path, "-vf", "fps=25:start_time=0", "-f", "rawvideo", "-pix_fmt", "rgb24")
    expected = np.frombuffer(shown, np.uint8).reshape(-1, 48, 64, 3).transpose(0, 3, 1, 2)
    numbers = film.numbers(media.read_video(path, fps=25))
    assert numbers == film.numbers(expected)
    assert sorted(set(numbers)) == list(range(50))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_a_new_sound_for_a_late_picture_plays_when_the_flash_is_seen(clip, tmp_path, suffix):
    codecs = ("-c:v", "libx264", "-bf", "3", "-c:a", "pcm_s16le") if suffix == ".avi" else ()
    path = picture_late(clip, tmp_path / f"late{suffix}", *codecs)
    flashes = seen(path)
    assert len(flashes) == 3
    sound = np.zeros(round(4 * RATE), np.float32)
    for time in flashes:  # what a perfect model answers to the frames that it is shown
        sound[round(time * RATE) :][:400] = 0.7 * np.sin(np.arange(400) / 3)
    media.mux(path, sound, RATE, tmp_path / "new.mp4", seconds=3.2)
    assert seen(tmp_path / "new.mp4") == flashes
    np.testing.assert_allclose(heard(tmp_path / "new.mp4"), flashes, atol=0.005)
    picture = played(tmp_path / "new.mp4", "-vf", "fps=25:start_time=0,scale=4:4", "-f", "rawvideo", "-pix_fmt", "gray")
    bright = np.frombuffer(picture, np.uint8).reshape(-1, 16).mean(axis=1) > 127
    assert (np.flatnonzero(bright[1:] & ~bright[:-1]) + 1).tolist() == [round(time * 25) for time in flashes]
    assert media.probe(tmp_path / "new.mp4").duration_seconds <= 4.1


def each_moved_to_zero(path: Path, seconds: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames at 25 fps and sound as they were read before files had one time line: (h, w, 3), (channels, samples)."""
    with av.open(str(path)) as container:
        frames: list[np.ndarray] = []
        pending, first = None, None
        for frame in container.decode(video=0):
            time = frame.pts * frame.time_base
            first = time if first is None else first
            slot = int((time - first) * 25 + Fraction(1, 2))
            frames += [pending] * (slot - len(frames))
            if len(frames) >= seconds * 25:
                break
            pending = frame.to_ndarray(format="rgb24", width=128, height=96, interpolation="BICUBIC")
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    return frames[: round(seconds * 25)], sound


@pytest.mark.parametrize("name", ["3qesirWAGt4_000020.mp4", "0B4dYTMsgHA_000130.mp4"])
def test_real_clips_whose_streams_both_start_at_zero_are_read_as_they_always_were(real_media, name):
    frames, sound = each_moved_to_zero(real_media / name, 1.2)
    ours = media.read_video(real_media / name, fps=25, seconds=1.2, size=(96, 128))
    np.testing.assert_array_equal(ours.transpose(0, 2, 3, 1), np.stack(frames))
    np.testing.assert_array_equal(media.read_audio_native(real_media / name).samples, sound)


def test_a_film_that_the_project_writes_is_read_as_it_always_was(film, tmp_path):
    pictures = (film.painted(number) for number in range(40))
    media.write_video(tmp_path / "film.mp4", pictures, fps=25, waveform=film.noise(1.6, seed=5))
    frames, sound = each_moved_to_zero(tmp_path / "film.mp4", 1.2)
    ours = media.read_video(tmp_path / "film.mp4", fps=25, seconds=1.2, size=(96, 128))
    np.testing.assert_array_equal(ours.transpose(0, 2, 3, 1), np.stack(frames))
    np.testing.assert_array_equal(media.read_audio_native(tmp_path / "film.mp4").samples, sound)


def test_films_that_were_joined_byte_by_byte_are_refused_and_not_read_by_half(clip, tmp_path):
    ffmpeg("-i", clip, "-an", "-c:v", "libx264", "-t", 2, tmp_path / "one.ts")
    (tmp_path / "two.ts").write_bytes(2 * (tmp_path / "one.ts").read_bytes())
    with pytest.raises(
        MediaError, match=r"two\.ts: the time stamps of its picture go back by [12]\.\d\d s at [12]\.\d\d s; "
    ):
        media.read_video(tmp_path / "two.ts", fps=25)


def test_a_picture_without_any_time_stamps_lasts_as_long_as_its_packets(clip, tmp_path):
    ffmpeg("-i", clip, "-an", "-c:v", "libx264", tmp_path / "raw.h264")
    there = len(media.read_video(tmp_path / "raw.h264", fps=25)) / 25
    assert media.picture_seconds(tmp_path / "raw.h264", at_most=60) == pytest.approx(there, abs=0.05)


def test_where_no_stream_says_when_it_begins_its_time_stamps_stand_for_themselves(film, tmp_path):
    """A Matroska file of one frame, 0.2 s on its clock: ffmpeg shows it from 0 to 0.24 s."""
    path = film.write(tmp_path / "one.mkv", seconds=0.04)
    content = bytearray(path.read_bytes())
    time = content.index(b"\xe7\x81", content.index(b"\x1f\x43\xb6\x75")) + 2  # of its only cluster, one byte
    content[time] = 200
    path.write_bytes(content)
    with av.open(str(path)) as container:
        assert container.streams.video[0].start_time is None
    shown = played(path, "-vf", "fps=25:start_time=0", "-f", "rawvideo", "-pix_fmt", "gray")
    assert len(media.read_video(path, fps=25)) == len(shown) / (48 * 64) == 6


@pytest.mark.parametrize("bframes", [0, 2])
def test_a_stream_without_time_stamps_counts_from_its_first_frame(film, tmp_path, bframes):
    path = numbered(film, tmp_path / "raw.m2v", "-c:v", "mpeg2video", "-q:v", 2, "-bf", bframes)
    assert film.numbers(media.read_video(path, fps=25)) == list(range(50))
