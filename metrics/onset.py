"""Onset accuracy and average precision: whether the generated sounds start when the reference says they do.

Source:
    CondFoleyGen (Du et al. 2023, arXiv:2301.06083) in the form of MMAudio's `eval_onsets.py` (hkchengrex/MMAudio @
    974010a, option `--delta 0.3`), whose numbers these are wherever that script ends without an error. Its reference
    times are the annotated hits of the Greatest Hits dataset; where there are no annotations, the onsets detected in
    the target's own audio take their place, as in CondFoleyGen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.validation import Matrix, numbers, require_samples

DETECTOR_VERSION = 1  # moves when `detect_onsets` finds others
SAMPLE_RATE = 22_050  # Hz, of the detector and of its sample numbers
DELTA = 0.3  # one option of the script sets both: librosa's threshold, and how far a match may be off, in seconds
_NEIGHBOURHOOD = int(0.05 * SAMPLE_RATE)  # samples to each side in which the peak is the confidence
_TOO_CLOSE = 0.05 * SAMPLE_RATE  # of two onsets nearer than this the less confident one is dropped


@dataclass(frozen=True)
class OnsetScores:
    """How well the onsets of each sample agree with the reference.

    Attributes:
        accuracy: float64, shape (n,), share of the reference onsets that the sample hits; NaN without any.
        average_precision: float64, shape (n,), of the sample's onsets ranked by confidence; NaN without any.
    """

    accuracy: NDArray[np.float64]
    average_precision: NDArray[np.float64]


def detect_onsets(waveform: ArrayLike, sample_rate: int, seconds: float) -> Matrix:
    """Return where the sounds of a file start: float64 (k, 3), in order of time.

    The columns: sample number at 22,050 Hz; height of the waveform there; the largest height within 50 ms. Heights
    are scaled to 0..1 over the seconds kept, from the lowest to the highest sample, so silence lies at about 0.5. The
    detector finds nothing in the first 70 ms.

    Args:
        waveform: (channels, n) or (n,), floating point within [-1, 1], the whole file at its own rate.
        sample_rate: Hz, of `waveform`.
        seconds: what to keep, from the start.

    Raises:
        ValueError: another shape, no sample left, or a value that is not finite.
    """
    from metrics.backbones.isolated import librosa_caches

    given = np.asarray(waveform, dtype=np.float32)
    if given.ndim not in (1, 2) or given.size == 0 or int(SAMPLE_RATE * seconds) < 1:
        raise ValueError(f"waveform: expected shape (channels, n) and some seconds, got {given.shape} and {seconds} s")
    if not np.isfinite(given).all():
        raise ValueError("waveform: holds samples that are not finite")
    with librosa_caches():
        import librosa

        mono = librosa.resample(librosa.to_mono(given), orig_sr=sample_rate, target_sr=SAMPLE_RATE)
        sound = mono[: int(SAMPLE_RATE * seconds)]
        found = librosa.onset.onset_detect(y=sound, sr=SAMPLE_RATE, units="samples", delta=DELTA)
    height = (sound - sound.min()) / (sound.max() - sound.min() + 1e-6)
    peaks = [height[max(at - _NEIGHBOURHOOD, 0) : at + _NEIGHBOURHOOD].max() for at in found]
    return np.array([found, height[found], peaks], dtype=np.float64).T.reshape(-1, 3)


def onset_seconds(onsets: ArrayLike) -> NDArray[np.float64]:
    """Return the times of what `detect_onsets` found, in seconds, as a reference: (k, 3) -> (k,)."""
    times: NDArray[np.float64] = np.asarray(onsets, dtype=np.float64).reshape(-1, 3)[:, 0] / SAMPLE_RATE
    return times


def onset_scores(reference_seconds: Sequence[ArrayLike], generated_onsets: Sequence[ArrayLike]) -> OnsetScores:
    """Return accuracy and average precision of the generated onsets per sample; higher is better.

    Every reference onset in turn takes one generated onset less than 0.3 s away, each at most once. Accuracy is the
    share of reference onsets that found one. For average precision every generated onset is an answer, right where
    it was taken, with its confidence; a reference onset that found none is a right answer with confidence 0.

    Kept from the script, so that numbers compare: of several onsets in reach the one with the highest waveform is
    taken, but once others have been taken the heights are those of earlier onsets; and because a miss is a right
    answer, a sample without any onset has an average precision of 1. Its accuracy is 0: read the two together.

    Args:
        reference_seconds: n arrays, shape (r,): finite times in seconds, at least 0, ascending. One may be empty: its
            sample has no score.
        generated_onsets: n arrays, shape (k, 3): what `detect_onsets` returns.

    Returns:
        float64, shape (n,) each, in [0, 1], without unit; NaN for a sample without reference onsets.

    Raises:
        ValueError: no sample, another number of samples on one side, other shapes, a time below 0, or a value that
            is not finite; names the first such sample.

    Source:
        CondFoleyGen (Du et al. 2023, arXiv:2301.06083) as in MMAudio 974010a, `eval_onsets.py`; equal to it wherever
        that script ends without an error.

    Examples:
        Two onsets were expected, at 1 s and 2 s; one was generated, 0.1 s late.

        >>> found = onset_scores([[1.0, 2.0]], [[[1.1 * SAMPLE_RATE, 0.9, 0.9]]])
        >>> found.accuracy
        array([0.5])
    """
    require_samples(len(reference_seconds), "reference_seconds", 1)
    if len(reference_seconds) != len(generated_onsets):
        raise ValueError(
            f"reference_seconds has {len(reference_seconds)} samples, generated_onsets {len(generated_onsets)}"
        )
    scores = [
        _score(_times(reference, index), _kept(_onsets(generated, index)))
        for index, (reference, generated) in enumerate(zip(reference_seconds, generated_onsets, strict=True))
    ]
    accuracy, average_precision = np.array(scores, dtype=np.float64).T
    return OnsetScores(accuracy, average_precision)


def _times(values: ArrayLike, index: int) -> Matrix:
    times = numbers(values, f"reference_seconds, sample {index}")
    if times.ndim != 1 or not np.isfinite(times).all() or (times < 0).any():
        raise ValueError(f"reference_seconds: sample {index}: expected finite times from 0 on, shape (r,)")
    return times


def _onsets(values: ArrayLike, index: int) -> Matrix:
    onsets = numbers(values, f"generated_onsets, sample {index}")
    if onsets.ndim != 2 or onsets.shape[1] != 3:
        raise ValueError(f"generated_onsets: sample {index}: expected shape (k, 3), got {onsets.shape}")
    if not np.isfinite(onsets).all():
        raise ValueError(f"generated_onsets: sample {index} holds values that are not finite")
    return onsets


def _by_size(values: Any) -> NDArray[np.int64]:
    """Places of the values in ascending order; of equal ones the later counts as larger, as in the script."""
    return np.argsort(values, kind="stable")


def _kept(onsets: Matrix) -> Matrix:
    """Drop onsets that are too close to a more confident one.

    The script removes from the list that it walks, so behind every onset that it drops it passes over one; of two
    close neighbours the second survives.
    """
    at, confidence = onsets[:, 0], onsets[:, 2]
    left, kept = list(range(len(onsets))), []
    for place in _by_size(confidence)[::-1]:
        if place not in left:
            continue
        kept.append(int(place))
        left.remove(place)
        step = 0
        while step < len(left):
            if abs(at[left[step]] - at[place]) < _TOO_CLOSE:
                del left[step]
            step += 1
    return onsets[sorted(kept)]


def _score(reference_seconds: Matrix, onsets: Matrix) -> tuple[float, float]:
    """Accuracy and average precision of one sample."""
    if not reference_seconds.size:
        return float("nan"), float("nan")
    from sklearn.metrics import average_precision_score

    at, height, confidence = onsets.T
    left = list(range(len(onsets)))
    right, ranks, hits = [], [], 0
    for moment in reference_seconds * SAMPLE_RATE:
        near = [place for place, onset in enumerate(left) if abs(at[onset] - moment) < DELTA * SAMPLE_RATE]
        right.append(1)
        if not near:
            ranks.append(0.0)
            continue
        taken = left.pop(near[_by_size(height[near])[-1]])  # the script's wrong list: height[left][near] was meant
        ranks.append(confidence[taken])
        hits += 1
    right += [0] * len(left)
    ranks += list(confidence[left])
    return hits / len(reference_seconds), float(average_precision_score(right, ranks))
