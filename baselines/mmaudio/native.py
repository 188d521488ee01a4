"""The options that every native model takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from baselines.mmaudio.feature_store import FeatureStore
from foundation.checkpoints import WeightOptions
from foundation.names import check_known

DType = Literal["fp32", "bf16"]


class NativeOptions(WeightOptions, total=False):
    """How to compute, beside the options of weights; every option may be absent.

    Attributes:
        steps: Euler steps, 25 by default.
        guidance: strength of classifier-free guidance, 4.5 by default; below 1 there is none.
        dtype: fp32 (the default), or bf16 for the transformers.
        compile: compile the diffusion transformer.
        checkpoint: files of your own, by part of the model.
        random_weights: no files, seeded random numbers: for timing and smoke tests only. `untrained` says so.
        features_dir: folder to keep features of videos in; None keeps them in memory only.
        store: a `FeatureStore` shared with other models, in place of `features_dir`.
    """

    steps: int
    guidance: float
    dtype: DType
    compile: bool
    checkpoint: Mapping[str, str | Path] | None
    random_weights: bool
    features_dir: Path | None
    store: FeatureStore | None


def check_native(options: NativeOptions) -> None:
    """Refuse an option that native models do not have: `**options` would take it and say nothing.

    Raises:
        TypeError: names it, and near ones.
    """
    check_known(options, NativeOptions.__annotations__)


def store_of(options: NativeOptions) -> FeatureStore:
    """Return the store that features are kept in."""
    return options.get("store") or FeatureStore(options.get("features_dir"))
