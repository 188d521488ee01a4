"""Another sound for a picture that stays as it is, on the time line that both share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.files import PathLike, replacing
from foundation.media.encoding import BITEXACT_MUXER, add_audio, add_video, checked_waveform, encode_audio
from foundation.media.opening import MediaError, opened
from foundation.media.streams import decodable_packets, played_picture
from foundation.media.timeline import PictureClock, ticks, time_zero


def mux(
    video: PathLike,
    waveform: NDArray[np.float32],
    sample_rate: int,
    output: PathLike,
    *,
    seconds: float | None = None,
) -> None:
    """Write `output` (.mp4): the picture of `video`, untouched, with `waveform` as its AAC sound.

    The sound starts at the time zero of `video`, where reading its frames starts too; a picture that begins later keeps
    its place. A picture whose codec mp4 does not hold (ProRes, VP8, uncompressed) is encoded as H.264, each frame at
    its time; so is one with packets that neither say when they are shown nor give a frame (MPEG-4 with packed frames
    in AVI, or cut between two key frames).

    Args:
        video: file whose picture is copied packet by packet, which needs neither decoder nor encoder of it.
        waveform: float32 (samples,).
        sample_rate: Hz.
        output: may be the same file as `video`.
        seconds: how much of the picture to keep, from time zero on; all of it by default. Frames that those kept are
            predicted from stay too, so a few more than asked for may remain.

    Raises:
        ValueError: a waveform that is not one.
        MediaError: `video` cannot be read, or has no video stream or an empty one.
    """
    sound = checked_waveform(waveform)
    try:
        _write(video, sound, sample_rate, output, seconds, copied=True)
    except _NoTimeForPacket:
        _write(video, sound, sample_rate, output, seconds, copied=False)


class _NoTimeForPacket(MediaError):
    """A packet of the picture that says not when it is shown, and gives no frame."""


def _write(
    video: PathLike,
    sound: NDArray[np.float32],
    sample_rate: int,
    output: PathLike,
    seconds: float | None,
    *,
    copied: bool,
) -> None:
    """Write the file, the picture copied if the container can hold it and that is asked for, else encoded."""
    import av

    with (
        replacing(output) as temporary,
        opened(video) as source,
        av.open(str(temporary.absolute()), "w", options=BITEXACT_MUXER) as container,
    ):
        picture = played_picture(source)
        if picture is None:
            raise MediaError(video, "no video stream")
        end = None if seconds is None else round(Fraction(seconds) / picture.time_base)
        if copied and picture.codec_context.codec.canonical_name in container.supported_codecs:
            written = container.add_stream_from_template(picture, opaque=True)  # opaque: AV1 may have no encoder here
            packets = _first_packets(_on_time_line(video, source, picture), end)
        else:
            written = _add_encoded(container, picture)
            packets = _encoded(video, source, picture, written, seconds)
        if picture.sample_aspect_ratio:  # a container may keep it where the stream does not
            written.codec_context.sample_aspect_ratio = picture.sample_aspect_ratio
        audio = add_audio(container, sample_rate)
        count = 0
        for packet in packets:
            packet.stream = written
            container.mux(packet)
            count += 1
        if not count:
            raise MediaError(video, "the video stream holds no frames")
        encode_audio(container, audio, sound, sample_rate)


def _on_time_line(video: PathLike, source: Any, picture: Any) -> Iterator[Any]:
    """Yield the packets of the picture in decoding order, with time stamps that count from time zero."""
    zero = ticks(time_zero(source) or Fraction(0), picture.time_base)
    found: list[tuple[int, int]] | None = None
    place = 0
    for packet in source.demux(picture):
        if not packet.size:  # the demuxer's empty last one
            continue
        if found is None and (packet.pts is None or packet.dts is None):
            found = _found_stamps(video)
        if found is None:
            packet.pts, packet.dts = packet.pts - zero, packet.dts - zero
        elif place < len(found):
            packet.pts, packet.dts = found[place]
        else:
            return
        place += 1
        yield packet


def _found_stamps(video: PathLike) -> list[tuple[int, int]]:
    """Return when each packet is shown and when decoded, in ticks from time zero, where the container does not say.

    Only decoding tells in which order such packets (AVI, raw H.264) are shown.

    Raises:
        _NoTimeForPacket: decoding does not tell either.
    """
    with opened(video) as source:
        picture = played_picture(source)
        picture.codec_context.copy_opaque = True  # a frame tells which packet it came from
        clock, shown, count = PictureClock(video, time_zero(source)), dict[int, int](), 0
        for packet in decodable_packets(source, picture):
            if packet.size:
                packet.opaque, count = count, count + 1
            for frame in packet.decode():
                shown[frame.opaque] = ticks(clock.times(frame)[0], picture.time_base)
    if len(shown) < count:
        raise _NoTimeForPacket(video, "a packet of its picture says not when it is shown, and gives no frame")
    times = sorted(shown.values())
    delay = max((time - shown[place] for place, time in enumerate(times)), default=0)
    return [(shown[place], time - delay) for place, time in enumerate(times)]


def _first_packets(packets: Iterable[Any], end: int | None) -> Iterator[Any]:
    """Yield the packets up to an end in decoding order, with those between them that are shown later; one at least."""
    later: list[Any] = []
    first = True
    for packet in packets:
        if end is not None and packet.dts >= end and not first:  # nothing is shown before it is decoded
            return
        later.append(packet)
        if end is None or packet.pts < end or first:
            yield from later
            later.clear()
        first = False


def _add_encoded(container: Any, picture: Any) -> Any:
    """Return an H.264 stream for the frames of another, at its times and of its size, made even."""
    even = (picture.height // 2 * 2, picture.width // 2 * 2)
    stream = add_video(container, even, float(picture.average_rate or picture.guessed_rate or 25), crf=18)
    stream.codec_context.time_base = picture.time_base
    return stream


def _encoded(video: PathLike, source: Any, picture: Any, written: Any, seconds: float | None) -> Iterator[Any]:
    """Yield the packets of the first seconds of frames, one at least, on the time line, to be turned as before."""
    from av.video.reformatter import VideoReformatter

    clock, first, scaler = PictureClock(video, time_zero(source)), True, VideoReformatter()
    frames = (frame for packet in decodable_packets(source, picture) for frame in packet.decode())
    for frame in frames:
        time = ticks(clock.times(frame)[0], picture.time_base)
        if first:
            turns = [side for side in frame.side_data if side.type.name == "DISPLAYMATRIX"]
            if turns:
                written.set_display_matrix(np.frombuffer(bytes(turns[0]), "<i4").tolist())
        if seconds is not None and time * picture.time_base >= seconds and not first:
            break
        first = False
        shown = scaler.reformat(frame, written.width, written.height, "yuv420p")
        shown.pts, shown.time_base = time, picture.time_base
        yield from written.encode(shown)
    yield from written.encode(None)
