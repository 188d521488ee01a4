"""What a FLAC file says of its own samples: a check on each block, and how many samples there are with their MD5.

ffmpeg passes over a block with a wrong checksum and over one that is not there; so the decoder is told to look, and
the rest is looked at here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from foundation.files import PathLike
from foundation.media.opening import MediaError

_STREAMINFO_BYTES = 34
_RATE_AND_LENGTH = slice(10, 18)  # 20 bits of rate, 3 of channels, 5 of bits a sample, 36 of samples a channel
_MD5 = slice(18, 34)
_SYNC, _NUMBERED_BY_BLOCK = 0xFFF8, 0xFFF8  # 15 bits of sync; the 16th tells what the number counts


@dataclass(frozen=True)
class StreamInfo:
    """The first block of metadata."""

    bits: int  # a sample
    samples: int  # a channel; 0 where the writer did not know
    md5: bytes  # of the samples, interleaved, little-endian; zeros where the writer did not know


def parse_stream_info(content: bytes) -> StreamInfo | None:
    """Return what the 34 bytes of a STREAMINFO block say, None where they are not 34.

    Source:
        RFC 9639, section 8.2.
    """
    if len(content) != _STREAMINFO_BYTES:
        return None
    packed = int.from_bytes(content[_RATE_AND_LENGTH], "big")
    return StreamInfo(bits=(packed >> 36 & 31) + 1, samples=packed & (1 << 36) - 1, md5=content[_MD5])


class WholeFlac:
    """Watches the blocks and the samples of one stream go by, and says at the end what does not fit."""

    def __init__(self, path: PathLike, info: StreamInfo | None) -> None:
        """Begin with nothing seen.

        Args:
            path: of the file.
            info: what the .flac file says of its samples; None in other containers, where a stream may be a part of the
                one that its first block speaks of, or several joined, so that only blocks that are missing can be told.
        """
        self._path, self._info = path, info
        self._digest = hashlib.md5(usedforsecurity=False)
        self._seen = 0
        self._next: int | None = None  # the number that the next block must carry

    def packet(self, content: bytes, samples: int) -> None:
        """Take the next block as stored, and how many samples a channel came out of it.

        Raises:
            MediaError: its number does not follow that of the block before.
        """
        number = block_number(content)
        if number is None:
            return
        joined = self._info is None and self._next is not None and number < self._next
        if self._next is not None and number != self._next and not joined:
            raise MediaError(self._path, f"damaged: FLAC block {self._next} is missing, {number} follows")
        by_block = int.from_bytes(content[:2], "big") == _NUMBERED_BY_BLOCK
        self._next = number + (1 if by_block else samples)

    def frame(self, frame: Any) -> None:
        """Take the next decoded frame, an `av.AudioFrame`."""
        if self._info is None:
            return
        self._seen += frame.samples
        values = frame.to_ndarray()
        values = values.T if frame.format.is_planar else values
        spare = values.itemsize * 8 - self._info.bits  # ffmpeg moves a sample to the top of its word
        stored = np.ascontiguousarray(values.reshape(-1, 1) >> spare)
        width = (self._info.bits + 7) // 8
        self._digest.update(stored.view(np.uint8)[:, :width].tobytes() if width < values.itemsize else stored.data)

    def finish(self) -> None:
        """Compare all that went by with what the file's first block says of it.

        Raises:
            MediaError: another number of samples, or another MD5.
        """
        if self._info is None:
            return
        if self._info.samples and self._seen != self._info.samples:
            raise MediaError(self._path, f"damaged: {self._seen} of the {self._info.samples} samples that it declares")
        if any(self._info.md5) and self._digest.digest() != self._info.md5:
            raise MediaError(self._path, "damaged: its samples do not have the MD5 checksum that it declares")


def block_number(content: bytes) -> int | None:
    """Return the number in the header of a block, of the block or of its first sample; None where there is no header.

    Source:
        RFC 9639, section 9.1.5: written as UTF-8 writes a character, in up to seven bytes.
    """
    if len(content) < 5 or int.from_bytes(content[:2], "big") & 0xFFFE != _SYNC:
        return None
    first = content[4]
    ones = 8 - (first ^ 0xFF).bit_length()
    if ones == 0:
        return first
    if ones in {1, 8} or len(content) < 4 + ones:
        return None
    number = first & (0x7F >> ones)
    for byte in content[5 : 4 + ones]:
        if byte >> 6 != 0b10:
            return None
        number = number << 6 | byte & 0x3F
    return number
