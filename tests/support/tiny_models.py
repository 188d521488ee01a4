"""The real models with their networks shrunk to one or two layers, so that the whole way from file to sound is fast."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from baselines import Request
from baselines.mmaudio import features, transformer, vae, vocoder, weights
from baselines.mmaudio.batches import BatchModel
from baselines.mmaudio.feature_store import FeatureStore
from baselines.selva import text
from foundation import media
from metrics.backbones.synchformer import video

VARIANTS = {
    "tiny_16k": transformer.Variant("16k", heads=1, joint_blocks=1, fused_blocks=1),
    "tiny_44k": transformer.Variant("44k", heads=1, joint_blocks=1, fused_blocks=1),
}


def drawn_once() -> Callable[[str, Tensor], Tensor]:
    """Random weights that all models share: vocabularies and widths are those of the real ones, 600 MB a model."""
    draw, drawn = weights._random_entry, {}

    def entry(name: str, like: Tensor) -> Tensor:
        key = name, like.shape, like.dtype
        if key not in drawn:
            with torch.inference_mode(False):  # whoever draws first, all may use it
                drawn[key] = draw(name, like)
        return drawn[key]

    return entry


@contextmanager
def shrunk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "_random_entry", drawn_once())
        for name, variant in VARIANTS.items():
            patch.setitem(transformer.VARIANTS, name, variant)
        patch.setattr(vae, "BASE_WIDTHS", {"16k": 8, "44k": 8})
        patch.setattr(vocoder, "FIRST_WIDTH", 64)
        for module, layers in (
            (features, "TEXT_LAYERS"),
            (features, "IMAGE_LAYERS"),
            (text, "LAYERS"),
            (video, "DEPTH"),
        ):
            patch.setattr(module, layers, 1)
        for name, value in (("IMAGE_WIDTH", 128), ("IMAGE_HEADS", 2), ("PATCH", 54)):  # 49 tokens a frame, not 729
            patch.setattr(features, name, value)
        yield


@contextmanager
def made_by_options(kind: type[BatchModel]) -> Iterator[Callable[..., BatchModel]]:
    """Shrunk models of a kind, each made once for its options; all keep video features in one store."""
    store = FeatureStore()
    with shrunk():

        @cache
        def model(**options) -> BatchModel:
            fixed = {"variant": "tiny_16k", "steps": 2, "device": "cpu", "random_weights": True, "store": store}
            return kind(**{**fixed, **options})

        yield model


class NoStore(FeatureStore):
    """Keeps nothing, so that every feature is computed anew."""

    def _remember(self, key, feature):
        return feature


def film(path: Path, *, seconds: float = 2.0, fps: float = 25, size: tuple[int, int] = (64, 96), seed: int = 0) -> Path:
    """A video whose frames all differ: a bright square that moves over noise."""
    rng = np.random.default_rng(seed)
    height, width = size
    still = rng.integers(0, 120, (height, width, 3), dtype=np.uint8)

    def frames() -> Iterator[np.ndarray]:
        for k in range(round(seconds * fps)):
            picture = still.copy()
            x = int(k / fps * 20) % (width - 16)
            picture[8:24, x : x + 16] = (250, 200, 40 + seed)
            yield picture

    media.write_video(path, frames(), fps=fps)
    return path


def differ(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two sounds are different by more than rounding could make them; untrained models are soft-spoken."""
    return bool(np.abs(first - second).max() > 1e-4 * np.abs(first).max())


def asking(video: Path, prompt: str = "dog barking", *, negative: str = "", seconds: float = 0.8, seed: int = 7):
    return Request(video.stem, video, prompt, negative, seconds, seed)
