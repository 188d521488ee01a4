"""Writing sound and pictures: each file whole or not at all, and the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foundation.files import PathLike, replacing
from foundation.media.opening import MediaError, opened
from foundation.media.wav import float_wav

_BITEXACT_MUXER = {"fflags": "+bitexact", "movflags": "+faststart"}


Subtype = Literal["PCM_16", "FLOAT"]


def write_audio(path: PathLike, waveform: ArrayLike, sample_rate: int, *, subtype: Subtype = "PCM_16") -> None:
    """Write mono sound as 16-bit PCM, `.wav` or `.flac` by the file's ending, or as a `.wav` of 32-bit floats.

    In 16 bits samples are scaled by 32,768 and rounded, so reading a file and writing it again changes nothing; values
    outside [-1, 1) are clipped. Floats are kept as they are. Either way the same sound gives the same bytes.

    Args:
        path: ends in .wav or .flac; in .wav for floats.
        waveform: floats, finite, shape (samples,), full scale 1.
        sample_rate: Hz.
        subtype: how samples are stored.

    Raises:
        ValueError: another ending or shape, integers, or a sample that is not finite.
    """
    import soundfile

    endings = {"PCM_16": (".wav", ".flac"), "FLOAT": (".wav",)}[subtype]
    if Path(path).suffix.lower() not in endings:
        raise ValueError(f"path: expected {' or '.join(endings)}, got {str(path)!r}")
    if subtype == "FLOAT":
        with replacing(path) as temporary:
            temporary.write_bytes(float_wav(_checked_waveform(waveform), sample_rate))
        return
    samples = _checked_waveform(waveform).astype(np.float64)
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    with replacing(path) as temporary:
        soundfile.write(temporary, pcm, sample_rate, subtype="PCM_16")


def write_video(
    path: PathLike,
    frames: Iterable[NDArray[np.uint8]],
    *,
    fps: float,
    waveform: NDArray[np.float32] | None = None,
    sample_rate: int = 16_000,
    crf: int = 18,
) -> None:
    """Write an mp4: H.264 yuv420p, and AAC mono where a waveform is given; the same input gives the same bytes.

    Args:
        path: ends in .mp4.
        frames: uint8 (height, width, 3) RGB, even sizes, all alike.
        fps: frames per second.
        waveform: float32 (samples,) or None.
        sample_rate: Hz of the waveform.
        crf: x264's quality, 0 (lossless) to 51.

    Raises:
        ValueError: no frames, a frame of another form or size than the first, or a waveform that is not one.
    """
    import av

    sound = None if waveform is None else _checked_waveform(waveform)
    with replacing(path) as temporary, av.open(str(temporary.absolute()), "w", options=_BITEXACT_MUXER) as container:
        video: Any = None
        audio = None if sound is None else _add_audio(container, sample_rate)
        for frame in frames:
            if video is None:
                video = _add_video(container, _checked_shape(frame), fps, crf)
            if frame.shape != (video.height, video.width, 3):
                raise ValueError(f"frames: one is {frame.shape}, the first is {(video.height, video.width, 3)}")
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if video is None:
            raise ValueError(f"frames: none given for {path}")
        container.mux(video.encode(None))
        if sound is not None:
            _encode_audio(container, audio, sound, sample_rate)


def mux(
    video: PathLike,
    waveform: NDArray[np.float32],
    sample_rate: int,
    output: PathLike,
    *,
    seconds: float | None = None,
) -> None:
    """Write `output` (.mp4): the picture of `video`, untouched, with `waveform` as its AAC sound.

    A picture whose codec mp4 does not hold (ProRes, VP8, uncompressed) is encoded as H.264, each frame at its time.

    Args:
        video: file whose first video stream is copied packet by packet, which needs neither decoder nor encoder of it.
        waveform: float32 (samples,).
        sample_rate: Hz.
        output: may be the same file as `video`.
        seconds: how much of the picture to keep; all of it by default. Frames that those kept are predicted from
            stay too, so a few more than asked for may remain.

    Raises:
        ValueError: a waveform that is not one.
        MediaError: `video` cannot be read or has no video stream.
    """
    import av

    sound = _checked_waveform(waveform)
    with (
        replacing(output) as temporary,
        opened(video) as source,
        av.open(str(temporary.absolute()), "w", options=_BITEXACT_MUXER) as container,
    ):
        if not source.streams.video:
            raise MediaError(video, "no video stream")
        picture = source.streams.video[0]
        if picture.codec_context.codec.canonical_name in container.supported_codecs:
            written = container.add_stream_from_template(picture, opaque=True)  # opaque: AV1 may have no encoder here
            packets = _first_packets(source.demux(picture), picture, seconds)
        else:
            written = _add_encoded(container, picture)
            packets = _encoded(written, source.decode(picture), seconds)
        audio = _add_audio(container, sample_rate)
        for packet in packets:
            packet.stream = written
            container.mux(packet)
        _encode_audio(container, audio, sound, sample_rate)


def _first_packets(packets: Iterable[Any], stream: Any, seconds: float | None) -> Iterator[Any]:
    """Yield the packets of the first seconds in decoding order, with those between them that are shown later."""
    end = None if seconds is None else (stream.start_time or 0) + round(seconds / stream.time_base)
    later: list[Any] = []
    for packet in packets:
        if packet.dts is None:  # the demuxer's empty last one
            continue
        if end is not None and packet.dts >= end:  # nothing is shown before it is decoded
            return
        later.append(packet)
        if end is None or packet.pts is None or packet.pts < end:
            yield from later
            later.clear()


def _add_encoded(container: Any, picture: Any) -> Any:
    """Return an H.264 stream for the frames of another, at its times and of its size, made even."""
    even = (picture.height // 2 * 2, picture.width // 2 * 2)
    stream = _add_video(container, even, float(picture.average_rate or picture.guessed_rate or 25), crf=18)
    stream.codec_context.time_base = picture.time_base
    return stream


def _encoded(stream: Any, frames: Iterable[Any], seconds: float | None) -> Iterator[Any]:
    """Yield the packets of the first seconds of frames, turned as the first says that they are shown."""
    for number, frame in enumerate(frames):
        if number == 0:
            start = frame.pts
            turns = [side for side in frame.side_data if side.type.name == "DISPLAYMATRIX"]
            if turns:
                stream.set_display_matrix(np.frombuffer(bytes(turns[0]), "<i4").tolist())
        if seconds is not None and (frame.pts - start) * frame.time_base >= seconds:
            break
        shown = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
        shown.pts, shown.time_base = frame.pts, frame.time_base
        yield from stream.encode(shown)
    yield from stream.encode(None)


def _checked_waveform(waveform: ArrayLike) -> NDArray[Any]:
    """Return mono samples, or say what is wrong: integers would be taken for full scale 1 and clipped."""
    samples = np.asarray(waveform)
    if samples.ndim != 1:
        raise ValueError(f"waveform: expected shape (samples,), got {samples.shape}")
    if samples.dtype.kind != "f":
        raise ValueError(f"waveform: expected floats of full scale 1, got {samples.dtype}")
    if not np.isfinite(samples).all():
        raise ValueError(f"waveform: sample {int(np.argmin(np.isfinite(samples)))} is not finite")
    return samples


def _checked_shape(frame: NDArray[np.uint8]) -> tuple[int, int]:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"frames: expected uint8 (height, width, 3), got {frame.dtype} {frame.shape}")
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"frames: H.264 in 4:2:0 wants even sizes, got {width}x{height}")
    return height, width


def _add_video(container: Any, size: tuple[int, int], fps: float, crf: int) -> Any:
    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1_000_001))
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p"
    stream.options = {"crf": str(crf), "preset": "veryfast", "flags": "+bitexact"}
    stream.codec_context.thread_count = 1  # x264 makes other bytes with other thread counts
    return stream


def _add_audio(container: Any, sample_rate: int) -> Any:
    stream = container.add_stream("aac", rate=sample_rate, layout="mono")
    stream.bit_rate = 128_000
    stream.options = {"flags": "+bitexact"}
    return stream


def _encode_audio(container: Any, stream: Any, waveform: NDArray[Any], sample_rate: int) -> None:
    import av

    frame = av.AudioFrame.from_ndarray(waveform.astype(np.float32)[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = sample_rate, 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
