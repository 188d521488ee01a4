"""Whether a file is whole, by its own account: cut files are seen without decoding them."""

import io
import shutil

import numpy as np
import pytest
import soundfile

from foundation import media
from foundation.media.wholeness import begins_at_zero

TONE = np.sin(np.arange(4000) / 9).astype(np.float32) / 2


@pytest.fixture
def sound(tmp_path):
    media.write_audio(tmp_path / "sound.wav", TONE, 16_000)
    return tmp_path / "sound.wav"


@pytest.fixture
def scene(tmp_path, film):
    return film.write(tmp_path / "scene.mp4", seconds=0.4, sound=film.noise(0.4, seed=1))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
def test_every_wav_that_is_written_whole_is_whole(tmp_path, subtype, form):
    for channels in (1, 2, 3):
        path = tmp_path / f"{channels}.wav"
        soundfile.write(path, np.stack([TONE[:999]] * channels, axis=1), 16_000, subtype=subtype, format=form)
        assert media.what_is_missing(path) is None


def test_a_wav_that_was_cut_anywhere_is_not_whole(sound):
    whole = sound.read_bytes()
    for length in [*range(64), 1000, len(whole) - 1]:
        sound.write_bytes(whole[:length])
        assert media.what_is_missing(sound) is not None, length


def test_what_is_missing_is_said(sound):
    whole = sound.read_bytes()
    for content, reason in {
        b"": "empty",
        whole[:44]: "cut: 0 of 8,000 bytes of sound",
        whole[:1044]: "cut: 1,000 of 8,000 bytes of sound",
        whole[:36]: "cut: its sound is missing",
        bytes(len(whole)): "not a wav",
        b"RIFF and so on": "not a wav",
        whole[:40] + bytes(4): "holds no sound",
    }.items():
        sound.write_bytes(content)
        assert media.what_is_missing(sound) == reason


def test_a_wav_may_hold_more_and_be_of_unknown_length(tmp_path, sound):
    whole = sound.read_bytes()
    listed = b"LIST" + (3).to_bytes(4, "little") + b"abc\0"
    for content in (
        whole + listed,
        whole[:36] + listed + whole[36:],
        whole[:40] + b"\xff" * 4 + whole[44:],  # from a writer that could not go back
    ):
        sound.write_bytes(content)
        assert media.what_is_missing(sound) is None
    assert io.BytesIO(content).read(4) == b"RIFF"


def test_an_mp4_that_was_cut_anywhere_is_not_whole(scene, tmp_path, film):
    early = tmp_path / "early.mp4"  # its table of contents comes first, as `build` writes it
    media.mux(scene, film.noise(0.4, seed=2), 16_000, early)
    for path in (scene, early):
        whole = path.read_bytes()
        assert media.what_is_missing(path) is None
        for length in [*range(0, 64), *range(64, len(whole), 997), len(whole) - 1]:
            path.write_bytes(whole[:length])
            assert media.what_is_missing(path) is not None, length


def test_an_mp4_that_is_none_is_told(scene):
    size = scene.stat().st_size
    for content, reason in {
        b"": "empty",
        bytes(size): "not an mp4",
        b"not a film, whatever its name" * 9: "not an mp4",
        scene.read_bytes() + bytes(100): "damaged between its boxes",
        scene.read_bytes()[: size // 2]: f"cut: {size // 2:,} of ",
    }.items():
        scene.write_bytes(content)
        assert (media.what_is_missing(scene) or "").startswith(reason)


def test_other_files_hold_something_or_nothing(tmp_path):
    (tmp_path / "a.flac").write_bytes(b"")
    (tmp_path / "b.flac").write_bytes(b"fLaC")
    assert media.what_is_missing(tmp_path / "a.flac") == "empty"
    assert media.what_is_missing(tmp_path / "b.flac") is None


def test_a_film_whose_streams_begin_at_zero_is_told(tmp_path, scene, film):
    from fractions import Fraction

    late = film.write(
        tmp_path / "late.mp4", times=[Fraction(k + 5, 25) for k in range(10)], sound=film.noise(1, seed=1)
    )
    shutil.copyfile(scene, tmp_path / "copy.mp4")
    assert begins_at_zero(tmp_path / "copy.mp4")
    assert not begins_at_zero(late)
