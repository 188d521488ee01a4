"""A stand-in for `torchaudio.save`."""

import numpy as np
import soundfile


def save(path, sound, rate):
    assert sound.ndim == 2  # channels, samples
    samples = np.asarray(sound).T
    soundfile.write(path, samples, rate, subtype="PCM_16" if samples.dtype == np.int16 else "FLOAT")
