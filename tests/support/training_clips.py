"""Short films with sound, as `train prepare` takes them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foundation import media
from support.tiny_models import film


def tone(seconds: float = 1.2, *, rate: int = 16_000, level: float = 0.3, pitch: float = 440.0) -> NDArray[np.float32]:
    return (level * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def clip(
    path: Path,
    sound: NDArray[np.float32] | None = None,
    *,
    rate: int = 16_000,
    picture_seconds: float = 1.2,
    seed: int = 0,
) -> Path:
    """A film of its own for each seed; its sound is a tone unless another is given."""
    film(path, seconds=picture_seconds, seed=seed)
    media.mux(path, tone(pitch=300.0 + 50 * seed) if sound is None else sound, rate, path)
    return path
