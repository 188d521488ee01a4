"""Sound that is not at full scale 1: floats that hold the numbers of 16-bit samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Lossy codecs and sums overshoot full scale by a few times at most; 16-bit samples taken for floats reach 32,768.
LOUDEST = 100.0
WHOLE_NUMBERS_FROM = 2.0


def scale_fault(samples: NDArray[Any]) -> str:
    """Return what is wrong with the scale of sound, with its likely cause; "" where nothing is.

    Up to `LOUDEST` times full scale is loud sound, and taken as it is. Beyond it, or when every sample is a whole
    number and some reach `WHOLE_NUMBERS_FROM`, the samples are those of integers that were not divided.

    Args:
        samples: floats of any shape; what is not finite has no scale, and is told where samples are checked.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(peak):
        return ""
    if peak <= LOUDEST and not (peak >= WHOLE_NUMBERS_FROM and bool((samples == np.round(samples)).all())):
        return ""
    return (
        f"its samples reach {peak:,.6g} where full scale is 1; they look like integers that were stored as floats: "
        "divide 16-bit samples by 32768"
    )
