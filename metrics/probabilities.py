"""Class probabilities from logits, in the log domain."""

import numpy as np
from numpy.typing import NDArray


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the natural logarithm of the softmax over the last axis; float64, shape of `logits`.

    Large logits do not overflow and small probabilities do not become zero, so no epsilon is needed anywhere.

    Args:
        logits: finite float64, shape (..., classes).
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_p
