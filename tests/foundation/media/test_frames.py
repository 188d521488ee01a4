"""Which frame of the file stands in which slot."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

from foundation import media
from foundation.media import FrameRequest, MediaError

NTSC = Fraction(30_000, 1001)
RATES = [
    pytest.param(Fraction("16.07"), id="16.07"),
    pytest.param(25, id="25"),
    pytest.param(NTSC, id="29.97"),
    pytest.param(30, id="30"),
    pytest.param(50, id="50"),
    pytest.param(240, id="240"),
]


def chosen(times: list[Fraction], fps: Fraction | int, slots: int) -> list[int]:
    """The rule: slot k shows the last frame whose time x fps, rounded half up, does not exceed k."""
    starts = [int((time - times[0]) * fps + Fraction(1, 2)) for time in times]
    return [max(n for n, start in enumerate(starts) if start <= slot) for slot in range(slots)]


def irregular_times(seconds: float, seed: int) -> list[Fraction]:
    """Frame times that rise by 1 to 90 ms, from a seed."""
    steps = np.random.default_rng(seed).integers(1, 90, size=round(seconds * 40))
    times = [Fraction(int(ms), 1000) for ms in np.concatenate([[0], np.cumsum(steps)])]
    return [time for time in times if time < seconds]


def ffmpeg_frames(path: Path, filters: str, size: tuple[int, int]) -> np.ndarray:
    """Frames (t, h, w, 3) as ffmpeg's own command line gives them."""
    command = [media.ffmpeg_executable(), "-v", "error", "-i", str(path), "-vf", filters, "-fps_mode", "passthrough"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *size, 3)


@pytest.mark.parametrize("rate", RATES)
def test_eight_seconds_are_200_frames_chosen_by_presentation_time(film, tmp_path, rate):
    times = [k / Fraction(rate) for k in range(round(8.2 * rate))]
    clip = film.write(tmp_path / "clip.mp4", times=times, fps=rate)
    frames = media.read_video(clip, fps=25, seconds=8)
    assert frames.shape == (200, 3, 48, 64)
    assert frames.dtype == np.uint8
    assert film.numbers(frames) == chosen(times, 25, 200)


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_variable_frame_rates_give_200_frames_chosen_by_presentation_time(film, tmp_path, container):
    times = irregular_times(8.3, seed=3)
    clip = film.write(tmp_path / f"clip.{container}", times=times)
    expected = chosen(times, 25, 200)
    assert len(set(expected)) < 190  # some frames stand twice and some nowhere, or the test would show nothing
    assert film.numbers(media.read_video(clip, fps=25, seconds=8)) == expected


@pytest.mark.parametrize("rate", RATES)
def test_frames_are_those_of_ffmpegs_fps_filter_bit_for_bit(film, tmp_path, rate):
    clip = film.write(tmp_path / "clip.mp4", seconds=2.3, fps=rate)
    np.testing.assert_array_equal(
        media.read_video(clip, fps=25).transpose(0, 2, 3, 1), ffmpeg_frames(clip, "fps=25", (48, 64))
    )


