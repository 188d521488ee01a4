"""The one time line that picture and sound of a file share.

Time zero of a file is where the earlier of its two played streams begins, which is what players and `ffmpeg -i FILE`
make of it. Each stream starts where its time stamps say.

    Sound. Silence up to its first sample, exact to the sample. Later on, where the stamps leave the running count of
    samples by more than 0.1 s, the hole is filled with silence, or the samples that overlap are dropped; less is
    jitter and changes nothing (libswresample's `aresample=async=1:first_pts=0`).
    Picture. The first frame stands from time zero on, and every frame until the next one (the fps filter with
    `start_time=0`). Frames come in the order that the decoder shows them; where a container keeps no times of
    presentation (AVI, raw H.264) or wrong ones, they follow those of decoding, or one another by their durations.
    Limit. What is missing for more than 1 s, at the start or in a hole, is not invented: the file is refused. A frame
    whose own duration covers the time to the next leaves no hole.

A file whose streams both start at zero, without holes, gives the samples and frames that it always gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation.files import PathLike
from foundation.media.limits import check_amount
from foundation.media.opening import MediaError
from foundation.media.streams import played_picture, played_sound

if TYPE_CHECKING:
    import av

FRAME_RULE = "shared-clock"
"""The name of this rule in records; one without a name was made when each stream was moved to zero by itself."""

MISSING_LIMIT_SECONDS = 1.0
_JITTER_SECONDS = Fraction(1, 10)  # libswresample's min_hard_comp
_ALIKE_SECONDS = Fraction(1, 1000)  # its min_comp: a start as near as this is none


@dataclass(frozen=True)
class Span:
    """A stretch of the time line, seconds from time zero."""

    start: float
    end: float

    def within(self, start: float, end: float) -> float:
        """Return how many seconds of it lie in another stretch."""
        return max(0.0, min(self.end, end) - max(self.start, start))


def time_zero(container: av.container.InputContainer) -> Fraction | None:
    """Return where the earlier of the two played streams begins, in the container's own seconds.

    It is 0 where neither says when it begins: time stamps then stand for themselves, as they do for ffmpeg. None in a
    format without time stamps (raw MPEG-2): what is made up in their place counts from the first frame.
    """
    starts = [declared_start(stream) for stream in (played_picture(container), played_sound(container))]
    from av.format import Flags

    made_up = container.format.flags & Flags.no_timestamps.value  # type: ignore[operator]  # both are int
    without = None if made_up else Fraction(0)
    return min((start for start in starts if start is not None), default=without)


def declared_start(stream: Any) -> Fraction | None:
    """Return where a stream begins, in the container's own seconds; None for no stream, or one that does not say."""
    if stream is None or stream.start_time is None or stream.time_base is None:
        return None
    return Fraction(stream.start_time * stream.time_base)


def ticks(seconds: Fraction, time_base: Fraction) -> int:
    """Return a time in whole units of a stream's time base, rounded half away from zero as ffmpeg rounds times."""
    value = seconds / time_base
    size = int(abs(value) + Fraction(1, 2))
    return size if value >= 0 else -size


class PictureClock:
    """Gives the decoded frames of one stream their times.

    Attributes:
        start: of the first frame, seconds from time zero; None before it came.
        held: where the picture is missing and the nearest frame stands in for it.
    """

    def __init__(self, path: PathLike, zero: Fraction | None) -> None:
        self._path, self._zero = path, zero
        self._pts: int | None = None  # the last stamps seen, of presentation and of decoding
        self._dts: int | None = None
        self._pts_went_back = self._dts_went_back = 0
        self._stamp: int | None = None  # of the last frame, in ticks
        self._lasts = 0  # its duration in ticks
        self._from = Fraction(0)  # when the last frame appears
        self._end: Fraction | None = None
        self.start: Fraction | None = None
        self.held: list[Span] = []

    def times(self, frame: Any) -> tuple[Fraction, Fraction]:
        """Return when the next frame appears and until when it lasts, seconds from time zero.

        Raises:
            MediaError: the picture begins later than may be filled, or is missing for longer before this frame.
        """
        tick: Fraction = frame.time_base
        stamp = self._next_stamp(frame)
        if self._zero is None:
            self._zero = stamp * tick
        self._lasts = self._duration(frame, stamp)
        self._stamp = stamp
        start = (stamp - ticks(self._zero, tick)) * tick
        if self.start is None:
            self.start = start
            _check_start(self._path, "picture", start)
            self._note(Fraction(0), start, at_least=Fraction(0))
        elif self._end is not None:
            _check_hole(self._path, "picture", self._end, start)
            _check_return(self._path, "picture", self._from, start)
            self._note(self._end, start, at_least=_JITTER_SECONDS)
        self._from, self._end = start, start + self._lasts * tick
        return start, self._end

    def _note(self, end: Fraction, start: Fraction, *, at_least: Fraction) -> None:
        if start - end > at_least:
            self.held.append(Span(float(end), float(start)))

    def _next_stamp(self, frame: Any) -> int:
        """Return the presentation time: of the container's two kinds of stamps, the one that went back less often."""
        pts, dts = frame.pts, frame.dts
        if dts is not None:
            self._dts_went_back += self._dts is not None and dts <= self._dts
        if pts is not None:
            self._pts_went_back += self._pts is not None and pts <= self._pts
        self._dts, self._pts = (pts if dts is None else dts), (dts if pts is None else pts)
        if pts is not None and (dts is None or self._pts_went_back <= self._dts_went_back):
            return int(pts)
        if dts is not None:
            return int(dts)
        if self._stamp is None:  # as ffmpeg has it, the first one without a time stands at time zero
            return ticks(self._zero or Fraction(0), frame.time_base)
        return self._stamp + self._lasts

    def _duration(self, frame: Any, stamp: int) -> int:
        """Return for how many ticks a frame is shown; ffmpeg makes up 1 tick where a container does not say."""
        step = 0 if self._stamp is None else stamp - self._stamp
        given = int(frame.duration or 0)
        made_up = given == 1 and step > 2
        return given if given > 0 and not made_up else max(step, given, self._lasts)


