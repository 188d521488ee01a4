"""From the packets of a file to arrays of float32: what is damaged or endless is refused, never passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation.files import PathLike
from foundation.media.flac import WholeFlac, parse_stream_info
from foundation.media.limits import MOST_EMPTY_PACKETS, check_amount, check_decoder, check_sound
from foundation.media.opening import MediaError
from foundation.media.streams import decodable_packets

if TYPE_CHECKING:
    import av

# A frame has room for 8 plane pointers, and PyAV finds the end of the planes by the pointer that is null: with 8
# planes or more it reads past them, into memory that is no plane, and the interpreter may die.
_MOST_PLANES = 7

# Codecs whose blocks carry a checksum, which their decoders compare only when told to.
_WITH_CHECKSUMS = frozenset({"flac", "wavpack", "tta", "mlp", "truehd"})


def sound_frames(path: PathLike, container: Any, stream: Any) -> Iterator[av.AudioFrame]:
    """Yield the decoded frames of a stream of sound.

    Raises:
        MediaError: no decoder, a rate or a number of channels that is not read, sound that is damaged or goes on too
            long, or packets without sound one after the other.
    """
    check_decoder(path, stream, "sound")
    codec = stream.codec_context
    if stream.rate and stream.channels:  # some containers leave them to the first frame
        check_sound(path, stream.rate, stream.channels)
    if codec.name in _WITH_CHECKSUMS:
        codec.options = {"err_detect": "crccheck+explode"}
    whole = _whole_flac(path, container, stream)
    seconds, values, empty = 0.0, 0, 0
    for packet in decodable_packets(container, stream):
        frames = _frames(path, packet, seconds)
        for frame in frames:
            if not values:
                check_sound(path, frame.sample_rate, frame.layout.nb_channels)
            seconds += frame.samples / frame.sample_rate
            values += frame.samples * frame.layout.nb_channels
            check_amount(path, values)
            if whole:
                whole.frame(frame)
            yield frame
        found = sum(frame.samples for frame in frames)
        if whole:
            whole.packet(bytes(packet), found)
        empty = 0 if found else empty + 1
        if empty > MOST_EMPTY_PACKETS:
            raise MediaError(path, f"no sound in {empty} packets one after the other")
    if whole:
        whole.finish()


def _frames(path: PathLike, packet: Any, seconds: float) -> list[Any]:
    """Return what a packet holds, or say at what second the sound is damaged."""
    import av

    codec = packet.stream.codec_context.name
    # A short last packet of PCM is sound like any other; whether it is all there, the container's length says.
    if packet.is_corrupt and not codec.startswith("pcm_"):
        raise MediaError(
            path, f"truncated: its {codec} sound breaks off inside a packet, {seconds:.2f} s from the start"
        )
    try:
        return list(packet.decode())
    except av.error.FFmpegError as error:
        check_sound(path, packet.stream.rate, packet.stream.channels)  # says more than "invalid argument"
        reason = f"damaged: its {codec} sound cannot be decoded {seconds:.2f} s from the start ({error.strerror})"
        raise MediaError(path, reason) from error


def _whole_flac(path: PathLike, container: Any, stream: Any) -> WholeFlac | None:
    """Return the watch over FLAC, in whatever container."""
    if stream.codec_context.name != "flac":
        return None
    if container.format.name != "flac":
        return WholeFlac(path, None)
    info = parse_stream_info(stream.codec_context.extradata or b"")
    return None if info is None else WholeFlac(path, info)


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
