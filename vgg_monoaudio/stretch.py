"""The stretch that a clip contributes to a scene, as ffmpeg's filters: the frames and samples that reading it gives.

A clip whose picture and sound both start at time zero, without holes, goes through the filters it always went through;
others are put in their place on the time line first (`foundation.media.timeline`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from foundation import media
from foundation.files import PathLike

Fit = Literal["stretch", "pad", "crop"]

WIDTH, HEIGHT = 1280, 720
FRAMES_PER_SECOND = 25
SAMPLE_RATE = 16_000  # Hz
SECONDS = 8.0

_HALF_A_FRAME = 0.5 / FRAMES_PER_SECOND  # seconds; a last frame rounds up to its slot
# Phones film in full range; players take a scene for the usual limited one.
_SCALED = {"flags": "bicubic+accurate_rnd+bitexact", "out_range": "limited"}


@dataclass(frozen=True)
class Filled:
    """How much of a clip's stretch is not in its file."""

    silence_seconds: float  # without sound
    held_seconds: float  # without picture: the nearest frame stands there


def filled(clip: PathLike, *, start: float = 0.0, duration: float = SECONDS, with_sound: bool = True) -> Filled:
    """Return what `cut` and `compose` fill in where a clip begins late or has a hole.

    Args:
        clip: the file.
        start: seconds on its time line.
        duration: seconds.
        with_sound: whether its sound is looked at too.

    Raises:
        foundation.media.MediaError: a clip that cannot be read, or misses more than may be filled.
    """
    found, start = _survey(clip, with_sound), on_frame_grid(start)
    silent, held = (sum(span.within(start, start + duration) for span in spans) for spans in (found.silent, found.held))
    return Filled(round(silent, 3), round(held, 3))


def _survey(clip: PathLike, with_sound: bool) -> media.Survey:
    return media.survey(clip) if with_sound else media.survey_picture(clip)


def on_frame_grid(seconds: float) -> float:
    """Return the time of the nearest frame at 25 fps, so that picture and sound begin at the same moment."""
    return round(seconds * FRAMES_PER_SECOND) / FRAMES_PER_SECOND


def checked_streams(
    info: media.MediaInfo, path: PathLike, start: float, duration: float, *, with_sound: bool = True
) -> tuple[media.VideoInfo, media.AudioInfo | None]:
    """Return the streams of a clip, and see that there are `duration` seconds of each from `start` on.

    Args:
        info: what the file says of itself.
        path: for messages.
        start: seconds on its time line, on the grid of frames.
        duration: seconds.
        with_sound: whether its sound is wanted; else None stands in its place, whether it has one or not.

    Raises:
        foundation.media.MediaError: without picture, without the sound that is wanted, or too short.
    """
    if info.video is None:
        raise media.MediaError(path, "no video stream")
    if with_sound and info.audio is None:
        raise media.MediaError(path, "no audio stream")
    audio = info.audio if with_sound else None
    for kind, begins, lasts, tolerance in (
        ("", 0.0, info.duration_seconds, _HALF_A_FRAME),
        (" of video", info.video.start_seconds, info.video.duration_seconds, _HALF_A_FRAME),
        *([(" of audio", audio.start_seconds, audio.duration_seconds, 0.5 / SAMPLE_RATE)] if audio else []),
    ):
        there = None if lasts is None else begins + lasts
        if there is not None and there < start + duration - tolerance:
            needed = f"{duration:g} s from {start:g} s on" if start else f"{duration:g} s"
            raise media.MediaError(path, f"too short: {there:.2f} s{kind}, {needed} needed")
    return info.video, audio


class Stretch:
    """What one clip contributes: one input of ffmpeg's filter graph."""

    def __init__(self, path: PathLike, start: float, duration: float, *, with_sound: bool = True) -> None:
        """Look at a clip.

        Args:
            path: the clip.
            start: seconds on its time line; taken to the nearest frame, see `on_frame_grid`.
            duration: seconds.
            with_sound: whether `sound` will be asked for.

        Raises:
            foundation.media.MediaError: a clip that is absent or damaged, without picture or without the sound that is
                wanted, or too short.
        """
        import ffmpeg

        start = on_frame_grid(start)
        video, audio = checked_streams(media.probe(path), path, start, duration, with_sound=with_sound)
        self._survey = _survey(path, with_sound)
        width, height = self._survey.shown_size
        self.even_size = (width // 2 * 2, height // 2 * 2)
        self._start, self._duration, self._audio = start, duration, audio
        # Absolute: ffmpeg takes what stands before a colon in a relative name for a protocol.
        streams = ffmpeg.input(str(Path(path).absolute()), threads=1)
        self._picture, self._streams = streams[str(video.index)], streams

    def picture(self, fit: Fit | None, frames: int) -> Any:
        """Return frames at 25 fps from the start on; at half a scene's size where a fit is given."""
        first = round(self._start * FRAMES_PER_SECOND)
        late = self._survey.picture_start_seconds
        stream = self._picture.filter("setpts", f"PTS-STARTPTS{_later(late)}")
        stream = stream.filter("fps", FRAMES_PER_SECOND, **({"start_time": 0} if late else {}))
        stream = stream.trim(start_frame=first, end_frame=first + frames).filter("setpts", "PTS-STARTPTS")
        if not self._survey.square_pixels:
            stream = stream.filter("scale", *self._survey.shown_size, **_SCALED).filter("setsar", 1)
        return _fitted(stream, fit).filter("setsar", 1)

    def sound(self) -> Any:
        """Return mono 16 kHz sound from the start on; a mean of the channels: ffmpeg's own downmix is 3 dB louder.

        Raises:
            ValueError: the clip was looked at without its sound.
        """
        if self._audio is None:
            raise ValueError("with_sound: expected True where the sound is asked for")
        channels, whole = self._audio.channels, self._streams[str(self._audio.index)]
        mean = "+".join(f"{1 / channels}*c{channel}" for channel in range(channels))
        first, length = round(self._start * SAMPLE_RATE), round(self._duration * SAMPLE_RATE)
        if self._survey.sound_in_step:
            stream = whole.filter("asetpts", "N/SR/TB")
        else:
            stream = whole.filter("asetpts", f"PTS-STARTPTS{_later(self._survey.sound_start_seconds)}")
            stream = stream.filter("aresample", **{"async": 1, "first_pts": 0})
        stream = stream.filter("aformat", sample_fmts="fltp")
        stream = stream.filter("pan", args=f"mono|c0={mean}").filter("aresample", SAMPLE_RATE)
        stream = stream.filter("atrim", start_sample=first, end_sample=first + length)
        return stream.filter("asetpts", "PTS-STARTPTS")


def _later(seconds: float) -> str:
    """Return what setpts adds to the time of a stream that begins later than time zero."""
    return f"+round({seconds!r}/TB)" if seconds else ""


def _fitted(stream: Any, fit: Fit | None) -> Any:
    width, height = WIDTH // 2, HEIGHT
    if fit is None:  # H.264 in 4:2:0 wants even sizes
        return stream.filter("scale", **_SCALED).filter("crop", "trunc(iw/2)*2", "trunc(ih/2)*2", 0, 0)
    if fit == "stretch":
        return stream.filter("scale", width, height, **_SCALED)
    if fit == "pad":
        scaled = stream.filter("scale", width, height, force_original_aspect_ratio="decrease", **_SCALED)
        return scaled.filter("pad", width, height, "(ow-iw)/2", "(oh-ih)/2")
    scaled = stream.filter("scale", width, height, force_original_aspect_ratio="increase", **_SCALED)
    return scaled.filter("crop", width, height)
