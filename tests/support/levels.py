"""Two sounds of other levels and a cache of these levels: the least that there is to keep."""

from pathlib import Path

import numpy as np

from benchmark.feature_store import FeatureStore
from benchmark.features import Extracted, Extractor, Wanted, extract
from foundation import media
from support import front_ends

LEVEL = Extractor("test.level", "v1", "audio", front_ends.level, yields={"level": "level"})
BRIGHTNESS = Extractor("test.brightness", "v1", "video", front_ends.brightness, media.FrameRequest(25, (32, 48)))


def two_sounds(folder: Path) -> list[Path]:
    """Write a loud sound and a quiet one, half a second each."""
    paths = [folder / f"{name}.wav" for name in ("loud", "quiet")]
    for path, level in zip(paths, (0.5, 0.25), strict=True):
        media.write_audio(path, (level * np.sin(np.arange(8000) / 9)).astype(np.float32), 16_000)
    return paths


def run(paths, store: FeatureStore, extractor: Extractor = LEVEL, **options) -> Extracted:
    """Keep what an extractor makes of files."""
    return extract([Wanted(path, extractor.medium, (extractor,), **options) for path in paths], store, seconds=0.5)


def again(store: FeatureStore) -> FeatureStore:
    """Return the same cache as another process finds it."""
    return FeatureStore(store._root)
