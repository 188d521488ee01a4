"""Where picture and sound of a file really begin, what is missing in between, and at what size it is shown.

A container's own word (`probe`) does not always hold, so this reads the file: the sound is decoded, of the picture the
first frame, of the others the time stamps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from foundation.files import PathLike, once_a_file
from foundation.media.display import display_matrix, display_size, pixel_aspect
from foundation.media.limits import check_decoder
from foundation.media.opening import MediaError, opened
from foundation.media.sound import read_audio_native
from foundation.media.streams import decodable_packets, played_picture
from foundation.media.timeline import PictureClock, Span, time_zero


@dataclass(frozen=True)
class Survey:
    """What a file plays, on its time line; of the picture alone nothing is said of the sound."""

    picture_start_seconds: float  # of the first frame that is shown
    shown_size: tuple[int, int]  # (width, height) with square pixels, turned as the file asks
    square_pixels: bool  # whether the pixels are stored so
    held: tuple[Span, ...]  # where the picture is missing and the nearest frame stands in for it
    silent: tuple[Span, ...]  # where the sound is missing and silence stands in for it
    dropped_seconds: float  # of samples that claimed a place already taken

    @property
    def sound_start_seconds(self) -> float:
        """Where the first sample stands."""
        return self.silent[0].end if self.silent and self.silent[0].start == 0 else 0.0

    @property
    def sound_in_step(self) -> bool:
        """Whether the samples follow one another from time zero on, without hole or overlap."""
        return not self.silent and not self.dropped_seconds


@dataclass(frozen=True)
class _Stamps:
    """A packet's times, in the place of a frame that is not decoded."""

    pts: int
    duration: int
    time_base: Fraction
    dts: None = None


@once_a_file
def survey(path: PathLike) -> Survey:
    """Read a file that has picture and sound; once per process, as long as the file stays as it is.

    Raises:
        MediaError: absent, damaged or truncated file, no picture, no sound, or one of them is missing for longer than
            may be filled.
    """
    picture, audio = survey_picture(path), read_audio_native(path)
    return replace(picture, silent=audio.silent, dropped_seconds=audio.dropped_seconds)


@once_a_file
def survey_picture(path: PathLike) -> Survey:
    """Read a file that has picture, whatever it sounds like; likewise once per process.

    Raises:
        MediaError: absent, damaged or truncated file, no picture, or one that is missing for longer than may be filled.
    """
    with opened(path) as container:
        stream = played_picture(container)
        if stream is None:
            raise MediaError(path, "no video stream")
        check_decoder(path, stream, "picture")
        stream.thread_type = "NONE"  # one frame is decoded
        first, stamps = _first_frame_and_stamps(container, stream)
        if first is None:
            raise MediaError(path, "the video stream holds no frames")
        zero, aspect = time_zero(container), pixel_aspect(stream)
        start, _ = PictureClock(path, zero).times(first)
        size = display_size(path, first.width, first.height, aspect, display_matrix(path, first))
    between = PictureClock(path, zero)
    for packet in sorted(stamps, key=lambda packet: packet.pts):
        between.times(packet)
    held = ([Span(0.0, float(start))] if start > 0 else []) + [
        span for span in between.held if span.start and span.start >= start
    ]
    return Survey(float(start), size, aspect == 1, tuple(held), silent=(), dropped_seconds=0.0)


def shown_size(path: PathLike) -> tuple[int, int]:
    """Return (width, height) at which a picture is shown: with square pixels, turned as the file asks.

    Raises:
        MediaError: absent or damaged file, no video stream, or one without frames.
    """
    with opened(path) as container:
        stream = played_picture(container)
        if stream is None:
            raise MediaError(path, "no video stream")
        check_decoder(path, stream, "picture")
        stream.thread_type = "NONE"  # one frame is decoded
        first = next(iter(container.decode(stream)), None)
        if first is None:
            raise MediaError(path, "the video stream holds no frames")
        return display_size(path, first.width, first.height, pixel_aspect(stream), display_matrix(path, first))


def _first_frame_and_stamps(container: Any, stream: Any) -> tuple[Any, list[_Stamps]]:
    first, stamps = None, []
    for packet in decodable_packets(container, stream):
        if first is None:
            first = next(iter(packet.decode()), None)
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is not None and packet.size and not packet.is_discard:
            stamps.append(_Stamps(stamp, packet.duration or 0, stream.time_base))
    return first, stamps
