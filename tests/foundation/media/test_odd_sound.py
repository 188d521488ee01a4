"""Sound that is odd, damaged or endless is refused by name, with the reason; odd names and tags are no fault."""

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from foundation import media
from foundation.media import MediaError, limits, samples

SOUND = (np.random.default_rng(0).uniform(-0.5, 0.5, 16_000) * 32_768).astype("<i2").tobytes()


def wav(
    path: Path,
    *,
    channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    tag: int = 1,
    length: int | None = None,
    before: bytes = b"",
) -> Path:
    """A wav of a second whose header says what is asked for."""
    width = max(1, channels * bits // 8) & 0xFFFF
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * width & 0xFFFFFFFF, width, bits)
    said = len(SOUND) if length is None else length
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + before + b"data" + struct.pack("<I", said) + SOUND
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        pytest.param({"channels": 0}, "0 channels of sound; 1 to 64 are read", id="no channel"),
        pytest.param({"channels": 65}, "65 channels of sound; 1 to 64 are read", id="too many channels"),
        pytest.param({"rate": 999}, "a sample rate of 999 Hz; 1000 to 768000 Hz are read", id="too slow"),
        pytest.param({"rate": 768_001}, "a sample rate of 768001 Hz; 1000 to 768000 Hz are read", id="too fast"),
        pytest.param({"rate": 1_400_000_000}, "a sample rate of 1400000000 Hz; 1000 to 768000", id="1.4 GHz"),
        pytest.param({"rate": 0}, "not a media file, or damaged", id="no rate"),
        pytest.param({"tag": 0x1234}, "its sound has a codec that cannot be decoded", id="unknown codec"),
        pytest.param({"length": len(SOUND) + 2}, "truncated: 32000 of 32002 bytes of samples", id="a sample short"),
        pytest.param({"length": 2**31}, "truncated: 32000 of 2147483648 bytes of samples", id="far too short"),
    ],
)
def test_headers_that_cannot_be_are_refused(tmp_path, header, reason):
    path = wav(tmp_path / "odd.wav", **header)
    for read in (media.read_audio_native,) if "length" in header else (media.read_audio_native, media.probe):
        with pytest.raises(MediaError) as raised:
            read(path)
        assert raised.value.path == path
        assert raised.value.reason.startswith(reason)


@pytest.mark.parametrize("rate", [1_000, 16_001, 768_000])
def test_rates_within_the_bounds_are_read(tmp_path, rate):
    assert media.read_audio_native(wav(tmp_path / "a.wav", rate=rate)).sample_rate == rate


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFF000])
def test_a_length_that_a_writer_left_open_is_none(tmp_path, length):
    assert media.read_audio_native(wav(tmp_path / "a.wav", length=length)).samples.shape == (1, 16_000)


def test_a_wav_with_64_bit_lengths_is_whole_or_refused(tmp_path):
    content = wav(tmp_path / "a.wav", length=0xFFFFFFFF).read_bytes()
    for said in (len(SOUND), len(SOUND) + 2):
        sizes = b"ds64" + struct.pack("<IQQQI", 28, len(content) + 28, said, 16_000, 0)
        (tmp_path / f"{said}.wav").write_bytes(b"RF64\xff\xff\xff\xffWAVE" + sizes + content[12:])
    assert media.read_audio_native(tmp_path / "32000.wav").samples.shape == (1, 16_000)
    with pytest.raises(MediaError, match="truncated: 32000 of 32002 bytes of samples"):
        media.read_audio_native(tmp_path / "32002.wav")


