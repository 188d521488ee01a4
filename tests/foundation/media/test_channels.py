"""Sound of 1 to 64 channels: every channel as stored, in its order, and never the end of the interpreter."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor  # noqa: TID251 - it notices a death, and does not fork here
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import soundfile

from foundation import media

RATE = 48_000
LENGTH = 4_800
COUNTS = [*range(1, 25), 64]


@pytest.fixture(scope="module")
def reader() -> Iterator[ProcessPoolExecutor]:
    """A process of its own: a crash there is a broken pool here, and a test that fails."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def stored(channels: int) -> np.ndarray:
    """Noise (samples, channels) in steps of 2^-15, every channel another."""
    noise = np.random.default_rng(channels).integers(-16_384, 16_384, (LENGTH, channels))
    return noise.astype(np.float32) / 32_768


def tapered(channels: int) -> np.ndarray:
    """One noise (samples, channels), softer from channel to channel: what a lossy codec keeps says which is which."""
    spectrum = np.fft.rfft(np.random.default_rng(3).normal(size=LENGTH))
    spectrum[300:] = 0  # above 3 kHz
    noise = np.fft.irfft(spectrum, LENGTH) * 0.3
    return noise[:, np.newaxis] * np.linspace(1, 0.25, channels)


def ffmpeg(*arguments: object) -> None:
    command = [media.ffmpeg_executable(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


def heard(reader: ProcessPoolExecutor, path: Path) -> np.ndarray:
    """The samples (channels, samples) of a file, whose header must name as many channels."""
    audio = reader.submit(media.read_audio_native, path).result()
    info = reader.submit(media.probe, path).result().audio
    assert (audio.sample_rate, info.sample_rate, info.channels) == (RATE, RATE, len(audio.samples))
    assert audio.samples.dtype == np.float32
    return np.asarray(audio.samples)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_every_channel_of_a_wav_is_as_stored(reader, tmp_path, subtype):
    for channels in COUNTS:
        path = tmp_path / f"{channels}.wav"
        soundfile.write(path, stored(channels), RATE, subtype=subtype, format="WAVEX")
        np.testing.assert_array_equal(heard(reader, path), stored(channels).T, err_msg=f"{channels} channels")


@pytest.mark.parametrize("channels", range(1, 9))
def test_every_channel_of_a_flac_is_as_stored(reader, tmp_path, channels):
    soundfile.write(tmp_path / "a.flac", stored(channels), RATE, subtype="PCM_16")
    np.testing.assert_array_equal(heard(reader, tmp_path / "a.flac"), stored(channels).T)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("film.mkv", ["-c:a", "pcm_s16le"]),
        ("film.mkv", ["-c:a", "pcm_f32le"]),
        ("a.caf", ["-c:a", "pcm_s16be"]),
        ("a.wv", ["-c:a", "wavpack"]),
    ],
)
@pytest.mark.parametrize("channels", [8, 9, 16, 24])
def test_every_channel_of_other_lossless_files_is_as_stored(reader, tmp_path, name, codec, channels):
    soundfile.write(tmp_path / "a.wav", stored(channels), RATE, subtype="PCM_16", format="WAVEX")
    ffmpeg("-i", tmp_path / "a.wav", *codec, tmp_path / name)
    np.testing.assert_array_equal(heard(reader, tmp_path / name), stored(channels).T)


@pytest.mark.parametrize(
    ("name", "channels", "codec"),
    [
        pytest.param("a.opus", 8, ["-c:a", "libopus"], id="opus 7.1"),
        pytest.param("a.webm", 16, ["-c:a", "libopus", "-mapping_family", "255"], id="opus without a layout"),
        pytest.param("a.opus", 24, ["-c:a", "libopus", "-mapping_family", "255"], id="opus with 24 channels"),
        pytest.param("a.ogg", 8, ["-c:a", "libvorbis"], id="vorbis 7.1"),
        pytest.param("a.mka", 16, ["-c:a", "libvorbis"], id="vorbis with 16 channels"),
    ],
)
def test_channels_of_lossy_files_keep_their_order(reader, tmp_path, name, channels, codec):
    soundfile.write(tmp_path / "a.wav", tapered(channels), RATE, subtype="PCM_16", format="WAVEX")
    layout = ["-ch_layout", "7.1"] if channels == 8 else []
    ffmpeg(*layout, "-i", tmp_path / "a.wav", *codec, tmp_path / name)
    samples = heard(reader, tmp_path / name)
    assert len(samples) == channels
    # Opus and Vorbis put the eight channels of 7.1 in their own order and back; a low-frequency channel loses treble.
    levels = (samples @ samples[0]) / (samples[0] @ samples[0])
    aside = 3 if channels == 8 else -1
    levels, expected = np.delete(levels, aside), np.delete(np.linspace(1, 0.25, channels), aside)
    assert np.corrcoef(levels, expected)[0, 1] > 0.98  # as encoded, at some 32 kbit/s a channel


