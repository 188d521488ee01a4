"""The sounds of a study's clips: of the models as they are, and good and bad examples made of the benchmark's own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foundation import media
from vgg_monoaudio.draws import rank

Waveform = NDArray[np.float32]
Change = Literal["", "noisy", "shifted"]

RATE = 48_000  # Hz of every clip, whatever a model made: the rate would tell which one
SHIFT_SECONDS = 1.5
NOISE_DB = -6.0  # of the noise, under the sound
CLIP_GAIN = 8.0  # before the noisy sound is cut off at full scale
PEAK = 0.99  # that a clip may reach
LOUDEST_LUFS, SOFTEST_LUFS = -23.0, -33.0  # of what clips are brought to; the former is that of EBU R 128
_AUDIBLE_LUFS = -70.0  # the absolute gate of BS.1770; below it there is nothing to make louder


@dataclass(frozen=True)
class Sound:
    """Where a clip's sound comes from, and what was done to it.

    Attributes:
        path: of the file.
        seconds: how long it is to be; cut, or filled with silence.
        change: "" for none.
        seed: of the noise.
    """

    path: Path
    seconds: float
    change: Change = ""
    seed: int = 0

    def read(self) -> Waveform:
        """Return it, mono at `RATE`.

        Raises:
            foundation.media.MediaError: the file cannot be read.
        """
        sound = media.read_audio(self.path, sample_rate=RATE, seconds=self.seconds)
        whole = np.zeros(round(self.seconds * RATE), np.float32)
        whole[: sound.size] = sound[: whole.size]
        if self.change == "noisy":
            return noisy(whole, rank(self.seed, "noise", self.path.name))
        return shifted(whole) if self.change == "shifted" else whole


def noisy(sound: Waveform, seed: int) -> Waveform:
    """Return a sound with noise close to its own level, and cut off hard where it is loud."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) or 0.05
    noise = np.random.default_rng(seed).normal(scale=level * 10 ** (NOISE_DB / 20), size=sound.size)
    return (np.clip(CLIP_GAIN * (sound + noise), -1, 1) / 2).astype(np.float32)


def shifted(sound: Waveform) -> Waveform:
    """Return a sound that comes `SHIFT_SECONDS` too late; its end comes first, so that nothing of it is missing."""
    return np.roll(sound, min(round(SHIFT_SECONDS * RATE), sound.size // 2))


def loudness(sound: Waveform) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770-4); -inf for silence, and for less than 0.4 s."""
    import pyloudnorm

    if sound.size < 0.4 * RATE:
        return -np.inf
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the logarithm of silence
        return float(pyloudnorm.Meter(RATE).integrated_loudness(sound.astype(np.float64)))


@dataclass(frozen=True)
class Level:
    """Loudness and peak of one sound."""

    lufs: float
    peak: float

    @classmethod
    def of(cls, sound: Waveform) -> Level:
        """Measure a sound."""
        return cls(loudness(sound), float(np.abs(sound).max(initial=0.0)))

    @property
    def reach_lufs(self) -> float:
        """To what loudness it can be brought without reaching full scale."""
        return self.lufs + 20 * float(np.log10(PEAK / self.peak)) if self.is_audible else np.inf

    @property
    def is_audible(self) -> bool:
        """Whether there is a loudness to change."""
        return self.lufs > _AUDIBLE_LUFS and self.peak > 0


def common_lufs(levels: Sequence[Level]) -> float:
    """Return the loudness that all are brought to: the highest that every one reaches, within bounds."""
    return float(np.clip(min((level.reach_lufs for level in levels), default=LOUDEST_LUFS), SOFTEST_LUFS, LOUDEST_LUFS))


def gain_db(level: Level, target_lufs: float | None) -> float:
    """Return what brings a sound to a loudness, or as near as its peak allows; 0 for silence and without a target."""
    if target_lufs is None or not level.is_audible:
        return 0.0
    return round(min(target_lufs, level.reach_lufs) - level.lufs, 3)