class SoundClock:
    """Puts the decoded samples of one stream where their time stamps say.

    Attributes:
        rate: Hz.
        start: of the first sample, in samples from time zero; None before it came.
        silent: what was filled with silence.
        dropped: samples that were left out, since others stand in their place already.
    """

    def __init__(self, path: PathLike, zero: Fraction | None, rate: int) -> None:
        self._path, self._zero, self.rate = path, zero, rate
        self._count = 0  # samples handed on
        self._surplus = 0  # samples still to be dropped
        self.start: int | None = None
        self.silent: list[Span] = []
        self.dropped = 0

    def placed(self, samples: NDArray[np.float32], pts: int | None, tick: Fraction | None) -> list[NDArray[np.float32]]:
        """Return what the next samples add to the sound: silence before them where it is missing, then themselves.

        Args:
            samples: (channels, samples).
            pts: their time stamp; None where the container has none, then they follow those before.
            tick: the stamp's unit, seconds.

        Raises:
            MediaError: the sound begins later than may be filled, is missing for longer, goes back by more, or becomes
                too long.
        """
        added = [] if pts is None or tick is None else self._jump_to(pts, tick, len(samples))
        if self.start is None:
            self.start = self._count
        dropped = min(self._surplus, samples.shape[1])
        self._surplus -= dropped
        self.dropped += dropped
        self._count += samples.shape[1] - dropped
        return [*added, samples[:, dropped:] if dropped else samples]

    def _jump_to(self, pts: int, tick: Fraction, channels: int) -> list[NDArray[np.float32]]:
        if self._zero is None:
            self._zero = pts * tick
        position = ticks((pts - ticks(self._zero, tick)) * tick, Fraction(1, self.rate))
        expected = self._count - self._surplus
        gap = position - expected
        if abs(gap) <= self.rate * (_ALIKE_SECONDS if self.start is None else _JITTER_SECONDS):
            return []
        self._check(expected, position)
        check_amount(self._path, (self._count + max(0, gap)) * channels)
        silence = max(0, gap - self._surplus)
        self._surplus = max(0, self._surplus - gap)
        if not silence:
            return []
        self.silent.append(Span(self._count / self.rate, (self._count + silence) / self.rate))
        self._count += silence
        return [np.zeros((channels, silence), np.float32)]

    def _check(self, expected: int, position: int) -> None:
        if self.start is None:
            _check_start(self._path, "sound", Fraction(position, self.rate))
        else:
            _check_hole(self._path, "sound", Fraction(expected, self.rate), Fraction(position, self.rate))
        _check_return(self._path, "sound", Fraction(expected, self.rate), Fraction(position, self.rate))


_FILLING = {"picture": "the nearest frame", "sound": "silence"}


def _check_start(path: PathLike, kind: str, start: Fraction) -> None:
    """Refuse a stream that begins later than may be filled."""
    if start > MISSING_LIMIT_SECONDS:
        late = f"its {kind} begins {float(start):.2f} s into the file"
        raise MediaError(path, f"{late}; at most {MISSING_LIMIT_SECONDS:g} s is filled with {_FILLING[kind]}")


def _check_hole(path: PathLike, kind: str, start: Fraction, end: Fraction) -> None:
    """Refuse a stream that is missing in its middle for longer than may be filled."""
    if end - start > MISSING_LIMIT_SECONDS:
        place = f"from {float(start):.2f} s to {float(end):.2f} s its {kind} is missing ({float(end - start):.2f} s)"
        raise MediaError(path, f"{place}; at most {MISSING_LIMIT_SECONDS:g} s is filled with {_FILLING[kind]}")


def _check_return(path: PathLike, kind: str, there: Fraction, back_to: Fraction) -> None:
    """Refuse a stream whose time stamps go back, as those of two films that were joined byte by byte do."""
    if there - back_to > MISSING_LIMIT_SECONDS:
        reason = (
            f"the time stamps of its {kind} go back by {float(there - back_to):.2f} s at {float(there):.2f} s; at most"
        )
        raise MediaError(path, f"{reason} {MISSING_LIMIT_SECONDS:g} s may overlap")
