"""A headphone check: which of three tones is the softest is easy to hear through headphones, and hard without.

One of the two loud tones is in anti-phase between the channels. Through loudspeakers it cancels out in the air and
seems the softest; through headphones it does not.

Source:
    Woods, Siegel, Traer and McDermott, "Headphone screening to facilitate web-based auditory experiments", Attention,
    Perception & Psychophysics 79:2064 (2017): 200 Hz, six trials, five of them right. Sounds made here anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from foundation.files import replacing
from vgg_monoaudio.draws import rank

RATE = 44_100  # Hz
TONE_HZ, TONE_SECONDS, RAMP_SECONDS, PAUSE_SECONDS = 200.0, 1.0, 0.1, 0.5
LEVEL = 0.25  # of the loud tones, full scale 1
SOFTER_DB = 6.0
POOL = 12  # trials of a study, two of each kind; each try takes `design.TRIALS` of them


def kinds(seed: int) -> list[tuple[int, int]]:
    """Return which tone is the softest and which is in anti-phase, both from 1 on, for each trial of a study's pool."""
    every = [(softest, turned) for softest in (1, 2, 3) for turned in (1, 2, 3) if softest != turned]
    pool = [(kind, take) for kind in every for take in range(POOL // len(every))]
    return [kind for kind, take in sorted(pool, key=lambda one: rank(seed, "headphones", str(one)))]


def tones(softest: int, turned: int) -> NDArray[np.float64]:
    """Return three tones, full scale 1, shape (samples, 2).

    Args:
        softest: which is `SOFTER_DB` below the others, from 1 on.
        turned: which has its right channel in anti-phase.
    """
    time = np.arange(round(TONE_SECONDS * RATE)) / RATE
    ramp = np.clip(np.minimum(time, TONE_SECONDS - time) / RAMP_SECONDS, 0, 1)
    tone = LEVEL * np.sin(2 * np.pi * TONE_HZ * time) * np.sin(np.pi / 2 * ramp) ** 2
    pause = np.zeros((round(PAUSE_SECONDS * RATE), 2))
    parts: list[NDArray[np.float64]] = []
    for place in (1, 2, 3):
        level = 10 ** (-SOFTER_DB / 20) if place == softest else 1.0
        parts += [pause] if parts else []
        parts.append(level * np.stack([tone, -tone if place == turned else tone], axis=1))
    return np.concatenate(parts)


def write_trial(path: Path, softest: int, turned: int) -> None:
    """Write the sound of a trial as 16-bit PCM in two channels."""
    with replacing(path) as temporary:
        soundfile.write(temporary, tones(softest, turned), RATE, subtype="PCM_16", format="WAV")
