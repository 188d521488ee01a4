"""The features of the `signal` profile: what numpy can say of sound and picture without any trained weights.

For the embedded demo, for CI and for a first look. Its numbers order the controls as the paper's networks do, but
they are not those networks' numbers and never share a table with them. Everything here is a pure function of one
clip: no batch, no random draw, no state.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.desync import OFFSETS_SECONDS
from metrics.validation import numbers, require_finite, require_samples

SAMPLE_RATE = 16_000  # Hz
FPS = 25  # frames per second, of pictures and of onset strength alike
WINDOW_FRAMES = 120  # the first and the last 4.8 s are judged, as Synchformer does

_HOP = 160  # samples: 100 spectra a second, four a video frame
_FFT = 512
_BANDS = 40
_LOWEST, _HIGHEST = 50.0, 7800.0  # Hz
_FLOOR = 1e-7  # of full-scale power; -70 dB, below any sound that matters and above the noise of a codec
_GROUPS = 10  # neighbouring mel bands whose modulation is measured together
_MODULATIONS = ((0.4, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (16.0, 32.0))  # Hz
_SHARED_LAG = 2  # frames either side that an offset class stands for: classes lie 0.2 s apart

QUIET_ONSET = 0.02  # bel a frame: a window whose onset strength varies by no more than this counts as silent
STILL_MOTION = 0.02  # square root of a grey level: the same for motion

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SignalAudio:
    """What is known of one sound.

    Attributes:
        embedding: float32, shape (140,), in bel (factors of ten of power): per mel band the mean level (40), its
            standard deviation over time (40), and the modulation of 10 band groups in 6 octaves from 0.4 to 32 Hz.
        onset: float32, shape (n // 640,), at least 0: how much sound sets in during each frame of 1/25 s, bel.
    """

    embedding: NDArray[np.float32]
    onset: NDArray[np.float32]


class Signal:
    """The backbone without weights: embedding, onsets, motion and their agreement in time."""

    version = 1  # moves when any value would
    dimension = 2 * _BANDS + _GROUPS * len(_MODULATIONS)

    def audio(self, waveform: ArrayLike) -> SignalAudio:
        """Return embedding and onset strength of one sound.

        Silence has finite features: every level stands at the floor of -70 dB, nothing varies, nothing sets in.

        Args:
            waveform: finite, shape (n,), 16 kHz mono, full scale 1; at least 640 samples, one frame of 1/25 s.

        Raises:
            ValueError: another shape, fewer samples, or a value that is not finite.
        """
        samples = numbers(waveform, "waveform")
        if samples.ndim != 1:
            raise ValueError(f"waveform: expected shape (n,), one mono sound, got {samples.shape}")
        require_samples(samples.size, "waveform", SAMPLE_RATE // FPS)
        require_finite(samples, "waveform")
        levels = _levels(samples)
        modulation = _modulation(levels)
        embedding = np.concatenate([levels.mean(axis=0), levels.std(axis=0), modulation])
        onset = _onset(levels, samples.size * FPS // SAMPLE_RATE)
        return SignalAudio(embedding.astype(np.float32), onset.astype(np.float32))

    def video(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how much motion sets in at each frame.

        Motion energy is the mean absolute difference from the frame before, in grey levels; its square root, so that
        a cut does not outweigh all else; of that, what rises above the frame before. A picture at rest gives zeros.

        Args:
            frames: uint8, shape (t, 3, h, w), at 25 frames per second. Any size; 112 pixels per side are plenty.

        Returns:
            float32, shape (t,), at least 0; the first frame, which has none before it, is 0.

        Raises:
            ValueError: another shape or dtype, or no frame.
        """
        if frames.ndim != 4 or frames.shape[1] != 3 or frames.dtype != np.uint8:
            raise ValueError(f"frames: expected uint8 (t, 3, h, w), got {frames.dtype} {frames.shape}")
        require_samples(len(frames), "frames", 1)
        energy = np.zeros(len(frames))
        for index in range(1, len(frames)):  # one pair at a time: 200 frames of differences need not exist at once
            larger, smaller = np.maximum(frames[index], frames[index - 1]), np.minimum(frames[index], frames[index - 1])
            energy[index] = np.mean(larger - smaller, dtype=np.float64)
        return _rise(np.sqrt(energy)).astype(np.float32)

    def offset_logits(self, onset: ArrayLike, motion: ArrayLike) -> NDArray[np.float32]:
        """Return how well sound and picture agree at each of the 21 offsets, for the first and the last 4.8 s.

        Both windows are compared within themselves, as Synchformer does: mean removed, divided by their norms,
        multiplied at every lag. An offset class stands for the lags within 0.08 s of it and takes the best of them.
        Offset +0.4 s means that the sound comes 0.4 s after the picture.

        A window without any onset or without any motion agrees with nothing. Its answer is fixed: -2 s wins with 0
        over -1 elsewhere, so a silent sample scores the worst DeSync there is, 2 s, and not the best.

        Args:
            onset: finite, shape (t,), from `audio`; t at least 120.
            motion: finite, shape (t,), from `video`.

        Returns:
            float32, shape (2, 21): window (first, last), offset from -2 to 2 s; correlation, in [-1, 1].

        Raises:
            ValueError: other shapes, different lengths, fewer than 120 frames, or a value that is not finite.
        """
        sound, picture = _track(onset, "onset"), _track(motion, "motion")
        if sound.size != picture.size:
            raise ValueError(f"onset and motion: expected as many frames, got {sound.size} and {picture.size}")
        windows = (slice(0, WINDOW_FRAMES), slice(sound.size - WINDOW_FRAMES, sound.size))
        return np.stack([_agreement(sound[part], picture[part]) for part in windows]).astype(np.float32)


def _track(values: ArrayLike, name: str) -> Vector:
    track = numbers(values, name)
    if track.ndim != 1 or track.size < WINDOW_FRAMES:
        raise ValueError(f"{name}: expected shape (t,) with t >= {WINDOW_FRAMES} (4.8 s at 25 fps), got {track.shape}")
    require_finite(track, name)
    return track


@lru_cache(maxsize=1)
def _mel_weights() -> Vector:
    """Return the mel filters, shape (40, 257): triangles, evenly spaced on the HTK mel scale, peak 1."""
    lowest, highest = (2595 * np.log10(1 + frequency / 700) for frequency in (_LOWEST, _HIGHEST))
    corners_mel = np.linspace(lowest, highest, _BANDS + 2)
    corners = 700 * (10 ** (corners_mel / 2595) - 1)
    frequency = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)
    low, centre, high = (corners[start : start + _BANDS, np.newaxis] for start in range(3))
    rising, falling = (frequency - low) / (centre - low), (high - frequency) / (high - centre)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)))


