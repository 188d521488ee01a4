"""The options that every native model takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from baselines.mmaudio.feature_store import FeatureStore
from baselines.options import DType
from foundation.checkpoints import WeightOptions
from foundation.devices import Precision
from foundation.names import check_known

# Of the extra `selva`: frames are scaled by torchvision, prompts and pictures read by open_clip's towers.
PACKAGES = ("torchvision", "open_clip")


class NativeOptions(WeightOptions, total=False):
    """How to compute, beside the options of weights; every option may be absent.

    Attributes:
        steps: Euler steps, 25 by default.
        guidance: strength of classifier-free guidance, 4.5 by default; below 1 there is none.
        precision: "exact": float32 throughout, equal to the references on a GPU too; "fast": the transformers in
            bfloat16 and TF32 elsewhere, as the official programs run by default. Default: fast on a GPU, else exact.
        dtype: another spelling of it: fp32 is exact, bf16 is fast.
        compile: compile the networks' blocks, which takes half a minute at the first batch, and use GPU kernels of our
            own (triton) for the vocoder's activation and Synchformer's attention along time.
        checkpoint: files of your own, by part of the model.
        random_weights: no files, seeded random numbers: for timing and smoke tests only. `untrained` says so.
        features_dir: folder to keep features of videos in; None keeps them in memory only.
        store: a `FeatureStore` shared with other models, in place of `features_dir`.
    """

    steps: int
    guidance: float
    precision: Precision | None
    dtype: DType | None
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
