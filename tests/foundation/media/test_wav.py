"""Plain wavs, read without ffmpeg, are what ffmpeg reads."""

import numpy as np
import pytest

from foundation import media
from foundation.media import MediaError, sound
from foundation.media.wav import parse_plain_wav


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
