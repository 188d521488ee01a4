"""Decoding pictures: which frame of the file stands in which slot of the rate asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation.files import PathLike
from foundation.media.display import display_matrix, display_size, is_turned, pixel_aspect, upright
from foundation.media.limits import check_decoder, check_kept_frames, check_picture
from foundation.media.opening import MediaError, check_whole, declared_seconds, opened
from foundation.media.streams import decodable_packets, played_picture
from foundation.media.timeline import PictureClock, time_zero

if TYPE_CHECKING:
    import av


@dataclass(frozen=True)
class FrameRequest:
    """One stream of frames wanted from a decode pass.

    Attributes:
        fps: frames per second.
        size: (height, width) to scale each frame to with swscale's bicubic filter; None keeps the size at which the
            file is shown, with square pixels.
        transform: applied to each chosen frame, uint8 (height, width, 3) RGB, while decoding, so that full-size
            frames need not be kept; its results are stacked.
        repeat_last: how many frames of this stream may be missing at the end, see `read_video_streams`.
    """

    fps: float
    size: tuple[int, int] | None = None
    transform: Callable[[NDArray[np.uint8]], NDArray[Any]] | None = field(default=None, compare=False)
    repeat_last: int = 0


def read_video(
    path: PathLike,
    *,
    fps: float,
    seconds: float | None = None,
    start_seconds: float = 0.0,
    size: tuple[int, int] | None = None,
    repeat_last: int = 0,
) -> NDArray[np.uint8]:
    """Return RGB frames at the rate asked for, uint8 (frames, 3, height, width); see `read_video_streams`."""
    wanted = [FrameRequest(fps=fps, size=size)]
    (frames,) = read_video_streams(path, wanted, seconds=seconds, start_seconds=start_seconds, repeat_last=repeat_last)
    return frames


def read_video_streams(
    path: PathLike,
    wanted: Sequence[FrameRequest],
    *,
    seconds: float | None = None,
    start_seconds: float = 0.0,
    repeat_last: int = 0,
) -> list[NDArray[Any]]:
    """Return several streams of frames (rates, sizes, transforms) from one decode pass.

    Args:
        path: any container with a video stream; of several the one that is played, see `streams`.
        wanted: the streams asked for.
        seconds: length; exactly floor(seconds x fps) frames are returned. None takes all there is.
        start_seconds: where on the file's time line to begin, see `timeline`.
        repeat_last: how many missing frames at the end may be filled by repeating the last one (SELVA's reader
            allows 3), in every stream, or in those whose request allows more; more is an error.

    Returns:
        One array a request: uint8 (frames, 3, height, width), or the stacked results of its transform. A picture
        that the file says to turn or mirror (phones do) is turned, and pixels that are not square are made so.

    Raises:
        ValueError: a rate that is not above 0, or a start or a length below 0.
        MediaError: absent, damaged or truncated file, no video stream, fewer frames than asked for, or a picture that
            is missing for longer than may be filled.
    """
    slots = [_Slots(path, request, seconds, start_seconds) for request in wanted]
    # Threads decode ahead; for a frame or two that costs more than it saves.
    threads = not all(slot.first_frames_only for slot in slots)
    if not _filled(path, slots, repeat_last, threads=threads):
        slots = [_Slots(path, request, seconds, start_seconds) for request in wanted]
        _filled(path, slots, repeat_last, threads=False)
    return [slot.stacked() for slot in slots]


def _filled(path: PathLike, slots: Sequence[_Slots], repeat_last: int, *, threads: bool) -> bool:
    """Fill the slots from one decode pass; False where threads may have kept an error to themselves.

    What goes wrong in the last packets, when the decoder is emptied, is not said by ffmpeg's threads: a frame is
    missing, or all from there on. Fewer frames than packets are no proof (some codecs have packets without a frame),
    so the file is then decoded once more, on one thread.
    """
    with opened(path) as container:
        stream = played_picture(container)
        if stream is None:
            raise MediaError(path, "no video stream")
        check_decoder(path, stream, "picture")
        for slot in slots:
            slot.pixel_aspect = pixel_aspect(stream)
        stream.thread_type = "AUTO" if threads else "NONE"
        clock, end = PictureClock(path, time_zero(container)), Fraction(0)
        missing: list[int] = []
        for frame in _decoded(container, stream, missing):
            check_picture(path, frame.width, frame.height)
            time, end = clock.times(frame)
            filled = [slot.offer(frame, time) for slot in slots]  # each must see every frame
            if all(filled):
                break
        else:
            if threads and missing[0] > 0:
                return False
            check_whole(path, "video", float(end - (clock.start or 0)), declared_seconds(container, stream))
        for slot in slots:
            slot.finish(end, repeat_last)
    return True


def _decoded(container: Any, stream: Any, missing: list[int]) -> Iterator[Any]:
    """Yield every frame of a stream; at the end `missing` holds by how many packets outnumber them."""
    count = frames = 0
    for packet in decodable_packets(container, stream):
        count += packet.size > 0 and not packet.is_discard
        for frame in packet.decode():
            frames += 1
            yield frame
    missing.append(count - frames)


class _Slots:
    """Fills the slots of one request as frames pass by; a frame stays pending until the next one claims a slot."""

    def __init__(self, path: PathLike, request: FrameRequest, seconds: float | None, start_seconds: float) -> None:
        if not request.fps > 0:
            raise ValueError(f"fps: expected frames per second above 0, got {request.fps}")
        if start_seconds < 0 or (seconds is not None and seconds < 0):
            raise ValueError(f"expected seconds from 0 on, got start_seconds={start_seconds}, seconds={seconds}")
        from av.video.reformatter import VideoReformatter

        self._path, self._request, self._size = path, request, request.size
        self._scaler = VideoReformatter()  # one for all frames: making it costs more than its work
        self.pixel_aspect = Fraction(1)
        self._fps = Fraction(request.fps).limit_denominator(1_000_001)
        self._first_slot = round(start_seconds * request.fps)
        self._last_slot = None if seconds is None else self._first_slot + int(round(seconds * request.fps, 6))
        self._slot = 0  # next slot to be filled, counted from the start of the file
        self._pending: av.VideoFrame | None = None
        self._frames: list[NDArray[Any]] = []

    @property
    def first_frames_only(self) -> bool:
        """Whether nothing after the second frame is wanted."""
        return self._last_slot is not None and self._last_slot <= 2

    def offer(self, frame: av.VideoFrame, time: Fraction) -> bool:
        """Take the next frame; True when every slot is filled. The first one also stands before its own time."""
        if self._pending is not None:
            self._fill_until(_round_half_up(time * self._fps))
        self._pending = frame
        return self._last_slot is not None and self._slot >= self._last_slot

    def _fill_until(self, slot: int) -> None:
        stop = slot if self._last_slot is None else min(slot, self._last_slot)
        count = stop - max(self._slot, self._first_slot)
        if count > 0 and self._pending is not None:
            picture = self._converted(self._pending)
            check_kept_frames(self._path, len(self._frames) + count, picture.nbytes)
            self._frames += [picture] * count
        self._slot = max(self._slot, stop)

    def _converted(self, frame: av.VideoFrame) -> NDArray[Any]:
        matrix = display_matrix(self._path, frame)
        if self._size is None:  # a picture that changes its size later is scaled to the one it began with
            self._size = display_size(self._path, frame.width, frame.height, self.pixel_aspect, matrix)[::-1]
        height, width = self._size[::-1] if is_turned(matrix) else self._size
        # One thread, because files are read side by side.
        shown = self._scaler.reformat(frame, width, height, "rgb24", interpolation="BICUBIC", threads=1)
        rgb: NDArray[np.uint8] = shown.to_ndarray()  # type: ignore[assignment]  # rgb24 is 8 bit
        rgb = upright(rgb, matrix)
        return rgb if self._request.transform is None else self._request.transform(rgb)

    def finish(self, end: Fraction, repeat_last: int) -> None:
        """Show the last frame until its end, then fill what may be missing or say what is."""
        repeat_last = max(repeat_last, self._request.repeat_last)
        self._fill_until(_round_half_up(end * self._fps))
        if self._last_slot is not None and self._slot < self._last_slot <= self._slot + repeat_last:
            self._fill_until(self._last_slot)
        if self._last_slot is None and self._frames:
            return
        wanted = 1 if self._last_slot is None else self._last_slot - self._first_slot
        if len(self._frames) < wanted:
            there, asked = float(end), float((self._last_slot or self._first_slot + 1) / self._fps)
            raise MediaError(self._path, f"too short: {there:.2f} s of video, {asked:.2f} s needed")

    def stacked(self) -> NDArray[Any]:
        """Return the frames as one array, channels before height where no transform decides the layout."""
        frames = np.stack(self._frames)
        return frames if self._request.transform else np.ascontiguousarray(frames.transpose(0, 3, 1, 2))


def _round_half_up(value: Fraction) -> int:
    return int((value + Fraction(1, 2)).__floor__())
