"""Pictures of sound: log-mel spectrograms as small images, and the level curve drawn over them."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray

MEL_BANDS = 72
FLOOR_DB = -80.0  # darkest; full scale is the brightest, so loudness compares between pictures
LOWEST_HZ, HIGHEST_HZ = 40.0, 8000.0
COLUMNS_PER_SECOND = 40
COLUMNS_AT_ONCE = 64  # small enough that memory is reused instead of requested from the system again
_STOPS = ("#07090f", "#1b1440", "#4f1a6b", "#9c2a6b", "#dd4f4c", "#f99b45", "#fdf3b0")  # dark to light, also in grey


def mel_decibels(waveform: NDArray[np.float32], sample_rate: int, *, columns_per_second: int) -> NDArray[np.float32]:
    """Return a log-mel spectrogram in dB below a full-scale sine, float32 (bands, columns), low bands first.

    Args:
        waveform: float32, shape (samples,), full scale 1; at least one sample.
        sample_rate: Hz.
        columns_per_second: time resolution.

    Raises:
        ValueError: another shape, or an empty waveform.
    """
    from scipy.fft import rfft

    if waveform.ndim != 1 or waveform.size == 0:
        raise ValueError(f"waveform: expected shape (samples,) with at least one sample, got {waveform.shape}")
    size = 1 << round(np.log2(sample_rate * 0.04))  # about 40 ms, a power of two
    columns = max(1, round(waveform.size / sample_rate * columns_per_second))
    starts = ((np.arange(columns) + 0.5) * sample_rate / columns_per_second).astype(np.int64)
    padded = np.pad(waveform, (size // 2, size))  # a window is centred on its column; the edges see silence
    starts = np.minimum(starts, padded.size - size)
    window = np.hanning(size).astype(np.float32)
    windows, filters = np.lib.stride_tricks.sliding_window_view(padded, size), _mel_filters(sample_rate, size)
    power = np.empty((columns, MEL_BANDS), dtype=np.float32)
    for start in range(0, columns, COLUMNS_AT_ONCE):
        block = slice(start, start + COLUMNS_AT_ONCE)
        spectrum = rfft(windows[starts[block]] * window, axis=1)
        power[block] = (spectrum.real**2 + spectrum.imag**2) @ filters
    power *= (2.0 / window.sum()) ** 2
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-12)).T, dtype=np.float32)


@cache
def _mel_filters(sample_rate: int, size: int) -> NDArray[np.float32]:
    """Triangles of unit height on the mel scale of 2595 log10(1 + f / 700), shape (bins, bands)."""
    top = min(HIGHEST_HZ, sample_rate / 2)
    lowest, highest = 2595 * np.log10(1 + LOWEST_HZ / 700), 2595 * np.log10(1 + top / 700)
    mel = np.linspace(lowest, highest, MEL_BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(size // 2 + 1)[:, np.newaxis] * sample_rate / size
    half_bin = sample_rate / size  # low triangles are narrower than a bin: widen them, so that no band stays empty
    rise = (bins - edges[:-2]) / np.maximum(edges[1:-1] - edges[:-2], half_bin)
    fall = (edges[2:] - bins) / np.maximum(edges[2:] - edges[1:-1], half_bin)
    return np.asarray(np.clip(np.minimum(rise, fall), 0, 1), dtype=np.float32)


def level_curve(waveform: NDArray[np.float32], sample_rate: int, *, points_per_second: int = 25) -> NDArray[np.float64]:
    """Return the root-mean-square level of the sound, full scale 1, shape (points,)."""
    length = max(1, sample_rate // points_per_second)
    whole = waveform[: max(1, waveform.size // length) * length].astype(np.float64)
    return np.asarray(np.sqrt(np.mean(whole.reshape(-1, min(length, whole.size)) ** 2, axis=1)))


def spectrogram_jpeg(waveform: NDArray[np.float32], sample_rate: int) -> bytes:
    """Return a JPEG picture of the sound: low pitch at the bottom, `COLUMNS_PER_SECOND` pixels per second."""
    decibels = mel_decibels(waveform, sample_rate, columns_per_second=COLUMNS_PER_SECOND)
    shade = np.clip((decibels[::-1] - FLOOR_DB) / -FLOOR_DB, 0, 1)
    return jpeg(palette()[(shade * 255).astype(np.uint8)])


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels (height, width, 3) as a small JPEG; WebP takes six times as long for the same size."""
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "JPEG", quality=60)
    return picture.getvalue()


@cache
def palette() -> NDArray[np.uint8]:
    """Return 256 colours from dark to light, uint8 (256, 3)."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in _STOPS], dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, 256)
    mixed = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.stack(mixed, axis=1).round().astype(np.uint8)
