"""AV-Align: whether sounds start when the picture moves most, as intersection over union of both sets of moments.

Source:
    TempoTokens (Yariv et al. 2023, arXiv:2309.16429), `av_align.py`. As published with the paper (guyyariv/TempoTokens
    @ 34d9502) that script ends in a NameError, so tables of the field come from repaired copies; its later version
    (@ bf0b1e3) runs, and is followed here: the same detectors, thresholds and matching. What differs is said with its
    reason at `flow_peaks` and `av_align`: frames at 25 fps and 224 pixels, repeated frames, and samples without any
    moment, where it divides by zero.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foundation.extras import load_extra
from metrics.validation import Matrix, numbers, require_samples

DETECTOR_VERSION = 1  # moves when `onset_times` or `flow_peaks` finds others
SAMPLE_RATE = 22_050  # Hz, at which librosa's detector hears
FPS = 25  # frames a second of the reference video
LEAST_FLOW = 0.1  # pixels a frame, on average: a peak below is no movement
_FARNEBACK = {  # of the script
    "pyr_scale": 0.5, "levels": 3, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2, "flags": 0,
}  # fmt: skip


def onset_times(waveform: ArrayLike, sample_rate: int, seconds: float) -> Matrix:
    """Return when sounds start by librosa's detector with its own settings: float64 (k,), in seconds, ascending.

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
        found = librosa.onset.onset_detect(y=sound, sr=SAMPLE_RATE, units="time")
    return np.asarray(found, dtype=np.float64)


def flow_peaks(frames: ArrayLike) -> Matrix:
    """Return when the picture moves most: float64 (k,), in seconds, ascending.

    These are the strict local maxima of the mean magnitude of Farneback's optical flow from one frame to the next, of
    0.1 pixels or more. The first frame, which has no frame before it, has the flow of the second.

    The script reads every file at its own rate and size. Here all are read at 25 fps, so a slower film shows frames
    twice, and the flow of a repeated frame, zero, would make a peak of each neighbour: a frame equal to the one before
    is passed over. A flow in pixels depends on the size, so all are compared at one.

    Args:
        frames: uint8, shape (t, 3, h, w), RGB, at 25 fps, the first one at 0 s; this suite gives a short side of 224.

    Raises:
        ValueError: another shape or dtype.
        foundation.extras.MissingPackage: OpenCV is not installed.
    """
    film = np.asarray(frames)
    if film.ndim != 4 or film.shape[1] != 3 or film.dtype != np.uint8:
        raise ValueError(f"frames: expected uint8, shape (t, 3, h, w), got {film.dtype}, {film.shape}")
    cv2 = load_extra("cv2", "extended", needed_by="AV-Align")
    slots = [slot for slot in range(len(film)) if slot == 0 or not np.array_equal(film[slot], film[slot - 1])]
    grey = [cv2.cvtColor(np.ascontiguousarray(film[slot].transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY) for slot in slots]
    flow = [_mean_flow(cv2, *pair) for pair in pairwise(grey)]
    return np.array([slots[place] / FPS for place in local_maxima([*flow[:1], *flow])], dtype=np.float64)


def _mean_flow(cv2: Any, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Return how far the picture moves from one grey frame to the next, in pixels, averaged over the frame."""
    flow = cv2.calcOpticalFlowFarneback(before, after, None, **_FARNEBACK)
    return float(np.hypot(flow[..., 0], flow[..., 1]).mean(dtype=np.float64))


def local_maxima(curve: Sequence[float]) -> list[int]:
    """Return the places whose value is above both neighbours', and at least `LEAST_FLOW`; never the first or last."""
    return [
        place
        for place in range(1, len(curve) - 1)
        if curve[place - 1] < curve[place] > curve[place + 1] and curve[place] >= LEAST_FLOW
    ]


def av_align(onset_seconds: Sequence[ArrayLike], peak_seconds: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the share of moments that sound and picture have in common, per sample; higher is better.

    An onset and a peak match if they are less than one frame apart (0.04 s), each of them once; every onset in turn
    takes the first peak that is free, which gives the most matches there can be. The score is matches over onsets and
    peaks together, matches counted once. A sample without any onset has 0 where there are peaks, as one
    without peaks where there are onsets; where neither side has a moment there is nothing to compare, and no score.

    Args:
        onset_seconds: n arrays, shape (k,): finite times, ascending, of the sounds.
        peak_seconds: n arrays, shape (m,): of the picture, likewise.

    Returns:
        float64, shape (n,), in [0, 1]; NaN where both sides are empty.

    Raises:
        ValueError: no sample, another number of samples on one side, or times that are not finite and ascending; names
            the first such sample.

    Source:
        TempoTokens (Yariv et al. 2023, arXiv:2309.16429), `av_align.py` @ bf0b1e3: the same number wherever that does
        not divide by zero.

    Examples:
        Two sounds, three movements, one of each together:

        >>> av_align([[0.5, 2.0]], [[0.52, 1.0, 3.0]])
        array([0.25])
    """
    require_samples(len(onset_seconds), "onset_seconds", 1)
    if len(onset_seconds) != len(peak_seconds):
        raise ValueError(f"onset_seconds has {len(onset_seconds)} samples, peak_seconds {len(peak_seconds)}")
    return np.array(
        [
            _overlap(_times(onsets, "onset_seconds", index), _times(peaks, "peak_seconds", index))
            for index, (onsets, peaks) in enumerate(zip(onset_seconds, peak_seconds, strict=True))
        ]
    )


def _times(values: ArrayLike, name: str, index: int) -> Matrix:
    times = numbers(values, f"{name}, sample {index}")
    if times.ndim != 1 or not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise ValueError(f"{name}: sample {index}: expected finite times in ascending order, shape (k,)")
    return times


def _overlap(onsets: Matrix, peaks: Matrix) -> float:
    if not onsets.size and not peaks.size:
        return float("nan")
    free, matches = list(peaks), 0
    for onset in onsets:
        near = next((peak for peak in free if peak - 1 / FPS < onset < peak + 1 / FPS), None)
        if near is not None:
            free.remove(near)
            matches += 1
    return matches / (len(onsets) + len(peaks) - matches)
