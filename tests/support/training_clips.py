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


GOOD = ("a", "b", "c", "d", "e", "f")
LABELS = {id: ("church bell ringing", "dog barking")[place % 2] for place, id in enumerate(GOOD)}


def clips_with_faults(place: Path) -> Path:
    """Six clips to train with and one of each kind that is skipped, with a list of all; returns their folder."""
    (place / "clips").mkdir()
    for seed, id in enumerate(GOOD):
        clip(place / "clips" / f"{id}.mp4", seed=seed)
    clip(place / "clips" / "quiet.mp4", tone(level=0.0))
    clip(place / "clips" / "brief.mp4", tone(0.5))
    film(place / "clips" / "mute.mp4", seconds=1.2)
    (place / "clips" / "torn.mp4").write_bytes(b"not a film" * 50)
    labels = {**LABELS, **dict.fromkeys(("quiet", "brief", "mute", "torn", "absent"), "flute")}
    (place / "list.csv").write_text("\n".join(["id,label", *(f"{id},{label}" for id, label in labels.items())]) + "\n")
    return place
