"""Judged selectivity: what a learned judge of separations says of each answer.

A judge is given the scene's sound, the answer and the prompt, and says three numbers: is all there that the prompt
names, is nothing else there, does it sound as it does in the scene. It was trained on separations; a generated sound
is made, not taken out of the mixture, so what it says of one is an extrapolation.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.validation import numbers, require_samples


def judged(opinions: ArrayLike) -> NDArray[np.float64]:
    """Return one of the judge's numbers for each sample, about 1 to 5; higher is better.

    The number is the judge's own: there is nothing to compute, and much to refuse.

    Args:
        opinions: shape (n,): one number per sample; NaN where the judge failed, which is no opinion.

    Returns:
        float64, shape (n,); NaN where there is no opinion.

    Raises:
        ValueError: another shape, no sample, or a number that is infinite; names the first such sample.

    Source:
        SAM-Audio Judge (facebookresearch/sam-audio @ 68b48d4: sam_audio/model/judge.py), whose output this is.

    Examples:
        >>> judged([4.5, float("nan"), 1.25])
        array([4.5 ,  nan, 1.25])
    """
    found = numbers(opinions, "opinions")
    if found.ndim != 1:
        raise ValueError(f"opinions: expected shape (n,), one value per sample, got {found.shape}")
    require_samples(len(found), "opinions", 1)
    infinite = np.isinf(found)
    if infinite.any():
        place = int(infinite.argmax())
        raise ValueError(f"opinions: sample {place} of {len(found)} is {found[place]:g}, expected a finite number")
    return found