def test_tags_that_are_not_utf_8_are_no_fault(film, tmp_path):
    tags = b"LIST" + struct.pack("<I", 16) + b"INFOINAM" + struct.pack("<I", 4) + b"\xff\xfeA\xe9"
    assert media.read_audio_native(wav(tmp_path / "a.wav", before=tags)).samples.shape == (1, 16_000)
    clip = film.write(tmp_path / "a.mkv", seconds=0.4)
    command = [media.ffmpeg_executable(), "-v", "error", "-i", clip, "-c", "copy", "-metadata", "title=Caf-\xe9"]
    subprocess.run([*command, tmp_path / "b.mkv"], stdin=subprocess.DEVNULL, check=True)
    content = (tmp_path / "b.mkv").read_bytes()
    assert b"Caf-\xc3\xa9" in content
    (tmp_path / "b.mkv").write_bytes(content.replace(b"Caf-\xc3\xa9", b"Caf-\xe9\xe9"))
    assert media.probe(tmp_path / "b.mkv").video is not None
    assert len(media.read_video(tmp_path / "b.mkv", fps=25)) == 10


def test_a_name_that_is_not_utf_8_is_read_and_can_be_printed(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe9.wav"))
    assert media.read_audio_native(wav(path)).samples.shape == (1, 16_000)
    path.write_bytes(b"tea\n" * 100)
    with pytest.raises(MediaError) as raised:
        media.read_audio_native(path)
    assert str(raised.value).encode().endswith(rb"/\udcff\udce9.wav: not a media file, or damaged")
    assert raised.value.path == path


def test_sound_that_goes_on_and_on_is_refused(monkeypatch, tmp_path):
    media.write_audio(tmp_path / "hours.flac", np.zeros(16_000 * 60), 16_000)
    assert (tmp_path / "hours.flac").stat().st_size < 20_000
    monkeypatch.setattr(limits, "MOST_SOUND_VALUES", 16_000 * 59)
    with pytest.raises(MediaError, match=r"hours\.flac: more than 944000 samples of sound"):
        media.read_audio_native(tmp_path / "hours.flac")


def test_packets_that_hold_no_sound_do_not_go_on_for_ever(monkeypatch, film, tmp_path):
    media.write_audio(tmp_path / "a.flac", film.noise(1, seed=1), 16_000)
    monkeypatch.setattr(samples, "MOST_EMPTY_PACKETS", 3)
    monkeypatch.setattr(samples, "_frames", lambda path, packet, seconds: [])
    with pytest.raises(MediaError, match=r"a\.flac: no sound in 4 packets one after the other"):
        media.read_audio_native(tmp_path / "a.flac")


@pytest.mark.parametrize("fault", [ValueError, OverflowError, MemoryError, EOFError, IndexError, UnicodeDecodeError])
def test_what_pyav_raises_is_the_fault_of_the_file(tmp_path, monkeypatch, fault):
    arguments = ("utf-8", b"\xff", 0, 1, "odd") if fault is UnicodeDecodeError else ("odd",)

    def fails(*_):
        raise fault(*arguments)

    place = {"fails": fails}  # a traceback as of a compiled module of PyAV
    exec(compile("def convert(self, frame): fails()", "av/audio/resampler.py", "exec"), place)
    monkeypatch.setattr(samples.FloatSamples, "convert", place["convert"])
    with pytest.raises(MediaError, match=rf"a\.flac: cannot be decoded \({fault.__name__}: .*odd"):
        media.read_audio_native(_flac(tmp_path))


def test_a_layout_that_pyav_refuses_is_the_fault_of_the_file(tmp_path, monkeypatch):
    import av

    monkeypatch.setattr(samples.FloatSamples, "convert", lambda self, frame: av.AudioLayout("no such layout"))
    with pytest.raises(MediaError, match=r"a\.flac: cannot be decoded \(.*no such layout"):
        media.read_audio_native(_flac(tmp_path))


@pytest.mark.parametrize("fault", [OSError, MemoryError])
def test_what_the_machine_cannot_do_is_no_fault_of_the_file(tmp_path, monkeypatch, fault):
    def fails(*_):
        raise fault("the machine's")

    monkeypatch.setattr(samples.FloatSamples, "convert", fails)
    with pytest.raises(fault, match="the machine's"):
        media.read_audio_native(_flac(tmp_path))


def _flac(folder: Path) -> Path:
    media.write_audio(folder / "a.flac", np.zeros(16_000), 16_000)
    return folder / "a.flac"
