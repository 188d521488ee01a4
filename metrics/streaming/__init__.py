"""The metrics batch by batch, for a training loop: `update`, `compute`, `reset`, and `+` for what others have seen.

    fad = FrechetAudioDistance()
    for reference, generated in batches:  # features, shape (b, d)
        fad.update(reference, generated)
    value = fad.synced().compute()  # of the batches of every process of torch.distributed

Values are those of the function on all rows at once, within 1e-9 (relative). Features and logits may be arrays or
tensors, on any device; `metrics.backbones` has the networks that make them.
"""

from metrics.streaming.of_samples import ClapScore, DeSync, KLDivergence
from metrics.streaming.of_sets import FrechetAudioDistance, InceptionScore, KernelAudioDistance
from metrics.streaming.state import Streaming

__all__ = [
    "ClapScore",
    "DeSync",
    "FrechetAudioDistance",
    "InceptionScore",
    "KLDivergence",
    "KernelAudioDistance",
    "Streaming",
]
