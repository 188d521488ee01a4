"""The sounds of the demo clips: eight voices that speak at given times, 16 kHz mono."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000  # Hz
ROOM_TONE = 4e-4  # rms of the quiet noise under every clip, -68 dB: no microphone hears nothing
PEAK = 0.45  # of full scale, so that two clips can be added without clipping
STRINGS = (1.0, 1.335, 1.682, 2.0)  # pitches of the four strings against the lowest

Waveform = NDArray[np.float64]
Voice = Callable[[np.random.Generator, Sequence[float], int, float], Waveform]


def string_of_event(event: int) -> int:
    """Return which of the four strings the event plucks; film and sound both ask."""
    return (event * 3 + event // 3) % len(STRINGS)


def _times(seconds: float) -> Waveform:
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _decay(seconds: float, half_life: float) -> Waveform:
    """Return an envelope (n,) that starts at once, halves every `half_life` seconds and ends at zero."""
    t = _times(seconds)
    attack = np.minimum(1.0, (t + 1 / SAMPLE_RATE) / 0.001)
    return np.asarray(attack * 0.5 ** (t / half_life) * np.minimum(1.0, (seconds - t) / 0.02))


def _band_noise(rng: np.random.Generator, size: int, low: float, high: float) -> Waveform:
    """Return noise (size,) of rms 1 between two frequencies in hertz."""
    spectrum = np.fft.rfft(rng.normal(size=size))
    frequency = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    spectrum[(frequency < low) | (frequency > high)] = 0
    noise = np.fft.irfft(spectrum, size)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def _place(total: int, events: Sequence[float], grain: Callable[[int], Waveform], levels: Waveform) -> Waveform:
    """Return a waveform (total,) with the sound of event k starting at sample round(16000 * events[k])."""
    waveform = np.zeros(total)
    for index, (event, level) in enumerate(zip(events, levels, strict=True)):
        start = round(event * SAMPLE_RATE)
        sound = grain(index)[: total - start]
        waveform[start : start + sound.size] += level * sound
    return waveform


def _levels(rng: np.random.Generator, count: int) -> Waveform:
    return rng.uniform(0.75, 1.0, size=count)


def _ball(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(0.3)
    tone = np.sin(2 * np.pi * pitch * (78 * t + 80 * 0.03 * (1 - np.exp(-t / 0.03)))) * _decay(0.3, 0.05)
    slap = _band_noise(rng, t.size, 150, 900) * _decay(0.3, 0.008)
    return _place(total, events, lambda _: tone + 0.25 * slap, _levels(rng, len(events)))


def _siren(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(total / SAMPLE_RATE)
    waveform = np.zeros(total)
    for index, event in enumerate(events):
        start = round(event * SAMPLE_RATE)
        end = round(events[index + 1] * SAMPLE_RATE) if index + 1 < len(events) else total
        tone = pitch * (640.0, 860.0)[index % 2]
        ramp = np.minimum(1.0, np.minimum(np.arange(1, end - start + 1), np.arange(end - start, 0, -1)) / 64)
        phase = 2 * np.pi * tone * t[: end - start]
        waveform[start:end] = ramp * sum(np.sin(k * phase) / k**1.5 for k in (1, 2, 3, 4, 5))
    return np.asarray(waveform * (1 + 0.02 * _band_noise(rng, total, 1, 20)))


def _clock(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(0.08)
    noise = _band_noise(rng, t.size, 1200, 7000) * _decay(0.08, 0.002)

    def tick(index: int) -> Waveform:
        tone = pitch * (2450.0, 1950.0)[index % 2]
        body = np.sin(2 * np.pi * tone * t) + 0.6 * np.sin(2 * np.pi * 1.71 * tone * t)
        return np.asarray(body * _decay(0.08, 0.006) + 0.8 * noise)

    return _place(total, events, tick, _levels(rng, len(events)))


def _string(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(1.6)

    def pluck(index: int) -> Waveform:
        tone = 165 * pitch * STRINGS[string_of_event(index)]
        partials = [
            np.sin(2 * np.pi * k * tone * t) * np.sin(np.pi * k * 0.23) / k * _decay(1.6, 0.34 / (0.6 + 0.4 * k))
            for k in range(1, 13)
        ]
        return np.asarray(np.sum(partials, axis=0))

    return _place(total, events, pluck, _levels(rng, len(events)))


def _cricket(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(0.022)
    pulse = np.sin(2 * np.pi * 4600 * pitch * t) * np.sqrt(np.maximum(np.sin(np.pi * t / t[-1]), 0))
    gap = np.zeros(round(0.014 * SAMPLE_RATE))
    chirp = np.concatenate([pulse, gap] * 5)
    return _place(total, events, lambda _: chirp, _levels(rng, len(events)))


def _drip(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(0.25)

    def drop(index: int) -> Waveform:
        low = 720 * pitch * (1.0, 1.18, 0.9)[index % 3]
        rise = 2 * np.pi * (low * t + 0.5 * 5200 * np.minimum(t, 0.09) ** 2)
        return np.asarray(np.sin(rise) * _decay(0.25, 0.03))

    splash = _band_noise(rng, t.size, 2500, 6000) * _decay(0.25, 0.015)
    return _place(total, events, lambda index: drop(index) + 0.06 * splash, _levels(rng, len(events)))


def _hammer(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(0.4)
    noise = _band_noise(rng, t.size, 300, 7500) * _decay(0.4, 0.006)
    ratios = ((1.0, 0.06), (1.63, 0.05), (2.41, 0.035), (3.27, 0.025), (4.19, 0.018))
    metal = [np.sin(2 * np.pi * 1180 * pitch * ratio * t) * _decay(0.4, half_life) for ratio, half_life in ratios]
    wood = np.sin(2 * np.pi * 210 * pitch * t) * _decay(0.4, 0.02)
    strike = 0.5 * np.sum(metal, axis=0) + 0.5 * noise + 1.2 * wood
    return _place(total, events, lambda _: strike, _levels(rng, len(events)))


def fan_speed(since: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fan's speed, 0.08 to 1, this many seconds after it was last switched on; film and sound share it."""
    return np.asarray(0.08 + 0.92 * np.exp(-np.maximum(since, 0.0) / 0.16) * (since >= 0))


