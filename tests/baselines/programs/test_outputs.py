"""What comes back from a program: files read and checked, disk errors named, folders removed."""

from pathlib import Path

import numpy as np
import pytest

from baselines import GenerationError
from baselines.programs.outputs import naming_disk_errors, read_output, read_sound, safe_for_a_shell, work_folder
from baselines.programs.settings import read_settings
from foundation import media


def test_a_full_disk_is_called_so():
    with pytest.raises(GenerationError, match="the disk is full"), naming_disk_errors():
        raise OSError(28, "No space left on device", "x.wav")


def test_a_refused_path_is_named_with_the_sample_s_failure(tmp_path):
    with pytest.raises(GenerationError, match=r"cannot read or write: .*absent"), naming_disk_errors():
        (tmp_path / "absent").read_bytes()
    with pytest.raises(GenerationError, match="no video stream"), naming_disk_errors():
        raise media.MediaError("x.mp4", "no video stream")


def test_a_work_folder_is_made_where_the_settings_say_and_removed_at_the_end(tmp_path):
    settings = read_settings("rewas", work_dir=tmp_path / "not yet" / "there")
    with work_folder(settings) as folder:
        assert folder.parent == tmp_path / "not yet" / "there"
        (folder / "left.wav").touch()
    assert list(folder.parent.iterdir()) == []


def test_a_work_folder_that_cannot_be_made_is_the_sample_s_failure(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(GenerationError, match="cannot read or write"),
        work_folder(read_settings("rewas", work_dir=tmp_path / "file")),
    ):
        raise AssertionError("there is no such folder")


@pytest.mark.parametrize(("path", "safe"), [("/tmp/a-b_c.1", True), ("/tmp/a b", False), ("/tmp/ü", False)])
def test_a_path_is_safe_for_a_shell_when_it_needs_no_quotes(path, safe):
    assert safe_for_a_shell(Path(path)) is safe


@pytest.fixture
def sound(tmp_path):
    """Writes a stereo file whose channels' mean is a ramp."""

    def write(samples: int = 400, rate: int = 8_000):
        ramp = np.linspace(-0.5, 0.5, samples, dtype=np.float32)
        media.write_audio(tmp_path / "x.wav", ramp, rate)
        return tmp_path / "x.wav", ramp

    return write


def test_a_sound_is_cut_to_its_duration_at_its_own_rate(sound):
    path, ramp = sound()
    read, rate = read_sound(path, 0.025)
    assert (read.shape, rate, read.dtype) == ((200,), 8_000, np.float32)
    np.testing.assert_allclose(read, ramp[:200], atol=1 / 32_768)  # half a step of 16 bits, and its rounding


def test_an_output_is_read_whole(sound):
    path, _ramp = sound()
    assert read_output(path, sample_rate=8_000, samples=300).shape == (400,)


@pytest.mark.parametrize(
    ("duration", "rate", "reason"),
    [(0.05, 16_000, "x.wav has 8000 Hz, expected 16000"), (0.06, None, "x.wav has 400 samples, at least 480 needed")],
)
def test_a_sound_of_another_rate_or_too_short_is_refused(sound, duration, rate, reason):
    path, _ramp = sound()
    with pytest.raises(GenerationError, match=reason):
        read_sound(path, duration, sample_rate=rate)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(GenerationError, match=r"the program wrote no x\.wav"):
        read_output(tmp_path / "x.wav", sample_rate=8_000, samples=1)
    with pytest.raises(GenerationError, match=r"says it wrote .*x\.wav, but there is no such file"):
        read_sound(tmp_path / "x.wav", 1.0)
