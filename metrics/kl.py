"""KL: how far the classes heard in the generated audio are from those heard in the target's own audio."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.probabilities import log_softmax
from metrics.validation import same_dimension, same_length, samples


def kl_divergence(reference_logits: ArrayLike, generated_logits: ArrayLike) -> NDArray[np.float64]:
    """Return KL(reference || generated) per sample, in nats; lower is better.

    Softmax makes both rows distributions, and no epsilon is added: the logarithm is taken before the exponential.
    The direction matters: a class that the reference has and the generated audio lacks costs more than the reverse.

    Args:
        reference_logits: finite, shape (n, c): sample, class; the classifier's raw outputs for the target's audio.
        generated_logits: finite, shape (n, c), paired with `reference_logits` by row.

    Returns:
        float64, shape (n,), at least 0, in the order given.

    Raises:
        ValueError: shapes that differ, no sample, or a value that is not finite; names the first such sample.

    Source:
        Kullback & Leibler 1951; for audio Iashin & Rahtu 2021 (arXiv:2110.08791). Equals av-benchmark 050a5cd,
        "KL-PANNS-softmax", which works in float32 and returns only the mean.

    Examples:
        The direction matters.

        >>> even, certain = np.log([[0.5, 0.5]]), np.log([[0.9, 0.1]])
        >>> kl_divergence(even, certain).round(3), kl_divergence(certain, even).round(3)
        (array([0.511]), array([0.368]))
    """
    return paired_divergence(reference_logits, "reference_logits", generated_logits, "generated_logits")


def paired_divergence(
    reference_logits: ArrayLike, reference_name: str, generated_logits: ArrayLike, generated_name: str
) -> NDArray[np.float64]:
    """Return `kl_divergence`, shape (n,), of logits (n, c) that messages call by these names.

    Raises:
        ValueError: as for `kl_divergence`.
    """
    reference = samples(reference_logits, reference_name, columns="classes")
    generated = samples(generated_logits, generated_name, columns="classes")
    same_length(reference, reference_name, generated, generated_name)
    same_dimension(reference, reference_name, generated, generated_name)
    log_reference, log_generated = log_softmax(reference), log_softmax(generated)
    divergence: NDArray[np.float64] = (np.exp(log_reference) * (log_reference - log_generated)).sum(axis=-1)
    return np.maximum(divergence, 0.0, out=divergence)  # never negative but for rounding, about 1e-16
