"""Written files: whole or none, and the same bytes for the same input."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from foundation import media
from foundation.media import MediaError, encoding

NTSC = Fraction(30_000, 1001)


def irregular_times(seconds: float, seed: int) -> list[Fraction]:
    """Frame times that rise by 1 to 90 ms, from a seed."""
    steps = np.random.default_rng(seed).integers(1, 90, size=round(seconds * 40))
    times = [Fraction(int(ms), 1000) for ms in np.concatenate([[0], np.cumsum(steps)])]
    return [time for time in times if time < seconds]


def lag(a: np.ndarray, b: np.ndarray) -> int:
    """By how many samples b comes after a, from the peak of their cross-correlation."""
    size = 2 * max(a.size, b.size)
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    peak = int(product.argmax())
    return peak if peak < size // 2 else peak - size


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


def test_floats_are_kept_beyond_full_scale_and_below_16_bits_and_give_the_same_bytes(tmp_path):
    sound = np.array([1.5, 1e-6, -1 / 3, -2.25], np.float32)
    for name in ("a.wav", "b.wav"):
        media.write_audio(tmp_path / name, sound, 44_100, subtype="FLOAT")
    stored = media.read_audio_native(tmp_path / "a.wav")
    np.testing.assert_array_equal(stored.samples, sound[np.newaxis])
    assert stored.sample_rate == 44_100
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    with pytest.raises(ValueError, match=r"expected \.wav, got '.*a\.flac'"):
        media.write_audio(tmp_path / "a.flac", sound, 44_100, subtype="FLOAT")


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


def test_writing_a_video_twice_gives_the_same_bytes(film, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        frames = (film.painted(k) for k in range(30))
        media.write_video(tmp_path / name, frames, fps=NTSC, waveform=film.noise(1, seed=1))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_what_memory_held_before_changes_no_byte_of_a_video(tmp_path):
    """4, 6, 10 and 20 macroblocks wide: no multiple of eight, where x264 with AVX-512 reads on behind the last row."""
    for width, height in ((64, 48), (96, 64), (160, 90), (320, 240)):
        rng = np.random.default_rng(width)
        frames = [rng.integers(0, 255, (height, width, 3), dtype=np.uint8) for _ in range(12)]
        written = set()
        for seed in range(4):
            leave_motion_in_memory(seed)
            media.write_video(tmp_path / "a.mp4", frames, fps=25)
            written.add((tmp_path / "a.mp4").read_bytes())
        assert len(written) == 1, f"{width}x{height}"


def leave_motion_in_memory(seed):
    """Fill and free memory: what is allocated next finds small numbers there, which could be motion vectors."""
    rng = np.random.default_rng(seed)
    blocks = [rng.integers(-64, 64, 50_000, dtype=np.int16) for _ in range(80)]
    del blocks[:-1]  # the last one keeps the rest from going back to the system


@pytest.mark.parametrize("width", [160, 340, 642, 854])
def test_x264_is_kept_off_avx512_where_it_would_read_beyond_a_row(monkeypatch, width):
    monkeypatch.setattr(encoding, "__cpu_features__", {"AVX512F": True})
    assert media.x264_instructions(width) == {"x264-params": "asm=AVX2"}


@pytest.mark.parametrize("width", [126, 128, 640, 1280])
def test_x264_keeps_avx512_where_a_row_is_whole(monkeypatch, width):
    """The bytes of such films, scenes among them, would change with it: the two round differently."""
    monkeypatch.setattr(encoding, "__cpu_features__", {"AVX512F": True})
    assert media.x264_instructions(width) == {}


@pytest.mark.parametrize("features", [{"AVX512F": False}, {}])
def test_x264_is_told_nothing_on_a_processor_without_avx512(monkeypatch, features):
    """It may lack AVX2 too, and x264 would crash if told to use it."""
    monkeypatch.setattr(encoding, "__cpu_features__", features)
    assert media.x264_instructions(160) == {}


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


def encoded(clip: Path, name: str, *arguments: str) -> Path:
    """The picture of a clip in another codec, by the ffmpeg that the package imageio-ffmpeg carries."""
    import imageio_ffmpeg

    at = arguments.index("-c:v")  # what stands before it is said of the input
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *arguments[:at], "-i", clip, *arguments[at:]]
    subprocess.run([*command, clip.with_name(name)], check=True, capture_output=True)
    return clip.with_name(name)


def test_a_picture_that_has_no_encoder_here_is_copied(film, tmp_path):
    clip = encoded(film.write(tmp_path / "clip.mp4", seconds=1, size=(96, 128)), "av1.mp4", "-c:v", "libsvtav1")
    media.mux(clip, film.noise(1, seed=1), 16_000, tmp_path / "new.mp4")
    assert media.probe(tmp_path / "new.mp4").video == media.probe(clip).video
    before, after = (media.read_video(path, fps=25) for path in (clip, tmp_path / "new.mp4"))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("name", "codec"), [("a.mov", "prores_ks"), ("a.webm", "libvpx"), ("a.avi", "rawvideo")])
def test_a_picture_that_mp4_does_not_hold_is_encoded_at_its_times(film, tmp_path, name, codec):
    clip = encoded(film.write(tmp_path / "clip.mp4", fps=10, seconds=2), name, "-c:v", codec)
    media.mux(clip, film.noise(1, seed=1), 16_000, tmp_path / "new.mp4", seconds=1.04)
    info = media.probe(tmp_path / "new.mp4").video
    assert (info.codec, info.frames, info.pixel_format) == ("h264", 11, "yuv420p")
    shown = media.read_video(tmp_path / "new.mp4", fps=20, seconds=1)
    assert film.numbers(shown) == [number // 2 for number in range(20)]


@pytest.mark.parametrize("codec", ["copy", "prores"])
def test_of_a_picture_that_begins_after_the_end_the_first_frame_is_kept(film, tmp_path, codec):
    whole = film.write(tmp_path / "clip.mp4", seconds=0.6, sound=film.noise(0.6, seed=1))
    clip = encoded(whole, "a.mov", "-i", str(whole), "-itsoffset", "0.4", "-c:v", codec, "-map", "0:a", "-map", "1:v")
    assert media.probe(clip).video.start_seconds == pytest.approx(0.4, abs=0.01)
    media.mux(clip, film.noise(0.04, seed=1), 16_000, tmp_path / "new.mp4", seconds=0.04)
    assert film.numbers(media.read_video(tmp_path / "new.mp4", fps=25, seconds=0.04)) == [0]


def test_a_file_without_a_frame_is_not_muxed(film, tmp_path):
    whole = film.write(tmp_path / "clip.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    clip = encoded(whole, "a.mkv", "-c:v", "copy", "-bsf:v", "noise=drop=1", "-c:a", "copy")
    with pytest.raises(MediaError, match=r"a\.mkv: the video stream holds no frames"):
        media.mux(clip, film.noise(0.4, seed=1), 16_000, tmp_path / "new.mp4")
    assert not (tmp_path / "new.mp4").exists()


def test_a_picture_cut_before_frames_that_cannot_be_decoded_is_encoded_at_its_times(film, tmp_path):
    whole = encoded(film.write(tmp_path / "clip.mp4", seconds=2), "a.avi", "-c:v", "mpeg4", "-bf", "2", "-g", "24")
    clip = encoded(whole, "cut.avi", "-ss", "1.1", "-c:v", "copy")
    media.mux(clip, film.noise(1, seed=1), 16_000, tmp_path / "new.mp4")
    before, after = (film.numbers(media.read_video(path, fps=25)) for path in (clip, tmp_path / "new.mp4"))
    assert before == after
    assert sorted(set(after)) == list(range(24, 50))


def test_an_encoded_picture_is_turned_as_before(film, tmp_path):
    upright = encoded(film.write(tmp_path / "clip.mp4", seconds=0.4), "a.mov", "-c:v", "prores")
    clip = encoded(upright, "b.mov", "-display_rotation", "90", "-c:v", "copy")
    media.mux(clip, film.noise(0.4, seed=1), 16_000, tmp_path / "new.mp4")
    before, after = (media.read_video(path, fps=25) for path in (clip, tmp_path / "new.mp4"))
    assert before.shape == after.shape == (10, 3, 64, 48)
    assert np.abs(before.astype(int) - after).mean() < 3


def test_an_encoded_picture_keeps_uneven_times(film, tmp_path):
    original = film.write(tmp_path / "clip.mp4", times=irregular_times(2, seed=9))
    clip = encoded(original, "a.mov", "-c:v", "prores", "-fps_mode", "passthrough")
    media.mux(clip, film.noise(2, seed=2), 16_000, tmp_path / "new.mp4")
    before, after = (
        film.numbers(media.read_video(path, fps=240, seconds=1.9)) for path in (clip, tmp_path / "new.mp4")
    )
    assert before == after
    assert len(set(before)) > 20


def test_a_soundtrack_needs_a_picture_and_leaves_nothing_without(tmp_path):
    media.write_audio(tmp_path / "a.wav", np.zeros(160), 16_000)
    with pytest.raises(MediaError, match=r"a\.wav: no video stream"):
        media.mux(tmp_path / "a.wav", np.zeros(160, np.float32), 16_000, tmp_path / "b.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
