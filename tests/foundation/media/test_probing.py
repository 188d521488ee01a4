"""What a file says is in it."""

import numpy as np
import pytest
import soundfile

from foundation import media


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


@pytest.mark.parametrize(
    ("name", "subtype", "fine"),
    [
        ("a.wav", "PCM_16", False), ("a.wav", "PCM_U8", False), ("a.wav", "PCM_24", True), ("a.wav", "PCM_32", True),
        ("a.wav", "FLOAT", True), ("a.wav", "DOUBLE", True), ("a.flac", "PCM_16", False), ("a.flac", "PCM_24", True),
        ("a.mp3", "MPEG_LAYER_III", False), ("a.ogg", "VORBIS", False),
    ],
)  # fmt: skip
def test_sound_is_fine_where_it_is_stored_without_loss_in_more_than_16_bits(tmp_path, name, subtype, fine):
    soundfile.write(tmp_path / name, np.zeros(4_800), 48_000, subtype=subtype)
    assert media.keeps_more_than_16_bits(tmp_path / name) == fine


# A transport stream cannot say that AAC's first 1,024 samples are priming: its sound begins 0.064 s before the picture.
@pytest.mark.parametrize(("name", "seconds"), [("a.mp4", 2.0), ("a.mkv", 2.0), ("a.mov", 2.0), ("a.ts", 2.064)])
def test_a_picture_is_as_long_as_its_frames_whatever_the_sound(film, tmp_path, name, seconds):
    clip = film.write(tmp_path / name, seconds=2, sound=film.noise(3, seed=1))
    assert media.picture_seconds(clip, at_most=8.0) == pytest.approx(seconds, abs=0.001)
    assert media.picture_seconds(clip, at_most=1.5) == 1.5


def test_a_sound_has_no_picture_and_a_silent_film_no_sound(film, tmp_path):
    media.write_audio(tmp_path / "a.wav", np.zeros(160), 16_000)
    with pytest.raises(media.MediaError, match=r"a\.wav: no video stream"):
        media.picture_seconds(tmp_path / "a.wav", at_most=8.0)
    with pytest.raises(media.MediaError, match=r"a\.mp4: no audio stream"):
        media.keeps_more_than_16_bits(film.write(tmp_path / "a.mp4", seconds=0.2))
