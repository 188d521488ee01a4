"""Decoding and resampling sound."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation.files import PathLike
from foundation.media.limits import MOST_SOUND_VALUES, check_sound
from foundation.media.opening import MediaError, check_whole, declared_seconds, opened
from foundation.media.resampling import resample
from foundation.media.samples import FloatSamples, sound_frames
from foundation.media.wav import RIFF_HEAD_BYTES, check_riff_lengths, is_wave, parse_plain_wav

if TYPE_CHECKING:
    import av


_LARGEST_PLAIN_BYTES = 2 * MOST_SOUND_VALUES  # of 16 bits; a larger file is left to ffmpeg, which reads in pieces


@dataclass(frozen=True)
class Audio:
    """Decoded sound at the file's own rate and layout."""

    samples: NDArray[np.float32]  # (channels, samples)
    sample_rate: int  # Hz


def read_audio_native(path: PathLike) -> Audio:
    """Return the whole first audio stream at its own rate, float32 (channels, samples).

    Raises:
        MediaError: absent, damaged or truncated file, no audio stream, a stream without samples, or one that changes
            its rate or its channels on the way.
    """
    plain = _plain_wav(path)
    return _read_with_ffmpeg(path) if plain is None else plain


def _plain_wav(path: PathLike) -> Audio | None:
    """Return what ffmpeg would make of an ordinary wav, which answers are, in a tenth of its time; None for others."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(RIFF_HEAD_BYTES)
            if not is_wave(head) or os.fstat(file.fileno()).st_size > _LARGEST_PLAIN_BYTES:
                return None
            found = parse_plain_wav(head + file.read())
    except OSError:  # ffmpeg says what is wrong with the file
        return None
    if found is None:
        return None
    check_sound(path, found[1], len(found[0]))
    return Audio(*found)


def _read_with_ffmpeg(path: PathLike) -> Audio:
    with opened(path) as container:
        if not container.streams.audio:
            raise MediaError(path, "no audio stream")
        if container.format.name == "wav":
            check_riff_lengths(path)
        stream = container.streams.audio[0]
        chunks, rate = _decoded(path, container, stream)
        if not chunks:
            raise MediaError(path, "the audio stream holds no samples")
        samples = np.concatenate(chunks, axis=1)
        check_whole(path, "audio", samples.shape[1] / rate, declared_seconds(container, stream))
        return Audio(samples.astype(np.float32, copy=False), rate)


def _decoded(path: PathLike, container: Any, stream: Any) -> tuple[list[NDArray[Any]], int]:
    """Return the stream's samples piece by piece, (channels, samples) each, and the rate that its frames carry."""
    chunks: list[NDArray[Any]] = []
    kind: tuple[int, str] | None = None
    samples: FloatSamples | None = None
    for frame in sound_frames(path, container, stream):
        now = (frame.sample_rate, frame.layout.name)
        kind = kind or now
        if now != kind:
            raise MediaError(path, f"its sound changes from {kind[0]} Hz {kind[1]} to {now[0]} Hz {now[1]}")
        samples = samples or FloatSamples(frame.layout.nb_channels)
        chunks += samples.convert(_untimed(frame))
    if kind is None or samples is None:
        return [], stream.rate
    return chunks + samples.convert(None), kind[0]


def _untimed(frame: av.AudioFrame) -> av.AudioFrame:
    """Drop the time stamp: samples are taken in stream order, whatever small gaps the stamps claim."""
    frame.pts = None
    return frame


def read_audio(
    path: PathLike, *, sample_rate: int, start_seconds: float = 0.0, seconds: float | None = None
) -> NDArray[np.float32]:
    """Return sound as mono at the rate asked for, float32 (samples,).

    Channels are averaged, then resampled with torchaudio's windowed sinc at its defaults (the resampler of the
    field's metrics), then cut. The result is shorter than `seconds` when the file is; nothing is padded.

    Args:
        path: any container with an audio stream.
        sample_rate: Hz of the result.
        start_seconds: where in the file to begin.
        seconds: how much to keep at most; None keeps all.

    Raises:
        ValueError: a start or a length below 0.
        MediaError: as `read_audio_native`, or nothing is left after `start_seconds`.
    """
    if start_seconds < 0 or (seconds is not None and seconds < 0):
        raise ValueError(f"expected seconds from 0 on, got start_seconds={start_seconds}, seconds={seconds}")
    audio = read_audio_native(path)
    mono = resample(audio.samples.mean(axis=0, dtype=np.float32), audio.sample_rate, sample_rate)
    start = round(start_seconds * sample_rate)
    stop = None if seconds is None else start + round(seconds * sample_rate)
    if start >= mono.size:
        raise MediaError(path, f"too short: {mono.size / sample_rate:.2f} s of audio, asked from {start_seconds:g} s")
    return mono[start:stop]