def _fan(rng: np.random.Generator, events: Sequence[float], total: int, pitch: float) -> Waveform:
    t = _times(total / SAMPLE_RATE)
    starts = np.asarray([round(event * SAMPLE_RATE) / SAMPLE_RATE for event in events])
    last = np.searchsorted(starts, t, side="right") - 1
    speed = fan_speed(np.where(last >= 0, t - starts[np.maximum(last, 0)], -1.0))
    blades = 1 + 0.35 * np.sin(2 * np.pi * np.cumsum(10 + 26 * speed) / SAMPLE_RATE)
    air = _band_noise(rng, total, 180 * pitch, 2600 * pitch) + 0.5 * _band_noise(rng, total, 2000, 6500)
    motor = 0.5 * np.sin(2 * np.pi * 100 * pitch * t)
    return np.asarray(air * blades * speed**1.3 + motor * speed)


VOICES: Mapping[str, Voice] = MappingProxyType(
    {
        "ball": _ball,
        "sirn": _siren,
        "clok": _clock,
        "strg": _string,
        "cric": _cricket,
        "drip": _drip,
        "hamr": _hammer,
        "fans": _fan,
    }
)


def sound(kind: str, rng: np.random.Generator, events: Sequence[float], *, seconds: float, pitch: float) -> Waveform:
    """Return the soundtrack of a clip.

    Args:
        kind: a key of `VOICES`.
        rng: drawn from for noise and for small differences in level.
        events: seconds, rising, each in [0, seconds); each starts a sound at sample round(16000 * event).
        seconds: length of the clip.
        pitch: 1.0 is the voice as designed; frequencies scale with it.

    Returns:
        float64, shape (round(16000 * seconds),), within +-0.45, on the grid of 16-bit samples (so the last bit of a
        sine, which differs between processors, does not reach the file).
    """
    total = round(seconds * SAMPLE_RATE)
    waveform = VOICES[kind](rng, events, total, pitch)
    waveform = waveform * (PEAK / np.abs(waveform).max()) + ROOM_TONE * rng.normal(size=total)
    return np.asarray(np.rint(np.clip(waveform, -PEAK, PEAK) * 32768) / 32768)
