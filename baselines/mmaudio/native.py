"""The options that every native model takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypedDict

from baselines.mmaudio.feature_store import FeatureStore
from foundation.names import nearest

DType = Literal["fp32", "bf16"]


class NativeOptions(TypedDict, total=False):
    """How to compute, and where the weights come from; every option may be absent.

    Attributes:
        steps: Euler steps, 25 by default.
        guidance: strength of classifier-free guidance, 4.5 by default; below 1 there is none.
        dtype: fp32 (the default), or bf16 for the transformers.
        compile: compile the diffusion transformer.
        device: where to compute; a GPU if there is one.
        weights_dir: folder with the published files.
        checkpoint: files of your own, by part of the model.
        allow_unverified: also take files without a published hash, or that differ from the published ones.
        random_weights: no files, seeded random numbers: for timing and smoke tests only. `untrained` says so.
        features_dir: folder to keep features of videos in; None keeps them in memory only.
        store: a `FeatureStore` shared with other models, in place of `features_dir`.
    """

    steps: int
    guidance: float
    dtype: DType
    compile: bool
    device: str | None
    weights_dir: Path | None
    checkpoint: Mapping[str, str | Path] | None
    allow_unverified: bool
    random_weights: bool
    features_dir: Path | None
    store: FeatureStore | None


def check_native(options: NativeOptions) -> None:
    """Refuse an option that native models do not have: `**options` would take it and say nothing.

    Raises:
        TypeError: names it, and near ones.
    """
    known = NativeOptions.__annotations__
    for name in options:
        if name not in known:
            raise TypeError(f"there is no option {name!r}; did you mean {' or '.join(nearest(name, known) or known)}?")


def store_of(options: NativeOptions) -> FeatureStore:
    """Return the store that features are kept in."""
    return options.get("store") or FeatureStore(options.get("features_dir"))
