"""Leakage: how much is heard in an answer that its prompt does not ask for: speech, music, other things.

What users of such models complain about most. A text names one sound; whoever hears a voice or a melody beside it has
got something that nobody ordered. Each score is of one sample, from 0 (nothing heard) to 1, and only of samples whose
prompt is known not to ask for that kind of sound: the others have none. Which prompts ask for what is given as
arguments, so these functions know no benchmark.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.validation import Matrix, numbers, require_finite, require_samples, samples


def speech_leakage(unasked: ArrayLike, speech_share: ArrayLike) -> NDArray[np.float64]:
    """Return the share of each sample's time that is speech nobody asked for, in [0, 1]; lower is better.

    Args:
        unasked: bool, shape (n,): whether speech would be leaked, because the sample's prompt does not ask for it.
        speech_share: shape (n,), in [0, 1]: how much of the time a voice detector hears speech.

    Returns:
        float64, shape (n,); NaN where the prompt asks for speech.

    Raises:
        ValueError: shapes that differ or are not (n,), no sample, or a share that is not within [0, 1].

    Source:
        This suite; no reference tool has it.

    Examples:
        A dog that speaks a quarter of the time, and a man who is to whisper.

        >>> speech_leakage(unasked=[True, False], speech_share=[0.25, 0.9])
        array([0.25,  nan])
    """
    share = numbers(speech_share, "speech_share")
    if share.ndim != 1:
        raise ValueError(f"speech_share: expected shape (n,), one value per sample, got {share.shape}")
    require_samples(len(share), "speech_share", 1)
    require_finite(share, "speech_share")
    within = (share >= 0) & (share <= 1)
    if not within.all():
        place = int(within.argmin())
        raise ValueError(f"speech_share: sample {place} of {len(share)} is {share[place]:g}, expected 0 to 1")
    return np.where(_flags(unasked, share), share, np.nan)


def class_leakage(unasked: ArrayLike, generated_logits: ArrayLike) -> NDArray[np.float64]:
    """Return how sure a tagger is that each sample holds a class nobody asked for, in [0, 1]; lower is better.

    That is the largest probability among the classes that would be leaked. A tagger's classes overlap and name one
    thing at several depths (guitar, musical instrument, music), so their sum would count one thing often, and a mean
    over a hundred classes would hide one that is certain.

    Args:
        unasked: bool, shape (n, c): sample, class; whether the class would be leaked by that sample.
        generated_logits: finite, shape (n, c): a multi-label tagger's outputs for the generated audio before its
            sigmoid, as PANNs has them.

    Returns:
        float64, shape (n,); NaN where no class of the sample would be leaked.

    Raises:
        ValueError: shapes that differ, no sample, or a value that is not finite; names the first such sample.

    Source:
        This suite; no reference tool has it. Probabilities as in PANNs (Kong et al. 2020, arXiv:1912.10211).

    Examples:
        Of three classes the second and third would be leaked; the second sample's prompt asks for all.

        >>> class_leakage([[False, True, True], [False, False, False]], [[5.0, 0.0, -2.0], [5.0, 0.0, -2.0]])
        array([0.5, nan])
    """
    logits = samples(generated_logits, "generated_logits", columns="c")
    unwanted = _flags(unasked, logits)
    largest = np.where(unwanted, logits, -np.inf).max(axis=1)
    return np.where(unwanted.any(axis=1), 0.5 * (1.0 + np.tanh(0.5 * largest)), np.nan)  # the sigmoid, without overflow


def _flags(values: ArrayLike, like: Matrix) -> NDArray[np.bool_]:
    """Return what would be leaked, checked to be bool and of the shape of the numbers that it is about."""
    flags = np.asarray(values)
    if flags.dtype != np.bool_ or flags.shape != like.shape:
        raise ValueError(f"unasked: expected bool of shape {like.shape}, got {flags.dtype} of shape {flags.shape}")
    return flags
