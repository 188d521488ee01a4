"""Decoded frames of sound as arrays of float32, whatever their format and however many their channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

# A frame has room for 8 plane pointers, and PyAV finds the end of the planes by the pointer that is null: with 8
# planes or more it reads past them, into memory that is no plane, and the interpreter may die.
_MOST_PLANES = 7
MOST_CHANNELS = 64  # libswresample takes no more


class FloatSamples:
    """Converts the frames of one stream, all of one rate and layout; only the sample format changes."""

    def __init__(self, channels: int) -> None:
        """Choose the format of the way: planes as long as they can be counted, one interleaved plane beyond."""
        import av

        self._channels = channels
        self._planar = channels <= _MOST_PLANES
        self._resampler = av.AudioResampler(format="fltp" if self._planar else "flt")

    def convert(self, frame: av.AudioFrame | None) -> list[NDArray[np.float32]]:
        """Return the samples of a frame, or with None those still held back: float32 (channels, samples) each."""
        parts: list[Any] = [part.to_ndarray() for part in self._resampler.resample(frame)]
        return parts if self._planar else [part.reshape(-1, self._channels).T for part in parts]
