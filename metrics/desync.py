"""DeSync: how far a generated soundtrack is out of step with the picture, in seconds."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.validation import numbers, require_finite, require_samples

OFFSETS_SECONDS = np.linspace(-2.0, 2.0, 21)  # the classes of Synchformer's offset head, 0.2 s apart


def desync(offset_logits: ArrayLike) -> NDArray[np.float64]:
    """Return how far each sample is out of step, in seconds; lower is better.

    Every sample is judged twice, on its first and on its last 4.8 s. A window's vote is the offset of its largest
    class, and the score is the mean of the two votes without their signs: early here and late there do not cancel.

    Args:
        offset_logits: finite, shape (n, 2, 21): sample, window (first, last), offset class. Only which class is
            largest counts (the first of equals), so logits and probabilities score alike.

    Returns:
        float64, shape (n,), seconds in [0, 2], in the order given.

    Raises:
        ValueError: another shape, no sample, or a value that is not finite; names the first such sample.

    Source:
        MMAudio (Cheng et al. 2025, arXiv:2412.15322) over Synchformer (Iashin et al. 2024, arXiv:2401.16423).
        Same votes as av-benchmark 050a5cd, "DeSync", which returns only their mean.

    Examples:
        The first window votes for 0.6 s early, the last for 0.6 s late.

        >>> logits = np.zeros((1, 2, 21))
        >>> logits[0, 0, 7] = logits[0, 1, 13] = 1.0
        >>> desync(logits).round(3)
        array([0.6])
    """
    logits = numbers(offset_logits, "offset_logits")
    if logits.ndim != 3 or logits.shape[1:] != (2, OFFSETS_SECONDS.size):
        raise ValueError(f"offset_logits: expected shape (n, 2, 21), got {logits.shape}")
    require_samples(len(logits), "offset_logits", 1)
    require_finite(logits, "offset_logits")
    score: NDArray[np.float64] = np.abs(OFFSETS_SECONDS[logits.argmax(axis=-1)]).mean(axis=-1)
    return score
