"""Wav files: the plainest are read here, by the standard library's `wave`, and all are seen to be whole.

Plain is 16-bit PCM behind the shortest header there is. Those of 32-bit floats are written here.
"""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from foundation.files import PathLike
from foundation.media.opening import MediaError

RIFF_HEAD_BYTES = 12
_IEEE_FLOAT = 3  # the format code of floats
# Writers that could not go back leave 0, all ones, or, as sox does, nearly 2 GiB.
_STREAMED = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x7FFFF000 + 36})


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


def check_riff_lengths(path: PathLike) -> None:
    """Refuse a wav that was cut: ffmpeg takes what is there, only the headers say how much there was.

    Both count, that of the file and that of its samples: a file may have been mended with the first alone.

    Raises:
        MediaError: the file ends before its header or that of its samples says.
    """
    there = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        head = file.read(RIFF_HEAD_BYTES)
        if head[:4] == b"RIFF":
            declared = int.from_bytes(head[4:8], "little")
            if declared not in _STREAMED and there < declared + 8:
                raise MediaError(path, f"truncated: {there} of {declared + 8} bytes")
        at, wide = RIFF_HEAD_BYTES, 0
        while len(chunk := _at(file, at, 8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"ds64":  # the lengths of a file that is too large for 32 bits
                wide = int.from_bytes(_at(file, at + 16, 8), "little")
            if chunk[:4] == b"data":
                size = wide or size
                if size not in _STREAMED and there < at + 8 + size:
                    raise MediaError(path, f"truncated: {there - at - 8} of {size} bytes of samples")
                return
            at += 8 + size + size % 2


def _at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


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
