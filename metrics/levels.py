"""Loudness, true peak and share of silence of a sound: they describe it, and say nothing of better or worse.

Source:
    ITU-R BS.1770-4: integrated loudness by pyloudnorm, true peak after its annex 2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foundation.extras import load_extra
from metrics.validation import numbers, require_samples

MEASURE_VERSION = 1  # moves when `measure_levels` gives other numbers for the same sound
OVERSAMPLING = 4  # what BS.1770 asks for below 96 kHz
FRAME_SECONDS = 0.05
SILENCE_DBFS = -60.0  # RMS of a frame below which it is silent
_SHORTEST_SECONDS = 0.4  # one gating block
_MOST_CHANNELS = 5  # those that BS.1770-4 weighs


@dataclass(frozen=True)
class SoundLevels:
    """The levels of each sound, float64 (n,) each.

    Attributes:
        loudness: integrated, in LUFS; NaN for a sound that is shorter than 0.4 s or nowhere louder than -70 LUFS.
        true_peak: in dBTP; NaN for digital silence.
        silence_share: share of frames of 50 ms that are silent, 0 to 1.
    """

    loudness: NDArray[np.float64]
    true_peak: NDArray[np.float64]
    silence_share: NDArray[np.float64]


def measure_levels(waveform: ArrayLike, sample_rate: int, seconds: float) -> NDArray[np.float64]:
    """Return loudness (LUFS), true peak (dBTP) and share of silence of a sound, shape (3,).

    Loudness and true peak are those of the channels as they are; so the same sound on two channels is 3 LU louder
    than on one. Loudness is NaN where BS.1770 defines none: shorter than one block of 0.4 s, no block above -70 LUFS,
    or more than five channels. The true peak is the highest sample at four times the rate, whatever the rate is; of
    digital silence it is NaN. A frame of 50 ms is silent if its RMS over all channels is below -60 dBFS; what is left
    at the end is a frame only if there is no other.

    Args:
        waveform: (channels, n) or (n,), floating point, full scale 1, the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep, from the start.

    Raises:
        ValueError: another shape, no sample left, or a value that is not finite.
        foundation.extras.MissingPackage: pyloudnorm is not installed.
    """
    given = np.atleast_2d(np.asarray(waveform, dtype=np.float64))
    kept = given[:, : round(seconds * sample_rate)]
    if given.ndim != 2 or not kept.size:
        raise ValueError(f"waveform: expected shape (channels, n) and some seconds, got {given.shape} and {seconds} s")
    if not np.isfinite(kept).all():
        raise ValueError("waveform: holds samples that are not finite")
    return np.array([_loudness(kept, sample_rate), _true_peak(kept), _silence_share(kept, sample_rate)])


def _loudness(sound: NDArray[np.float64], sample_rate: int) -> float:
    channels, length = sound.shape
    if length < _SHORTEST_SECONDS * sample_rate or channels > _MOST_CHANNELS:
        return float("nan")
    meter = load_extra("pyloudnorm", "extended", needed_by="loudness").Meter(sample_rate)
    value = float(meter.integrated_loudness(sound.T))
    return value if np.isfinite(value) else float("nan")


def _true_peak(sound: NDArray[np.float64]) -> float:
    from scipy.signal import resample_poly

    highest = float(np.abs(resample_poly(sound, OVERSAMPLING, 1, axis=1)).max())
    return 20.0 * float(np.log10(highest)) if highest > 0 else float("nan")


def _silence_share(sound: NDArray[np.float64], sample_rate: int) -> float:
    channels, length = sound.shape
    size = min(max(round(FRAME_SECONDS * sample_rate), 1), length)
    frames = sound[:, : length // size * size].reshape(channels, -1, size)
    power = np.square(frames).mean(axis=(0, 2))
    return float((power < 10 ** (SILENCE_DBFS / 10)).mean())


def sound_levels(levels: ArrayLike) -> SoundLevels:
    """Return the levels of each sound by their names.

    Args:
        levels: shape (n, 3): sample, level (loudness, true peak, share of silence), as `measure_levels` returns
            them. The first two are NaN where they are not defined, the third never is.

    Raises:
        ValueError: another shape, no sample, an infinite level, or no share of silence from 0 to 1.

    Examples:
        >>> sound_levels([[-23.0, -1.5, 0.25], [-31.0, -8.0, 0.5]]).loudness.tolist()
        [-23.0, -31.0]
    """
    rows = numbers(levels, "levels")
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ValueError(f"levels: expected shape (n, 3), got {rows.shape}")
    require_samples(len(rows), "levels", 1)
    wrong = np.isinf(rows).any(axis=1) | ~((rows[:, 2] >= 0) & (rows[:, 2] <= 1))
    if wrong.any():
        found = rows[wrong.argmax()].tolist()
        raise ValueError(
            f"levels: sample {wrong.argmax()} of {len(rows)}: expected LUFS, dBTP and a share of 0 to 1, got {found}"
        )
    return SoundLevels(*rows.T)
