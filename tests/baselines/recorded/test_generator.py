"""Recorded audio: any rate and container, matched by name, cut when longer and refused when shorter."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from baselines import GenerationError, Request, load_model
from foundation import media

SECONDS = 1.0


def request(sample_id: str, duration: float = SECONDS) -> Request:
    return Request(sample_id, Path("not looked at.mp4"), "prompt", "", duration, 0)


def tone(rate: int, seconds: float = SECONDS) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def encoded(path: Path, rate: int = 48_000, seconds: float = SECONDS) -> Path:
    """Write the tone in the container and codec that ffmpeg takes for the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    media.write_audio(path.parent / "tone.wav", tone(rate, seconds), rate)
    command = [media.ffmpeg_executable(), "-v", "error", "-y", "-i", path.parent / "tone.wav", path]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    (path.parent / "tone.wav").unlink()
    return path


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_a_file_keeps_its_own_rate_and_samples(tmp_path, rate):
    media.write_audio(tmp_path / "s.wav", tone(rate), rate)
    sound, found = load_model("recorded", folder=tmp_path).generate(request("s"))
    assert found == rate
    assert sound.dtype == np.float32
    assert sound.shape == (rate,)
    np.testing.assert_allclose(sound, tone(rate), atol=0.5 / 32_768)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".mkv", ".webm", ".WAV"])
def test_every_usual_container_is_read(tmp_path, suffix):
    encoded(tmp_path / f"s{suffix}", seconds=1.2)
    sound, rate = load_model("recorded", folder=tmp_path).generate(request("s"))
    assert rate == 48_000
    assert sound.shape == (48_000,)
    # A tone at another phase would give another product; lossy codecs keep level and phase of a tone to a few percent.
    middle = slice(12_000, 36_000)
    assert np.dot(sound[middle], tone(48_000)[middle]) == pytest.approx(0.08 * 24_000, rel=0.1)


def test_a_film_gives_its_soundtrack(film, tmp_path):
    film.write(tmp_path / "s.mp4", seconds=1.2, sound=tone(16_000, 1.2))
    sound, rate = load_model("recorded", folder=tmp_path).generate(request("s"))
    assert (sound.size, rate) == (16_000, 16_000)
    assert np.corrcoef(sound, tone(16_000))[0, 1] > 0.99


def test_channels_are_averaged(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "s.wav", np.stack([tone(16_000), -tone(16_000) / 2], axis=1), 16_000, subtype="FLOAT")
    sound, _ = load_model("recorded", folder=tmp_path).generate(request("s"))
    np.testing.assert_allclose(sound, tone(16_000) / 4, atol=1e-7)


def test_a_longer_sound_is_cut_at_its_end(tmp_path):
    media.write_audio(tmp_path / "s.wav", np.arange(20_000) / 32_768, 16_000)
    sound, _ = load_model("recorded", folder=tmp_path).generate(request("s"))
    np.testing.assert_array_equal(sound * 32_768, np.arange(16_000))


def test_a_shorter_sound_is_refused_or_filled_with_zeros_when_told(tmp_path):
    media.write_audio(tmp_path / "s.wav", tone(16_000)[:15_999], 16_000)
    with pytest.raises(GenerationError, match=r"s\.wav: 1\.00 s of sound, 1 s needed \(--pad fills zeros\)"):
        load_model("recorded", folder=tmp_path).generate(request("s"))
    sound, _ = load_model("recorded", folder=tmp_path, pad=True).generate(request("s"))
    assert sound.shape == (16_000,)
    assert sound[15_999] == 0
    np.testing.assert_allclose(sound[:15_999], tone(16_000)[:15_999], atol=0.5 / 32_768)


def test_files_lie_in_subfolders_too_and_names_may_hold_dots(tmp_path):
    (tmp_path / "deep" / "er.wav").mkdir(parents=True)
    media.write_audio(tmp_path / "deep" / "er.wav" / "model v1.5.wav", tone(16_000), 16_000)
    (tmp_path / ".s.wav").touch()
    (tmp_path / "s.txt").touch()
    recorded = load_model("recorded", folder=str(tmp_path))
    assert recorded.generate(request("model v1.5"))[1] == 16_000
    assert recorded.missing(["s", "model v1.5", "er"]) == ["s", "er"]


def test_a_sample_without_a_file_has_no_answer(tmp_path):
    media.write_audio(tmp_path / "other.wav", tone(16_000), 16_000)
    with pytest.raises(GenerationError, match=rf"no file s\.\* in {tmp_path}"):
        load_model("recorded", folder=tmp_path).generate(request("s"))


@pytest.mark.parametrize("names", [("s.wav", "s.flac"), ("a/s.wav", "b/s.wav")])
def test_two_files_for_one_sample_are_refused_with_both(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match="two files for sample 's'") as raised:
        load_model("recorded", folder=tmp_path)
    assert all(str(tmp_path / name) in str(raised.value) for name in names)


def test_a_folder_that_is_none_or_holds_no_sound_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"absent is not a folder; give one that holds <sample id>\.wav files"):
        load_model("recorded", folder=tmp_path / "absent")
    (tmp_path / "readme.txt").touch()
    with pytest.raises(ValueError, match=r"holds no sound \(\.wav, \.flac"):
        load_model("recorded", folder=tmp_path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:9_000]), "truncated", id="cut"),
        pytest.param(lambda path: path.write_bytes(b""), "not a media file", id="empty"),
        pytest.param(lambda path: path.write_text("no sound"), "not a media file", id="text"),
    ],
)
def test_a_corrupt_file_is_this_samples_failure_and_names_the_file(tmp_path, damage, reason):
    media.write_audio(tmp_path / "s.wav", tone(16_000), 16_000)
    damage(tmp_path / "s.wav")
    with pytest.raises(GenerationError, match=rf"s\.wav: {reason}"):
        load_model("recorded", folder=tmp_path, pad=True).generate(request("s"))


def test_a_film_without_sound_is_this_samples_failure(film, tmp_path):
    film.write(tmp_path / "s.mp4", seconds=1.2)
    with pytest.raises(GenerationError, match=r"s\.mp4: no audio stream"):
        load_model("recorded", folder=tmp_path).generate(request("s"))
