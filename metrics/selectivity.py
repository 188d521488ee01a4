"""Selectivity: is the generated sound closer to the sound named by the prompt than to the other one in the scene?

This is what the task is about, and no other metric here sees it: a mixture of both sounds can score well on each of
them. The benchmark knows both sources of a scene, so each sample gets a margin (how much closer to the target) and a
win (is it closer at all). The mean of the wins is the win rate: 1 for a generator that always makes the target's
sound, about one half for one that does not select, 0 for one that always makes the other sound.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.cosine import paired_cosine
from metrics.kl import paired_divergence
from metrics.validation import Matrix, numbers, require_finite, require_samples, same_length


@dataclass(frozen=True, slots=True, eq=False)
class Selectivity:
    """Target against paired, per sample.

    Attributes:
        margin: float64, shape (n,): how much closer the sample is to the target; positive is right.
        win: float64, shape (n,): 1 closer to the target, 0 closer to the paired sound, 0.5 exactly between.
    """

    margin: NDArray[np.float64]
    win: NDArray[np.float64]

    @property
    def mean_margin(self) -> float:
        """Mean of the margins; higher is better."""
        return float(self.margin.mean())

    @property
    def win_rate(self) -> float:
        """Share of the samples closer to the target, in [0, 1]; a tie counts one half; higher is better."""
        return float(self.win.mean())


def selectivity(to_target: ArrayLike, to_paired: ArrayLike, *, higher_is_closer: bool = True) -> Selectivity:
    """Return margin and win of each sample from its closeness to target and to paired sound; higher is better.

    A tie counts one half: a generator that cannot tell (silence, the same file for every scene) then stands at 0.5,
    where guessing stands, instead of at 0 or 1 by the way a comparison happens to be written.

    Args:
        to_target: finite, shape (n,): similarity (or distance) of the generated audio to the target.
        to_paired: finite, shape (n,), the same to the paired sound, in the same order.
        higher_is_closer: True for similarities, False for distances.

    Returns:
        Margins in the unit of the arguments.

    Raises:
        ValueError: shapes that differ or are not (n,), no sample, or a value that is not finite; names the first.

    Source:
        This suite; no reference tool has it.

    Examples:
        >>> found = selectivity(to_target=[0.9, 0.5, 0.1], to_paired=[0.2, 0.5, 0.8])
        >>> found.margin.round(3)
        array([ 0.7,  0. , -0.7])
        >>> found.win, found.win_rate
        (array([1. , 0.5, 0. ]), 0.5)
    """
    target, paired = _vector(to_target, "to_target"), _vector(to_paired, "to_paired")
    same_length(target, "to_target", paired, "to_paired")
    margin = target - paired if higher_is_closer else paired - target
    return Selectivity(margin, (np.sign(margin) + 1.0) / 2.0)


def text_selectivity(target_text: ArrayLike, paired_text: ArrayLike, audio: ArrayLike) -> Selectivity:
    """Return the CLAP text margin: cosine to the target's prompt minus cosine to the paired label's; higher is better.

    Args:
        target_text: finite, shape (n, d): sample, dimension; CLAP embeddings of the targets' prompts.
        paired_text: finite, shape (n, d), those of the paired labels, phrased alike.
        audio: finite, shape (n, d), those of the generated audio.

    Returns:
        Margins in [-2, 2], without unit.

    Raises:
        ValueError: shapes that differ, no sample, or an embedding that is not finite or zero; names the first.

    Source:
        This suite; no reference tool has it.

    Examples:
        >>> found = text_selectivity(target_text=[[1.0, 0.0]], paired_text=[[0.0, 1.0]], audio=[[4.0, 3.0]])
        >>> found.margin.round(3), found.win
        (array([0.2]), array([1.]))
    """
    return selectivity(
        paired_cosine(target_text, "target_text", audio, "audio"),
        paired_cosine(paired_text, "paired_text", audio, "audio"),
    )


def audio_selectivity(target_audio: ArrayLike, paired_audio: ArrayLike, audio: ArrayLike) -> Selectivity:
    """Return the CLAP audio margin: cosine to the target's audio minus cosine to the paired clip's; higher is better.

    Args:
        target_audio: finite, shape (n, d): sample, dimension; audio embeddings of the target sources.
        paired_audio: finite, shape (n, d), those of the paired sources.
        audio: finite, shape (n, d), those of the generated audio, from the same backbone.

    Returns:
        Margins in [-2, 2], without unit.

    Raises:
        ValueError: shapes that differ, no sample, or an embedding that is not finite or zero; names the first.

    Source:
        This suite; no reference tool has it.

    Examples:
        The paired clip's own sound, and a mixture of both.

        >>> target, paired = [[1.0, 0.0]] * 2, [[0.0, 1.0]] * 2
        >>> audio_selectivity(target, paired, [[0.0, 2.0], [1.0, 1.0]]).win
        array([0. , 0.5])
    """
    return selectivity(
        paired_cosine(target_audio, "target_audio", audio, "audio"),
        paired_cosine(paired_audio, "paired_audio", audio, "audio"),
    )


def class_selectivity(target_logits: ArrayLike, paired_logits: ArrayLike, generated_logits: ArrayLike) -> Selectivity:
    """Return the class margin: KL to the paired clip's classes minus KL to the target's, in nats; higher is better.

    Args:
        target_logits: finite, shape (n, c): sample, class; the classifier's outputs for the target sources.
        paired_logits: finite, shape (n, c), those for the paired sources.
        generated_logits: finite, shape (n, c), those for the generated audio.

    Returns:
        Margins in nats, of any sign.

    Raises:
        ValueError: shapes that differ, no sample, or a value that is not finite; names the first such sample.

    Source:
        This suite; no reference tool has it.

    Examples:
        The target's classes are heard, the paired clip's are not.

        >>> found = class_selectivity([[4.0, 0.0]], [[0.0, 4.0]], [[4.0, 0.0]])
        >>> found.margin.round(2), found.win
        (array([3.86]), array([1.]))
    """
    return selectivity(
        paired_divergence(target_logits, "target_logits", generated_logits, "generated_logits"),
        paired_divergence(paired_logits, "paired_logits", generated_logits, "generated_logits"),
        higher_is_closer=False,
    )


def _vector(values: ArrayLike, name: str) -> Matrix:
    array = numbers(values, name)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected shape (n,), one value per sample, got {array.shape}")
    require_samples(len(array), name, 1)
    require_finite(array, name)
    return array
