"""The plainest wav files, read without ffmpeg: one format, one stretch of samples, nothing missing, nothing odd."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KINDS: dict[tuple[int, int], np.dtype[Any]] = {
    (1, 16): np.dtype("<i2"),
    (3, 32): np.dtype("<f4"),
}  # format and bits a sample: integer PCM, float
_FORMAT = struct.Struct("<HHIIHH")  # format, channels, Hz, bytes a second, bytes a frame, bits a sample
RIFF_HEAD_BYTES = 12
_READ = frozenset({b"fmt ", b"data"})
_SKIPPED = frozenset({b"LIST", b"PEAK", b"fact"})  # ffmpeg too takes the samples as they lie there, whatever these say


def is_wave(head: bytes) -> bool:
    """Tell whether a file's first `RIFF_HEAD_BYTES` bytes are those of a wav."""
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def parse_plain_wav(content: bytes) -> tuple[NDArray[np.float32], int] | None:
    """Return the samples of a plain wav, float32 (channels, samples), full scale 1, and its rate in Hz.

    Plain: mono or stereo, 16-bit integer or 32-bit float, every length in its header true, each chunk once and none
    but those known here. Anything else gives None, and the caller asks ffmpeg, which then judges it.
    """
    chunks: dict[bytes, memoryview] = {}
    for name, body in _chunks(content):
        if name in chunks or name not in _READ | _SKIPPED:
            return None
        chunks[name] = body
    if list(chunks)[:1] != [b"fmt "] or b"data" not in chunks or len(chunks[b"fmt "]) not in {16, 18}:
        return None
    code, channels, rate, bytes_a_second, bytes_a_frame, bits = _FORMAT.unpack_from(chunks[b"fmt "])
    kind, data = _KINDS.get((code, bits)), chunks[b"data"]
    if kind is None or channels not in {1, 2} or rate == 0 or bytes_a_frame != channels * kind.itemsize:
        return None
    frames, rest = divmod(len(data), bytes_a_frame)
    if rest or not frames or bytes_a_second != rate * bytes_a_frame:
        return None
    samples = np.frombuffer(data, kind).reshape(frames, channels).T
    if kind.kind == "i":
        return samples.astype(np.float32) / np.float32(32768), rate
    return np.ascontiguousarray(samples, dtype=np.float32), rate


def _chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and body of each chunk; the name b"" where the file is no whole RIFF file of wave audio."""
    declared = int.from_bytes(content[4:8], "little") + 8
    if not is_wave(content) or declared != len(content):
        yield b"", memoryview(b"")
        return
    at, view = 12, memoryview(content)
    while at < len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + size
        if end > len(content):
            yield b"", memoryview(b"")
            return
        yield content[at : at + 4], view[at + 8 : end]
        at = end + size % 2  # bodies of odd length are padded