def test_aac_in_7_1_is_read(reader, tmp_path):
    soundfile.write(tmp_path / "a.wav", tapered(8), RATE, subtype="PCM_16", format="WAVEX")
    ffmpeg("-ch_layout", "7.1", "-i", tmp_path / "a.wav", "-c:a", "aac", tmp_path / "a.mp4")
    samples = heard(reader, tmp_path / "a.mp4")
    assert samples.shape[0] == 8
    assert 0 <= samples.shape[1] - LENGTH < 1_024  # up to one packet of the encoder's padding


@pytest.mark.parametrize(("order", "channels"), [(1, 4), (2, 9), (3, 16)])
@pytest.mark.parametrize("name", ["a.opus", "a.mov"])
def test_ambisonics_are_read(reader, tmp_path, order, channels, name):
    (tmp_path / "raw").write_bytes((tapered(channels) * 32_768).astype("<i2").tobytes())
    codec = ["-c:a", "libopus", "-mapping_family", "2"] if name == "a.opus" else ["-c:a", "pcm_s16le"]
    layout = ["-f", "s16le", "-ar", RATE, "-ch_layout", f"ambisonic {order}"]
    ffmpeg(*layout, "-i", tmp_path / "raw", *codec, tmp_path / name)
    samples = heard(reader, tmp_path / name)
    levels = (samples @ samples[0]) / (samples[0] @ samples[0])
    np.testing.assert_allclose(levels, np.linspace(1, 0.25, channels), atol=0.1)  # opus; PCM is exact


def test_the_mean_of_many_channels_is_what_one_of_them_holds(reader, tmp_path, film):
    noise = film.noise(1, seed=4, sample_rate=RATE)
    soundfile.write(tmp_path / "a.wav", np.repeat(noise[:, np.newaxis], 24, axis=1), RATE, "FLOAT", format="WAVEX")
    mono = reader.submit(media.read_audio, tmp_path / "a.wav", sample_rate=16_000).result()
    np.testing.assert_allclose(mono, media.resample(noise, RATE, 16_000), atol=1e-6)  # a mean of 24 in float32


def test_more_channels_than_ffmpeg_takes_are_refused_by_name(reader, tmp_path):
    soundfile.write(tmp_path / "choir.wav", stored(65), RATE, subtype="PCM_16", format="WAVEX")
    with pytest.raises(media.MediaError, match=r"choir\.wav: 65 channels of sound; 1 to 64"):
        reader.submit(media.read_audio_native, tmp_path / "choir.wav").result()


@pytest.mark.parametrize("channels", [8, 24])
def test_a_film_of_many_channels_gets_new_sound(reader, tmp_path, film, channels):
    picture = film.write(tmp_path / "picture.mp4", seconds=0.4)
    soundfile.write(tmp_path / "a.wav", stored(channels), RATE, subtype="PCM_16", format="WAVEX")
    ffmpeg("-i", picture, "-i", tmp_path / "a.wav", "-c:v", "copy", "-c:a", "pcm_s16le", tmp_path / "film.mkv")
    sound = film.noise(0.4, seed=1)
    reader.submit(media.mux, tmp_path / "film.mkv", sound, 16_000, tmp_path / "film.mp4").result()
    assert film.numbers(media.read_video(tmp_path / "film.mp4", fps=25)) == list(range(10))
    assert media.probe(tmp_path / "film.mp4").audio.channels == 1
