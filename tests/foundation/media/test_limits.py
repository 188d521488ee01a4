"""Pictures that no memory holds, and codecs that nothing decodes, are refused by name."""

import subprocess

import pytest

from foundation import media
from foundation.media import MediaError, limits


def ffmpeg(*arguments: object) -> None:
    command = [media.ffmpeg_executable(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


@pytest.mark.parametrize("read", [media.probe, lambda path: media.read_video(path, fps=25)])
def test_a_picture_larger_than_any_film_is_refused(monkeypatch, film, tmp_path, read):
    clip = film.write(tmp_path / "wall.mp4", seconds=0.4)
    monkeypatch.setattr(limits, "MOST_PIXELS", 48 * 64)
    read(clip)
    monkeypatch.setattr(limits, "MOST_PIXELS", 48 * 64 - 1)
    with pytest.raises(MediaError, match=r"wall\.mp4: its picture is 64x48; at most 3071 pixels are read"):
        read(clip)


def test_frames_that_no_memory_holds_are_refused(monkeypatch, film, tmp_path):
    clip = film.write(tmp_path / "a.mp4", seconds=0.4)
    monkeypatch.setattr(limits, "MOST_PICTURE_BYTES", 9 * 48 * 64 * 3)
    assert len(media.read_video(clip, fps=25, seconds=0.36)) == 9
    with pytest.raises(MediaError, match=r"a\.mp4: its frames take \d+ bytes; at most 82944 are kept"):
        media.read_video(clip, fps=25)


def test_a_film_of_days_is_refused(monkeypatch, film, tmp_path):
    clip = film.write(tmp_path / "a.mp4", seconds=0.4)
    with pytest.raises(MediaError, match=r"a\.mp4: it shows \d+ frames or more; at most 262144 are kept"):
        media.read_video(clip, fps=1_000_000, size=(2, 2))  # each frame stands in thousands of slots


def test_a_picture_and_a_sound_without_a_decoder_are_named(film, tmp_path):
    clip = film.write(tmp_path / "a.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))
    ffmpeg("-i", clip, "-c", "copy", tmp_path / "a.mkv")
    content = (tmp_path / "a.mkv").read_bytes()
    for kind, name in ((b"V_MPEG4/ISO/AVC", "picture"), (b"A_AAC", "sound")):
        assert kind in content
        path = tmp_path / f"{name}.mkv"
        path.write_bytes(content.replace(kind, b"V_NEVER/HEARD/OF"[: len(kind)].replace(b"V", kind[:1])))
        reader = media.read_audio_native if name == "sound" else lambda path: media.read_video(path, fps=25)
        for read in (reader, media.probe):
            with pytest.raises(MediaError, match=rf"{name}\.mkv: its {name} has a codec that cannot be decoded"):
                read(path)
