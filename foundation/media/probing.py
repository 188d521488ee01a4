"""What a container says of itself."""

from __future__ import annotations

from dataclasses import dataclass

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
