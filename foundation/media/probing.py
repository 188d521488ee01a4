"""What a container says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from foundation.files import PathLike
from foundation.media.display import pixel_aspect
from foundation.media.limits import check_decoder, check_picture, check_sound
from foundation.media.opening import MediaError, declared_seconds, opened
from foundation.media.streams import played_picture, played_sound
from foundation.media.timeline import declared_start, time_zero


@dataclass(frozen=True)
class VideoInfo:
    """The video stream of a file that is played."""

    width: int  # as stored, before a rotation that the file may ask for
    height: int
    frames_per_second: float  # average over the stream
    frames: int  # as the container counts them; 0 where it does not
    codec: str
    pixel_format: str
    duration_seconds: float | None = None  # as declared; None where the container does not say
    start_seconds: float = 0.0  # on the file's time line, as declared
    pixel_aspect: float = 1.0  # width of a pixel over its height
    index: int = field(default=0, compare=False)  # among all streams of the file


@dataclass(frozen=True)
class AudioInfo:
    """The audio stream of a file that is played."""

    sample_rate: int  # Hz
    channels: int
    codec: str
    duration_seconds: float | None  # as declared; None where the container does not say
    start_seconds: float = 0.0  # on the file's time line, as declared
    index: int = field(default=1, compare=False)  # among all streams of the file


@dataclass(frozen=True)
class MediaInfo:
    """What a container says of itself, without decoding."""

    duration_seconds: float
    video: VideoInfo | None
    audio: AudioInfo | None


def picture_seconds(path: PathLike, *, at_most: float) -> float:
    """Return how long a file shows its picture, in seconds: from time zero to the end of the last frame.

    Its packets are counted, nothing is decoded; the file's sound, or the length that it declares, may be longer.

    Args:
        path: any container with a video stream.
        at_most: how far to count; a longer picture gives this.

    Raises:
        MediaError: the file is absent or no media file, or has no video stream.
    """
    with opened(path) as container:
        stream = played_picture(container)
        if stream is None:
            raise MediaError(path, "no video stream")
        usual = 1 / float(stream.average_rate or stream.guessed_rate or 25)
        zero = time_zero(container)
        first = None if zero is None else float(zero)
        end = first or 0.0
        for packet in container.demux(stream):
            stamp = packet.dts if packet.pts is None else packet.pts
            if packet.is_discard or not packet.size:  # the last: the demuxer's empty one
                continue
            time = end if stamp is None else float(stamp * packet.time_base)  # without stamps one follows the other
            first = time if first is None else first
            end = max(end, time + (float(packet.duration * packet.time_base) if packet.duration else usual))
            if packet.dts is not None and float(packet.dts * packet.time_base) - first >= at_most:
                break  # what comes later is shown later
        return 0.0 if first is None else min(at_most, end - first)


def keeps_more_than_16_bits(path: PathLike) -> bool:
    """Tell whether a file's sound is stored without loss and finer than 16-bit PCM: 24 or 32 bits, or floats.

    Raises:
        MediaError: the file is absent or no media file, or has no audio stream.
    """
    with opened(path) as container:
        stream = played_sound(container)
        if stream is None:
            raise MediaError(path, "no audio stream")
        check_decoder(path, stream, "sound")
        context = stream.codec_context
        return bool(context.codec.lossless and context.format is not None and context.format.bytes > 2)


def probe(path: PathLike) -> MediaInfo:
    """Return what a media file says of itself, without decoding it.

    Raises:
        MediaError: the file is absent or no media file, it has neither an audio nor a video stream, or one that is
            not read: no decoder, or a size, a rate or a number of channels beyond `limits`.
    """
    with opened(path) as container:
        picture, sound = played_picture(container), played_sound(container)
        if picture is None and sound is None:
            raise MediaError(path, "neither an audio nor a video stream")
        video = None if picture is None else _video(path, container, picture)
        audio = None if sound is None else _audio(path, container, sound)
        return MediaInfo((container.duration or 0) / 1_000_000, video, audio)


def _video(path: PathLike, container: Any, stream: Any) -> VideoInfo:
    check_decoder(path, stream, "picture")
    check_picture(path, stream.width, stream.height)
    return VideoInfo(
        width=stream.width,
        height=stream.height,
        frames_per_second=float(stream.average_rate or 0),
        frames=stream.frames,
        codec=stream.codec_context.name,
        pixel_format=str(stream.pix_fmt),
        duration_seconds=declared_seconds(container, stream),
        start_seconds=_start(container, stream),
        pixel_aspect=float(pixel_aspect(stream)),
        index=stream.index,
    )


def _audio(path: PathLike, container: Any, stream: Any) -> AudioInfo:
    check_decoder(path, stream, "sound")
    check_sound(path, stream.rate, stream.channels)
    return AudioInfo(
        sample_rate=stream.rate,
        channels=stream.channels,
        codec=stream.codec_context.name,
        duration_seconds=declared_seconds(container, stream),
        start_seconds=_start(container, stream),
        index=stream.index,
    )


def _start(container: Any, stream: Any) -> float:
    start, zero = declared_start(stream), time_zero(container)
    return 0.0 if start is None or zero is None else float(start - zero)
