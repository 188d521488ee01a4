"""The plainest wav files: 16-bit PCM behind the shortest header there is, read; and 32-bit floats, written."""

from __future__ import annotations

import io
import struct
import wave
from typing import Any

import numpy as np
from numpy.typing import NDArray

RIFF_HEAD_BYTES = 12
_IEEE_FLOAT = 3  # the format code of floats


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


def float_wav(samples: NDArray[Any], sample_rate: int) -> bytes:
    """Return the bytes of a wav of 32-bit floats, mono; the same for the same samples.

    libsndfile would put the time of writing into such a file, in its chunk PEAK.

    Args:
        samples: floats (samples,).
        sample_rate: Hz.
    """
    data = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHHH", _IEEE_FLOAT, 1, sample_rate, 4 * sample_rate, 4, 32, 0)
    chunks = b"".join(
        name + struct.pack("<I", len(content)) + content
        for name, content in ((b"fmt ", form), (b"fact", struct.pack("<I", len(samples))), (b"data", data))
    )
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks
