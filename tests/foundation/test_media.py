"""Media: which frame stands in which slot, sound as it was stored, whole files or none, errors that name the file."""

import itertools
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from foundation import media
from foundation.media import FrameRequest, MediaError, sound
from foundation.media.wav import parse_plain_wav

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


def lag(a: np.ndarray, b: np.ndarray) -> int:
    """By how many samples b comes after a, from the peak of their cross-correlation."""
    size = 2 * max(a.size, b.size)
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    peak = int(product.argmax())
    return peak if peak < size // 2 else peak - size


# Which frame stands in which slot


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


# Refusals


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


def test_streams_that_are_not_there_are_named(film, tmp_path):
    silent = film.write(tmp_path / "silent.mp4", seconds=0.4)
    with pytest.raises(MediaError, match=r"silent\.mp4: no audio stream"):
        media.read_audio_native(silent)
    media.write_audio(tmp_path / "blind.wav", np.zeros(160), 16_000)
    with pytest.raises(MediaError, match=r"blind\.wav: no video stream"):
        media.read_video(tmp_path / "blind.wav", fps=25)


READERS = [
    pytest.param(media.probe, id="probe"),
    pytest.param(media.read_audio_native, id="sound"),
    pytest.param(lambda path: media.read_video(path, fps=25), id="picture"),
]


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


def truncated(source: Path, target: Path, share: float) -> Path:
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


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


@pytest.mark.parametrize(
    "arguments",
    [{"fps": 0}, {"fps": -25}, {"fps": 25, "start_seconds": -1}, {"fps": 25, "seconds": -1}],
    ids=["no rate", "backwards", "before the start", "negative length"],
)
def test_impossible_requests_for_pictures_are_refused(film, tmp_path, arguments):
    clip = film.write(tmp_path / "clip.mp4", seconds=0.4)
    with pytest.raises(ValueError, match="expected"):
        media.read_video(clip, **arguments)


@pytest.mark.parametrize("arguments", [{"start_seconds": -1}, {"seconds": -1}])
def test_impossible_requests_for_sound_are_refused(tmp_path, arguments):
    media.write_audio(tmp_path / "a.wav", np.zeros(160), 16_000)
    with pytest.raises(ValueError, match="expected seconds from 0 on"):
        media.read_audio(tmp_path / "a.wav", sample_rate=16_000, **arguments)


def test_an_error_comes_back_whole_from_a_worker_process(tmp_path):
    with ProcessPoolExecutor(1) as pool:
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


# Probing


def test_probe_says_what_is_in_a_file(film, tmp_path):
    clip = film.write(
        tmp_path / "clip.mp4", fps=30, seconds=2, sound=np.stack([film.noise(2, seed=1, sample_rate=44_100)] * 2),
        sample_rate=44_100,
    )  # fmt: skip
    info = media.probe(clip)
    assert info.duration_seconds == pytest.approx(2, abs=0.03)
    assert info.video == media.VideoInfo(64, 48, 30.0, 60, "h264", "yuv420p", pytest.approx(2, abs=1e-3))
    assert info.audio == media.AudioInfo(44_100, 2, "aac", pytest.approx(2, abs=0.03))


@pytest.mark.parametrize(
    ("name", "size", "rate", "channels"),
    [
        ("3qesirWAGt4_000020.mp4", (454, 256), 25, (16_000, 1)),
        ("0B4dYTMsgHA_000130.mp4", (1280, 720), 30, (44_100, 2)),
        ("flute_vgg.mp4", (640, 360), 16.07, None),
    ],
)
def test_probe_says_what_is_in_real_clips(real_media, name, size, rate, channels):
    info = media.probe(real_media / name)
    assert info.video is not None
    assert (info.video.width, info.video.height) == size
    assert info.video.frames_per_second == pytest.approx(rate, abs=0.01)
    assert (info.audio and (info.audio.sample_rate, info.audio.channels)) == channels


# Sound


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_stereo_is_averaged_and_resampled_in_step(film, tmp_path, rate):
    left, right = (film.noise(2, seed=seed, sample_rate=rate) for seed in (1, 2))
    clip = film.write(tmp_path / "clip.mp4", sound=np.stack([left, right]), sample_rate=rate)
    sound = media.read_audio(clip, sample_rate=16_000, seconds=2)
    assert sound.shape == (32_000,)
    assert sound.dtype == np.float32
    mean = media.resample((left + right) / 2, rate, 16_000)
    assert lag(mean, sound) == 0
    # AAC at its default rate keeps noise below 3 kHz within a few percent
    assert np.corrcoef(sound, mean)[0, 1] > 0.98
    assert np.std(sound) == pytest.approx(np.std(mean), rel=0.05)


