"""The embedded benchmark's sources: 16 short synthetic films whose motion and sound belong together."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation import media
from foundation.work import in_parallel
from vgg_monoaudio.demo.films import film
from vgg_monoaudio.demo.moments import FPS
from vgg_monoaudio.demo.sounds import SAMPLE_RATE, sound

SECONDS = 8.0
TAKES = 2  # clips per label
DEMO_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "ball bouncing": "Street",
        "police siren": "Street",
        "clock ticking": "Home",
        "string plucking": "Home",
        "cricket chirping": "Nature",
        "water dripping": "Nature",
        "hammering nails": "Tool",
        "fan running": "Tool",
    }
)
"""Label -> category, in the order of the table."""

_KINDS = dict(zip(DEMO_LABELS, ("ball", "sirn", "clok", "strg", "cric", "drip", "hamr", "fans"), strict=True))
_GAPS = MappingProxyType(  # shortest and longest pause between two events, seconds
    {"ball": (0.36, 0.95), "strg": (0.34, 0.95), "drip": (0.42, 1.0), "hamr": (0.42, 1.0), "fans": (0.44, 1.05)}
)
_CANDIDATES = 40  # rhythms drawn for a clip; the least self-similar is taken


@dataclass(frozen=True)
class DemoClip:
    """One source before it is encoded.

    Attributes:
        clip_id: in the form of VGGSound's, 11 characters and a start second: "demoball001_000000".
        label: a key of `DEMO_LABELS`.
        category: its category.
        events: seconds, rising; event t first shows in frame floor(25 t) and first sounds at sample round(16000 t).
        waveform: float32, shape (128000,), 16 kHz mono, within +-0.45.
        take: 0 or 1, which of the label's two clips.
    """

    clip_id: str
    label: str
    category: str
    events: tuple[float, ...]
    waveform: NDArray[np.float32]
    take: int

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the 200 frames, uint8 (720, 640, 3), RGB, 25 per second."""
        return film(_KINDS[self.label], self.events, take=self.take, frames=round(SECONDS * FPS))


def demo_sources() -> pd.DataFrame:
    """Return the table of the demo's sources: clip_id, label, category; 16 rows, two per label, four per category."""
    rows = [
        (f"demo{_KINDS[label]}{take + 1:03d}_000000", label, category)
        for label, category in DEMO_LABELS.items()
        for take in range(TAKES)
    ]
    return pd.DataFrame(rows, columns=["clip_id", "label", "category"])


def _self_similarity(events: NDArray[np.float64]) -> float:
    """Return how well the rhythm matches itself shifted by 0.12 to 2.2 s, at worst; 1 is a perfect match."""
    pulses = np.zeros(round(SECONDS * FPS))
    pulses[np.floor(events * FPS).astype(int)] = 1
    blurred = np.convolve(pulses, (0.5, 1.0, 0.5), mode="same")
    product = np.correlate(blurred, blurred, mode="full")[blurred.size - 1 :]
    return float(product[3:56].max() / product[0])


def _rhythm(rng: np.random.Generator, shortest: float, longest: float) -> tuple[float, ...]:
    """Return irregular times in [0.25, 7.75) s: a wrong lag within 2 s must not look right."""
    candidates = []
    for _ in range(_CANDIDATES):
        gaps = rng.uniform(shortest, longest, size=round(SECONDS / shortest))
        times = rng.uniform(0.25, 0.7) + np.concatenate([[0.0], np.cumsum(gaps)])
        candidates.append(times[times < SECONDS - 0.25])
    best = min(candidates, key=_self_similarity)
    return tuple(float(time) for time in best)


def demo_clip(clip_id: str, *, seed: int = 0) -> DemoClip:
    """Return one clip of the demo as arrays.

    Args:
        clip_id: one of `demo_sources().clip_id`.
        seed: of the whole demo. A clip depends on it and on its own id, not on the other clips.

    Raises:
        ValueError: the demo has no such clip.
    """
    sources = demo_sources()
    found = np.flatnonzero(sources["clip_id"] == clip_id)
    if found.size == 0:
        raise ValueError(f"clip_id: the demo has no {clip_id!r}; its clips are {', '.join(sources['clip_id'])}")
    row = int(found[0])
    label, category = str(sources["label"][row]), str(sources["category"][row])
    kind, take = _KINDS[label], row % TAKES
    rng = np.random.default_rng([seed, row])
    events = _rhythm(rng, *_GAPS.get(kind, (0.3, 0.95)))
    pitch = (1.0, 1.12)[take]
    waveform = sound(kind, rng, events, seconds=SECONDS, pitch=pitch)
    return DemoClip(clip_id, label, category, events, waveform.astype(np.float32), take)


def write_demo_clip(clip_id: str, folder: str | os.PathLike[str], *, seed: int = 0) -> Path:
    """Write one source as `<folder>/<clip_id>.mp4`, the same bytes for the same id and seed, and return its path.

    Args:
        clip_id: one of `demo_sources().clip_id`.
        folder: exists already.
        seed: of the whole demo.

    Raises:
        ValueError: the demo has no such clip.
    """
    clip = demo_clip(clip_id, seed=seed)
    path = Path(folder) / f"{clip_id}.mp4"
    media.write_video(path, clip.frames(), fps=FPS, waveform=clip.waveform, sample_rate=SAMPLE_RATE)
    return path


def write_demo_sources(folder: str | os.PathLike[str], *, seed: int = 0, workers: int | None = None) -> pd.DataFrame:
    """Write the 16 sources as `<clip_id>.mp4` and return their table.

    Each is 8.000 s, 640x720, 25 fps, H.264 yuv420p with AAC 16 kHz mono. The bytes depend on the seed alone,
    neither on `workers` nor on what is written first.

    Args:
        folder: made when missing; files of the same name are replaced, each at once and whole.
        seed: decides rhythms, loudness and noise.
        workers: clips at once; None takes one a core.

    Returns:
        The table of `demo_sources`.

    Raises:
        ValueError: fewer than one worker.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    sources = demo_sources()
    # By threads: drawing and encoding leave the interpreter free, and a fork would copy locks that other threads hold.
    write = partial(write_demo_clip, folder=target, seed=seed)
    list(in_parallel(write, list(sources["clip_id"]), workers=workers))
    return sources