def test_frames_of_a_variable_rate_are_those_of_ffmpegs_fps_filter(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", times=irregular_times(3, seed=4))
    ours = media.read_video(clip, fps=25, seconds=2.8).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(ours, ffmpeg_frames(clip, "fps=25", (48, 64))[:70])


@pytest.mark.parametrize(
    ("name", "size"), [("flute_vgg.mp4", (360, 640)), ("3qesirWAGt4_000020.mp4", (256, 454))], ids=["16.07", "25"]
)
def test_frames_of_real_clips_are_those_of_ffmpegs_fps_filter_bit_for_bit(real_media, name, size):
    ours = media.read_video(real_media / name, fps=25, seconds=3).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(ours, ffmpeg_frames(real_media / name, "fps=25,trim=end_frame=75", size))


def test_frame_k_of_25_fps_material_stands_in_slot_k(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=8)
    assert film.numbers(media.read_video(clip, fps=25, seconds=8)) == list(range(200))


def test_half_a_frame_a_second_picks_the_frame_before_each_odd_second(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=8)  # ImageBind's rate; the published features hold these frames
    assert film.numbers(media.read_video(clip, fps=0.5, seconds=8)) == [24, 74, 124, 174]


def test_time_counts_from_the_first_frame(film, tmp_path):
    times = [Fraction(1, 2) + k / Fraction(25) for k in range(50)]
    late = film.write(tmp_path / "late.mkv", times=times)
    assert film.numbers(media.read_video(late, fps=25, seconds=2)) == list(range(50))


def test_start_skips_slots(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=4, fps=30)
    whole = media.read_video(clip, fps=25)
    np.testing.assert_array_equal(media.read_video(clip, fps=25, start_seconds=1.2, seconds=2), whole[30:80])


def test_several_rates_sizes_and_transforms_from_one_pass_equal_separate_reads(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=4.2, fps=NTSC)
    wanted = [
        FrameRequest(fps=25),
        FrameRequest(fps=0.5, size=(30, 20)),
        FrameRequest(fps=8, size=(24, 24)),
        FrameRequest(fps=8, transform=lambda frame: frame[:10, :10, 0].astype(np.float32)),
    ]
    for order in (wanted, wanted[::-1]):
        together = media.read_video_streams(clip, order, seconds=4)
        for request, frames in zip(order, together, strict=True):
            (alone,) = media.read_video_streams(clip, [request], seconds=4)
            np.testing.assert_array_equal(frames, alone)
    shapes = [frames.shape for frames in media.read_video_streams(clip, wanted, seconds=4)]
    assert shapes == [(100, 3, 48, 64), (2, 3, 30, 20), (32, 3, 24, 24), (32, 10, 10)]


def test_a_stream_without_an_end_takes_all_there_is(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=1.6, fps=50)
    assert film.numbers(media.read_video(clip, fps=25)) == list(range(0, 80, 2))


@pytest.mark.parametrize("size", [(64, 36), (46, 34), (18, 130)], ids=["portrait", "not of 16", "wide"])
def test_sizes_are_height_then_width(film, tmp_path, size):
    clip = film.write(tmp_path / "clip.mp4", seconds=0.4, size=size)
    frames = media.read_video(clip, fps=25)
    assert frames.shape == (10, 3, *size)
    assert film.numbers(frames) == list(range(10))


def test_odd_sizes_are_read(film, tmp_path):
    even = film.write(tmp_path / "even.mp4", seconds=0.4)
    odd = tmp_path / "odd.mkv"
    command = [media.ffmpeg_executable(), "-v", "error", "-i", even, "-vf", "crop=63:47:0:0:exact=1", "-pix_fmt"]
    subprocess.run([*command, "yuv444p", "-c:v", "ffv1", odd], stdin=subprocess.DEVNULL, check=True)
    assert media.read_video(odd, fps=25).shape == (10, 3, 47, 63)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotated_picture_stands_as_ffmpeg_shows_it(film, tmp_path, degrees):
    upright = film.write(tmp_path / "upright.mp4", seconds=0.4)
    turned = tmp_path / "turned.mp4"
    command = [media.ffmpeg_executable(), "-v", "error", "-display_rotation", str(degrees), "-i", upright, "-c", "copy"]
    subprocess.run([*command, turned], stdin=subprocess.DEVNULL, check=True)
    ours = media.read_video(turned, fps=25)
    size = (48, 64) if degrees == 180 else (64, 48)
    assert ours.shape == (10, 3, *size)
    np.testing.assert_allclose(ours.transpose(0, 2, 3, 1), ffmpeg_frames(turned, "fps=25", size), atol=2)
    # swscale rounds chroma of turned and unturned planes differently, by one or two steps
    assert media.read_video(turned, fps=25, size=(40, 30)).shape == (10, 3, 40, 30)


def test_a_video_that_is_too_short_says_how_long_it_is(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=7.8)
    with pytest.raises(MediaError, match=r"clip\.mp4: too short: 7\.80 s of video, 8\.00 s needed"):
        media.read_video(clip, fps=25, seconds=8)


def test_missing_frames_are_repeated_only_as_far_as_allowed(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=1.92)
    assert film.numbers(media.read_video(clip, fps=25, seconds=2, repeat_last=2)) == [*range(48), 47, 47]
    with pytest.raises(MediaError, match="too short"):
        media.read_video(clip, fps=25, seconds=2, repeat_last=1)


def test_a_start_behind_the_end_is_refused(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", seconds=1, sound=film.noise(1, seed=0))
    with pytest.raises(MediaError, match=r"too short: 1\.00 s of video, 2\.04 s needed"):
        media.read_video(clip, fps=25, start_seconds=2)
    with pytest.raises(MediaError, match=r"too short: 1\.\d\d s of audio, asked from 2 s"):
        media.read_audio(clip, sample_rate=16_000, start_seconds=2)


@pytest.mark.parametrize(
    "arguments",
    [{"fps": 0}, {"fps": -25}, {"fps": 25, "start_seconds": -1}, {"fps": 25, "seconds": -1}],
    ids=["no rate", "backwards", "before the start", "negative length"],
)
def test_impossible_requests_for_pictures_are_refused(film, tmp_path, arguments):
    clip = film.write(tmp_path / "clip.mp4", seconds=0.4)
    with pytest.raises(ValueError, match="expected"):
        media.read_video(clip, **arguments)


def test_damage_in_the_last_packets_is_refused_whatever_the_threads(film, tmp_path):
    import av

    clip = film.write(tmp_path / "clip.mkv", seconds=1)
    with av.open(str(clip)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = clip.read_bytes()
    for late in (1, 2):  # where threads still hold frames when the file ends
        at = content.rindex(packets[-late])
        path = tmp_path / f"damaged {late}.mkv"
        path.write_bytes(content[:at] + b"\x7f" * len(packets[-late]) + content[at + len(packets[-late]) :])
        with pytest.raises(MediaError, match=rf"damaged {late}\.mkv: "):
            media.read_video(path, fps=25)


def theora_with_repeats(clip: Path, path: Path, repeated: range) -> Path:
    """The picture of a clip as Ogg/Theora, every frame a key frame, some of them empty packets: shown again."""
    whole = path.with_name("whole.ogv")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", clip, "-c:v", "libtheora", "-g", "1", "-q:v", "9"]
    subprocess.run([*command, whole], check=True, stdin=subprocess.DEVNULL)
    with av.open(str(whole)) as source, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0], opaque=True)
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            written = av.Packet(b"") if number in repeated else packet
            written.pts, written.dts, written.duration = packet.pts, packet.dts, packet.duration
            written.time_base, written.stream = packet.time_base, stream
            container.mux(written)
    return path


def test_an_empty_packet_shows_the_frame_before_it_again(film, tmp_path):
    clip = theora_with_repeats(film.write(tmp_path / "clip.mp4", seconds=1), tmp_path / "clip.ogv", range(8, 14))
    with av.open(str(clip)) as container:
        assert [packet.size for packet in container.demux(video=0)].count(0) == 6 + 1  # and the one that ends it
    expected = [7 if number in range(8, 14) else number for number in range(25)]
    assert film.numbers(media.read_video(clip, fps=25)) == expected
    media.mux(clip, film.noise(1, seed=1), 16_000, tmp_path / "new.mp4")
    assert film.numbers(media.read_video(tmp_path / "new.mp4", fps=25)) == expected


def test_a_picture_that_changes_its_size_keeps_the_one_it_began_with(film, tmp_path):
    parts = []
    for size in ((48, 64), (96, 128)):
        parts.append(tmp_path / f"{size[0]}.mp4")
        media.write_video(parts[-1], [film.painted(number, size) for number in range(10)], fps=25)
    for path in parts:
        command = [media.ffmpeg_executable(), "-v", "error", "-i", path, "-c", "copy", path.with_suffix(".h264")]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(path.with_suffix(".h264").read_bytes() for path in parts))
    frames = media.read_video(joined, fps=25)
    assert frames.shape == (20, 3, 48, 64)
    assert film.numbers(frames) == [*range(10), *range(10)]
