"""Scale: floats that hold the numbers of integers are refused, loud sound is not."""

import numpy as np
import pytest
import soundfile

from foundation import media
from foundation.media import MediaError, scale_fault

NOISE = np.random.default_rng(0).uniform(-1, 1, 500)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(NOISE, id="ordinary"),
        pytest.param(NOISE * 100, id="a hundred times too loud"),
        pytest.param(np.sign(NOISE), id="whole numbers at full scale"),
        pytest.param(np.zeros(0), id="none"),
        pytest.param(np.zeros(9), id="silence"),
    ],
)
def test_sound_is_taken_up_to_a_hundred_times_full_scale(sound):
    assert scale_fault(sound) == ""


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.round(NOISE * 32_768), id="16 bits"),
        pytest.param(np.round(NOISE * 3), id="16 bits of near silence"),
        pytest.param(NOISE * 32_768, id="16 bits, filtered"),
        pytest.param(NOISE * 100 / np.abs(NOISE).max() * 1.001, id="just beyond the bound"),
    ],
)
def test_the_numbers_of_integers_are_refused_with_the_likely_cause(sound):
    assert "look like integers that were stored as floats: divide 16-bit samples by 32768" in scale_fault(sound)


def test_a_file_of_floats_at_the_scale_of_integers_is_refused_by_name(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.round(NOISE * 32_768), 16_000, subtype="FLOAT")
    with pytest.raises(MediaError, match=r"a\.wav: its samples reach 32,\d+ where full scale is 1; they look like"):
        media.read_audio(tmp_path / "a.wav", sample_rate=16_000)
