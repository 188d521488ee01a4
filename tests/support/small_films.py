"""Films of half a second, for tests that build benchmarks of clips and do not judge what is in them."""

from pathlib import Path

import numpy as np

from foundation import media

FILM_SECONDS = 0.5
KEPT_SECONDS = 0.4  # what such a benchmark keeps of each


def write_film(path: Path, *, pitch: float = 440.0, with_sound: bool = True, seconds: float = FILM_SECONDS) -> Path:
    """Write a film of 64x48 that grows lighter, with a tone or without any sound; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [np.full((48, 64, 3), 4 * place % 256, np.uint8) for place in range(round(25 * seconds) + 1)]
    waveform = tone(pitch, seconds) if with_sound else None
    media.write_video(path, frames, fps=25, waveform=waveform)
    return path


def tone(pitch: float, seconds: float = FILM_SECONDS) -> np.ndarray:
    """Return a tone of 16 kHz, float32 (samples,)."""
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(round(16_000 * seconds) + 640) / 16_000)).astype(np.float32)