def _levels(waveform: Vector) -> Vector:
    """Return the level of every mel band 100 times per second, in bel of full-scale power, shape (m, 40).

    Spectrum j is centred on sample 160 j + 80, so four of them share a video frame and none belongs to two.
    """
    count = waveform.size // _HOP
    margin = (_FFT - _HOP) // 2
    padded = np.pad(waveform, (margin, margin))
    cut = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[: count * _HOP : _HOP]
    taper = np.hanning(_FFT + 1)[:-1]
    power = np.abs(np.fft.rfft(cut * taper)) ** 2 / taper.sum() ** 2
    # einsum, not BLAS: the sum of a row must not depend on how many rows or threads there are
    return np.asarray(np.log10(np.einsum("tf,bf->tb", power, _mel_weights()) + _FLOOR))


def _modulation(levels: Vector) -> Vector:
    """Return how strongly each band group's level swings at each modulation rate, in bel rms, shape (60,)."""
    grouped = levels.reshape(len(levels), _GROUPS, -1).mean(axis=2)
    spectrum = np.abs(np.fft.rfft(grouped - grouped.mean(axis=0), axis=0)) ** 2 * 2 / len(levels) ** 2
    rate = np.fft.rfftfreq(len(levels), _HOP / SAMPLE_RATE)
    octaves = [spectrum[(rate >= low) & (rate < high)].sum(axis=0) for low, high in _MODULATIONS]
    return np.asarray(np.sqrt(np.concatenate(octaves)))


def _rise(energy: Vector) -> Vector:
    """Return by how much each value exceeds the one before; 0 for the first and where it falls."""
    return np.asarray(np.maximum(0.0, np.diff(energy, prepend=energy[:1])))


def _onset(levels: Vector, frames: int) -> Vector:
    """Return the onset strength of each video frame: the rise of the mel levels over 20 ms, summed over the frame."""
    before = np.concatenate([np.repeat(levels[:1], 2, axis=0), levels[:-2]])
    flux = np.maximum(0.0, levels - before).mean(axis=1)
    per_frame = SAMPLE_RATE // FPS // _HOP
    return np.asarray(flux[: frames * per_frame].reshape(frames, per_frame).sum(axis=1))


def _agreement(onset: Vector, motion: Vector) -> Vector:
    """Return the correlation of one window at the 21 offsets, shape (21,)."""
    if np.ptp(onset) <= QUIET_ONSET or np.ptp(motion) <= STILL_MOTION:
        return np.where(np.arange(OFFSETS_SECONDS.size) == 0, 0.0, -1.0)
    sound, picture = onset - onset.mean(), motion - motion.mean()
    product = np.correlate(sound, picture, mode="full") / np.sqrt(np.sum(sound**2) * np.sum(picture**2))
    zero = picture.size - 1  # index of lag 0; above it the sound is late
    best = [product[zero + lag - _SHARED_LAG : zero + lag + _SHARED_LAG + 1].max() for lag in _lags()]
    return np.asarray(best)


def _lags() -> list[int]:
    return [round(float(offset) * FPS) for offset in OFFSETS_SECONDS]
