"""The plainest wav files, read by the standard library's `wave`: 16-bit PCM behind the shortest header there is."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
from numpy.typing import NDArray

RIFF_HEAD_BYTES = 12


def is_wave(head: bytes) -> bool:
    """Tell whether a file's first `RIFF_HEAD_BYTES` bytes are those of a wav."""
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def parse_plain_wav(content: bytes) -> tuple[NDArray[np.float32], int] | None:
    """Return the samples of a plain wav, float32 (channels, samples), full scale 1, and its rate in Hz.

    Plain: mono or stereo, 16-bit, and byte for byte what `wave` itself would write, so nothing in it can be read in
    two ways. Anything else gives None, and the caller asks ffmpeg, which then judges it.
    """
    again = io.BytesIO()
    try:
        with wave.open(io.BytesIO(content)) as file, wave.open(again, "wb") as copy:
            copy.setparams(file.getparams()._replace(nframes=0))
            data = file.readframes(file.getnframes())
            copy.writeframes(data)
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
    except (wave.Error, EOFError, RuntimeError, struct.error):  # the last two: a chunk too long, a rate too high
        return None
    if width != 2 or channels not in {1, 2} or not data or again.getvalue() != content:
        return None
    samples = np.frombuffer(data, np.dtype("<i2")).reshape(-1, channels).T
    return samples.astype(np.float32) / np.float32(32768), rate
