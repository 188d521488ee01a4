"""What a file says is in it."""

import numpy as np
import pytest

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
