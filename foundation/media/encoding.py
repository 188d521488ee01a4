"""Writing sound and pictures: each file whole or not at all, and the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.core._multiarray_umath import __cpu_features__  # type: ignore[import-not-found]
from numpy.typing import ArrayLike, NDArray

from foundation.files import PathLike, replacing
from foundation.media.wav import float_wav
from foundation.names import joined

BITEXACT_MUXER = {"fflags": "+bitexact", "movflags": "+faststart"}


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
        raise ValueError(f"path: expected {joined(endings)}, got {str(path)!r}")
    if subtype == "FLOAT":
        with replacing(path) as temporary:
            temporary.write_bytes(float_wav(checked_waveform(waveform), sample_rate))
        return
    samples = checked_waveform(waveform).astype(np.float64)
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

    sound = None if waveform is None else checked_waveform(waveform)
    with replacing(path) as temporary, av.open(str(temporary.absolute()), "w", options=BITEXACT_MUXER) as container:
        video: Any = None
        audio = None if sound is None else add_audio(container, sample_rate)
        for frame in frames:
            if video is None:
                video = add_video(container, _checked_shape(frame), fps, crf)
            if frame.shape != (video.height, video.width, 3):
                raise ValueError(f"frames: one is {frame.shape}, the first is {(video.height, video.width, 3)}")
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if video is None:
            raise ValueError(f"frames: none given for {path}")
        container.mux(video.encode(None))
        if sound is not None:
            encode_audio(container, audio, sound, sample_rate)


def checked_waveform(waveform: ArrayLike) -> NDArray[Any]:
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


def add_video(container: Any, size: tuple[int, int], fps: float, crf: int) -> Any:
    """Add a stream of H.264, size (height, width), to a file that is being written."""
    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1_000_001))
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p"
    stream.options = {"crf": str(crf), "preset": "veryfast", "flags": "+bitexact", **x264_instructions(stream.width)}
    stream.codec_context.thread_count = 1  # x264 makes other bytes with other thread counts
    return stream


def x264_instructions(width: int) -> dict[str, str]:
    """Return the options, of PyAV and of ffmpeg, with which libx264 gives the same frames of a width the same bytes.

    With AVX-512, x264 takes the macroblocks of a row eight at a time when it spreads quality along motion (mbtree), so
    up to seven too many where their number is no multiple of eight. Behind the last row lies whatever the
    memory held before; where that looks like motion into the picture, the same frames give other bytes. With AVX2,
    which every processor with AVX-512 has, x264 stops at the end of the row. Other widths keep AVX-512: the two round
    differently, and such films are to stay the bytes that they have been.

    Args:
        width: pixels.

    Source:
        x264 165, common/x86/mc-a2.asm, mbtree_propagate_list_internal.
    """
    macroblocks = -(-width // 16)
    return {"x264-params": "asm=AVX2"} if macroblocks % 8 and __cpu_features__.get("AVX512F") else {}


def add_audio(container: Any, sample_rate: int) -> Any:
    """Add a stream of AAC mono to a file that is being written."""
    stream = container.add_stream("aac", rate=sample_rate, layout="mono")
    stream.bit_rate = 128_000
    stream.options = {"flags": "+bitexact"}
    return stream


def encode_audio(container: Any, stream: Any, waveform: NDArray[Any], sample_rate: int) -> None:
    """Write the whole of a waveform, from time 0 on, to a stream of `add_audio`."""
    import av

    frame = av.AudioFrame.from_ndarray(waveform.astype(np.float32)[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = sample_rate, 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