def test_an_opposite_pair_of_channels_cancels(tmp_path, film):
    import soundfile

    sound = film.noise(1, seed=1)
    soundfile.write(tmp_path / "pair.wav", np.stack([sound, -sound], axis=1), 16_000, subtype="FLOAT")
    assert media.read_audio_native(tmp_path / "pair.wav").samples.shape == (2, 16_000)
    np.testing.assert_array_equal(media.read_audio(tmp_path / "pair.wav", sample_rate=16_000), np.zeros(16_000))


def test_native_samples_of_every_rate_are_as_stored(tmp_path):
    import soundfile

    for rate, channels in itertools.product((8_000, 44_100, 96_000), (1, 2, 6)):
        stored = np.random.default_rng(rate).uniform(-1, 1, (rate // 10, channels)).astype(np.float32)
        soundfile.write(tmp_path / "a.wav", stored, rate, subtype="FLOAT")
        audio = media.read_audio_native(tmp_path / "a.wav")
        assert audio.sample_rate == rate
        np.testing.assert_array_equal(audio.samples, stored.T)


def wav_of(path, subtype, channels, rate=16_000, seconds=0.25):
    import soundfile

    noise = np.random.default_rng(5).uniform(-1, 1, (round(rate * seconds), channels))
    soundfile.write(path, noise, rate, subtype=subtype, format="WAV")
    return path


def with_ffmpeg(path):
    """What the general reader makes of a file: samples and rate, or its words against it."""
    try:
        audio = sound._read_with_ffmpeg(path)
    except MediaError as error:
        return str(error)
    return audio.samples.tobytes(), audio.samples.shape, audio.sample_rate


def as_read(path):
    try:
        audio = media.read_audio_native(path)
    except MediaError as error:
        return str(error)
    return audio.samples.tobytes(), audio.samples.shape, audio.sample_rate


@pytest.mark.parametrize(
    ("subtype", "plain"),
    [("PCM_16", True), ("FLOAT", False), ("PCM_24", False), ("PCM_32", False), ("PCM_U8", False), ("DOUBLE", False)],
)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_wavs_of_every_kind_give_the_samples_that_ffmpeg_gives(tmp_path, monkeypatch, subtype, plain, channels, rate):
    path = wav_of(tmp_path / "a.wav", subtype, channels, rate)
    assert as_read(path) == with_ffmpeg(path)
    if plain and channels < 3:  # and these without ffmpeg
        monkeypatch.setattr(sound, "_read_with_ffmpeg", lambda path: pytest.fail("asked ffmpeg"))
        assert media.read_audio_native(path).sample_rate == rate


def test_a_wav_that_was_tampered_with_is_judged_as_ffmpeg_judges_it(tmp_path):
    whole = wav_of(tmp_path / "whole.wav", "PCM_16", 1, seconds=0.01).read_bytes()
    rng = np.random.default_rng(11)
    path, outcomes = tmp_path / "changed.wav", {"read": 0, "left to ffmpeg": 0}
    for place in range(400):
        content = bytearray(whole)
        if place % 4:  # bytes of the header take other values
            for at in rng.integers(0, min(100, len(whole)), rng.integers(1, 3)):
                content[at] = rng.integers(256) if place % 2 else content[at] ^ (1 << rng.integers(8))
        else:  # the file is cut, or something is added to it
            cut = int(rng.integers(1, len(whole)))
            content = content[:cut] if place % 8 else content + rng.bytes(cut)
        path.write_bytes(content)
        if parse_plain_wav(bytes(content)) is None:
            outcomes["left to ffmpeg"] += 1
        else:
            outcomes["read"] += 1
            assert as_read(path) == with_ffmpeg(path), bytes(content[:100])
    assert min(outcomes.values()) > 20


@pytest.mark.parametrize(
    "added",
    [
        pytest.param(b"LIST\x04\x00\x00\x00INFO", id="a comment"),
        pytest.param(b"fact\x04\x00\x00\x00\xff\xff\x00\x00", id="another count of samples"),
        pytest.param(b"data\x04\x00\x00\x00\x01\x02\x03\x04", id="more data"),
    ],
)
@pytest.mark.parametrize("at", [pytest.param(36, id="before the data"), pytest.param(None, id="at the end")])
def test_chunks_around_the_samples_count_as_they_do_for_ffmpeg(tmp_path, added, at):
    path = wav_of(tmp_path / "a.wav", "PCM_16", 1)
    whole = path.read_bytes()
    content = whole[:at] + added + whole[at:] if at else whole + added
    path.write_bytes(content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:])
    assert as_read(path) == with_ffmpeg(path)


def test_start_and_length_cut_the_resampled_sound(tmp_path, film):
    media.write_audio(tmp_path / "a.wav", film.noise(2, seed=1, sample_rate=48_000), 48_000)
    whole = media.read_audio(tmp_path / "a.wav", sample_rate=16_000)
    part = media.read_audio(tmp_path / "a.wav", sample_rate=16_000, start_seconds=0.25, seconds=0.5)
    np.testing.assert_array_equal(part, whole[4_000:12_000])


def test_a_short_sound_is_not_padded(tmp_path):
    media.write_audio(tmp_path / "a.wav", np.full(100, 0.5), 16_000)
    assert media.read_audio(tmp_path / "a.wav", sample_rate=16_000, seconds=8).size == 100


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_reading_a_sound_and_writing_it_again_changes_no_byte(tmp_path, suffix):
    pcm = np.random.default_rng(0).integers(-32_768, 32_768, 5_000)
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    media.write_audio(first, pcm / 32_768, 22_050)
    stored = media.read_audio_native(first)
    np.testing.assert_array_equal(stored.samples[0] * 32_768, pcm)
    media.write_audio(second, stored.samples[0], stored.sample_rate)
    assert first.read_bytes() == second.read_bytes()


def test_a_sound_beyond_full_scale_is_clipped_and_not_wrapped(tmp_path):
    media.write_audio(tmp_path / "a.wav", [1.5, 1.0, -1.0, -1.5], 16_000)
    samples = media.read_audio_native(tmp_path / "a.wav").samples[0]
    np.testing.assert_array_equal(samples * 32_768, [32_767, 32_767, -32_768, -32_768])


@pytest.mark.parametrize(
    ("name", "waveform", "message"),
    [
        pytest.param("a.mp3", np.zeros(5), r"expected \.wav or \.flac, got '.*a\.mp3'", id="ending"),
        pytest.param("a.wav", np.zeros((1, 5)), r"expected shape \(samples,\), got \(1, 5\)", id="shape"),
        pytest.param("a.wav", np.zeros(5, np.int16), "expected floats of full scale 1, got int16", id="integers"),
        pytest.param("a.wav", np.array([0, 0, np.nan]), "sample 2 is not finite", id="not finite"),
    ],
)
def test_what_is_no_waveform_is_refused_and_nothing_written(tmp_path, name, waveform, message):
    with pytest.raises(ValueError, match=message):
        media.write_audio(tmp_path / name, waveform, 16_000)
    assert list(tmp_path.iterdir()) == []


# Writing


def test_writing_a_video_twice_gives_the_same_bytes(film, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        frames = (film.painted(k) for k in range(30))
        media.write_video(tmp_path / name, frames, fps=NTSC, waveform=film.noise(1, seed=1))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_written_video_has_the_frames_rates_and_codecs_asked_for(film, tmp_path):
    sound = film.noise(2, seed=1)
    media.write_video(tmp_path / "a.mp4", (film.painted(k) for k in range(50)), fps=25, waveform=sound)
    info = media.probe(tmp_path / "a.mp4")
    assert info.video == media.VideoInfo(64, 48, 25.0, 50, "h264", "yuv420p", 2.0)
    assert info.audio == media.AudioInfo(16_000, 1, "aac", 2.0)
    assert film.numbers(media.read_video(tmp_path / "a.mp4", fps=25)) == list(range(50))
    heard = media.read_audio(tmp_path / "a.mp4", sample_rate=16_000, seconds=2)
    assert lag(sound, heard) == 0
    assert np.corrcoef(sound, heard)[0, 1] > 0.98


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        pytest.param([], "none given", id="none"),
        pytest.param([np.zeros((48, 63, 3), np.uint8)], "even sizes, got 63x48", id="odd"),
        pytest.param([np.zeros((48, 64), np.uint8)], r"expected uint8 \(height, width, 3\)", id="grey"),
        pytest.param([np.zeros((48, 64, 3), np.float32)], "got float32", id="floats"),
        pytest.param([np.zeros((48, 64, 3), np.uint8), np.zeros((64, 48, 3), np.uint8)], "the first is", id="mixed"),
    ],
)
def test_frames_that_make_no_video_are_refused_and_nothing_written(tmp_path, frames, message):
    with pytest.raises(ValueError, match=message):
        media.write_video(tmp_path / "a.mp4", frames, fps=25)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_is_interrupted_leaves_the_old_file_and_nothing_else(film, tmp_path):
    def interrupted():
        for k in range(200):  # x264 holds the first frames back; nothing is on disk before
            yield film.painted(k)
        assert len(list(tmp_path.iterdir())) == 2
        raise KeyboardInterrupt

    (tmp_path / "a.mp4").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        media.write_video(tmp_path / "a.mp4", interrupted(), fps=25)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.mp4", "old")]


