"""What a container says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foundation.files import PathLike
from foundation.media.opening import MediaError, declared_seconds, opened


@dataclass(frozen=True)
class VideoInfo:
    """The first video stream of a file."""

    width: int  # as stored, before a rotation that the file may ask for
    height: int
    frames_per_second: float  # average over the stream
    frames: int  # as the container counts them; 0 where it does not
    codec: str
    pixel_format: str
    duration_seconds: float | None = None  # as declared; None where the container does not say


@dataclass(frozen=True)
class AudioInfo:
    """The first audio stream of a file."""

    sample_rate: int  # Hz
    channels: int
    codec: str
    duration_seconds: float | None  # as declared; None where the container does not say


@dataclass(frozen=True)
class MediaInfo:
    """What a container says of itself, without decoding."""

    duration_seconds: float
    video: VideoInfo | None
    audio: AudioInfo | None


def picture_seconds(path: PathLike, *, at_most: float) -> float:
    """Return how long a file shows its picture, in seconds: from the first frame to the end of the last.

    Its packets are counted, nothing is decoded; the file's sound, or the length that it declares, may be longer.

    Args:
        path: any container with a video stream.
        at_most: how far to count; a longer picture gives this.

    Raises:
        MediaError: the file is absent or no media file, or has no video stream.
    """
    with opened(path) as container:
        stream: Any = container.streams.best("video")
        if stream is None:
            raise MediaError(path, "no video stream")
        usual = 1 / float(stream.average_rate or stream.guessed_rate or 25)
        first: float | None = None
        end = 0.0
        for packet in container.demux(stream):
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is None or packet.is_discard:
                continue
            time = float(stamp * packet.time_base)
            first = time if first is None else min(first, time)
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
        stream: Any = container.streams.best("audio")
        if stream is None:
            raise MediaError(path, "no audio stream")
        context = stream.codec_context
        return bool(context.codec.lossless and context.format is not None and context.format.bytes > 2)


def probe(path: PathLike) -> MediaInfo:
    """Return what a media file says of itself, without decoding it.

    Raises:
        MediaError: the file is absent or no media file, or it has neither an audio nor a video stream.
    """
    with opened(path) as container:
        video = audio = None
        if container.streams.video:
            v = container.streams.video[0]
            rate, seconds = float(v.average_rate or 0), declared_seconds(container, v)
            video = VideoInfo(v.width, v.height, rate, v.frames, v.codec_context.name, str(v.pix_fmt), seconds)
        if container.streams.audio:
            a = container.streams.audio[0]
            audio = AudioInfo(a.rate, a.channels, a.codec_context.name, declared_seconds(container, a))
        if video is None and audio is None:
            raise MediaError(path, "neither an audio nor a video stream")
        return MediaInfo((container.duration or 0) / 1_000_000, video, audio)