def test_a_writer_that_is_killed_leaves_no_file_under_the_final_name(film, tmp_path):
    script = """
import os, signal, sys
import numpy as np
from foundation import media
def frames():
    for k in range(40):
        yield np.zeros((48, 64, 3), np.uint8)
    os.kill(os.getpid(), signal.SIGKILL)
media.write_video(sys.argv[1], frames(), fps=25)
"""
    killed = subprocess.run([sys.executable, "-c", script, tmp_path / "a.mp4"], cwd=Path(media.__file__).parents[2])
    assert killed.returncode == -9
    left = list(tmp_path.iterdir())
    assert [path.name.startswith(".a.") for path in left] == [True]
    media.remove_partials(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_removing_partials_leaves_everything_else(tmp_path):
    kept = [tmp_path / "a.partial.mp4", tmp_path / "sub" / "b.mp4", tmp_path / ".hidden"]
    (tmp_path / "sub").mkdir()
    for path in [*kept, tmp_path / "sub" / ".b.17.partial.mp4"]:
        path.touch()
    media.remove_partials(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_a_new_soundtrack_leaves_the_picture_bit_for_bit_and_is_in_step(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", times=irregular_times(3, seed=9), sound=film.noise(3, seed=1))
    sound = film.noise(3, seed=2, sample_rate=44_100)
    media.mux(clip, sound, 44_100, tmp_path / "new.mp4")
    before, after = (media.read_video(path, fps=240, seconds=2.9) for path in (clip, tmp_path / "new.mp4"))
    np.testing.assert_array_equal(before, after)  # 240 fps shows every time stamp, too
    heard = media.read_audio_native(tmp_path / "new.mp4")
    assert heard.sample_rate == 44_100
    assert lag(sound, heard.samples[0]) == 0
    assert np.corrcoef(sound, heard.samples[0][: sound.size])[0, 1] > 0.98


@pytest.mark.parametrize("seconds", [1.0, 1.04, 1.08, 1.12])
def test_the_picture_can_be_cut_where_the_new_soundtrack_ends(film, tmp_path, seconds):
    """Frames in shown and in decoded order differ: wherever the cut falls, those before it are whole."""
    clip = tmp_path / "clip.mp4"
    media.write_video(clip, [film.painted(k) for k in range(60)], fps=25)
    with av.open(str(clip)) as container:
        shown = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert shown != sorted(shown)
    media.mux(clip, film.noise(seconds, seed=2), 16_000, tmp_path / "new.mp4", seconds=seconds)
    before, after = (media.read_video(path, fps=25, seconds=seconds) for path in (clip, tmp_path / "new.mp4"))
    np.testing.assert_array_equal(before, after)
    assert seconds <= media.probe(tmp_path / "new.mp4").duration_seconds <= seconds + 0.2


def test_a_new_soundtrack_may_replace_the_old_in_place(film, tmp_path):
    clip = film.write(tmp_path / "clip.mp4", sound=film.noise(2.4, seed=1))
    sound = film.noise(2.4, seed=2)
    media.mux(clip, sound, 16_000, clip)
    assert np.corrcoef(sound, media.read_audio(clip, sample_rate=16_000, seconds=2.4))[0, 1] > 0.98
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_soundtrack_needs_a_picture_and_leaves_nothing_without(tmp_path):
    media.write_audio(tmp_path / "a.wav", np.zeros(160), 16_000)
    with pytest.raises(MediaError, match=r"a\.wav: no video stream"):
        media.mux(tmp_path / "a.wav", np.zeros(160, np.float32), 16_000, tmp_path / "b.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


# The program beside the library


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
