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
from foundation.media.scale import scale_fault
from foundation.media.streams import played_sound
from foundation.media.timeline import SoundClock, Span, time_zero
from foundation.media.wav import RIFF_HEAD_BYTES, check_riff_lengths, is_wave, parse_plain_wav

if TYPE_CHECKING:
    import av


_LARGEST_PLAIN_BYTES = 2 * MOST_SOUND_VALUES  # of 16 bits; a larger file is left to ffmpeg, which reads in pieces


@dataclass(frozen=True)
class Audio:
    """Decoded sound at the file's own rate and layout."""

    samples: NDArray[np.float32]  # (channels, samples), from the file's time zero on
    sample_rate: int  # Hz
    silent: tuple[Span, ...] = ()  # where the file has no sound and silence was filled in
    dropped_seconds: float = 0.0  # of samples that claimed a place already taken


def read_audio_native(path: PathLike) -> Audio:
    """Return the whole sound that a file plays at its own rate, float32 (channels, samples); see `timeline`.

    Raises:
        MediaError: absent, damaged or truncated file, no audio stream, a stream without samples, one that changes its
            rate or its channels on the way, one that is missing for longer than may be filled, or one whose
            floats are not at full scale 1.
    """
    plain = _plain_wav(path)
    if plain is not None:
        return plain
    audio = _read_with_ffmpeg(path)
    if fault := scale_fault(audio.samples):
        raise MediaError(path, fault)
    return audio


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
        stream = played_sound(container)
        if stream is None:
            raise MediaError(path, "no audio stream")
        if container.format.name == "wav":
            check_riff_lengths(path)
        chunks, clock = _decoded(path, container, stream)
        if clock is None:
            raise MediaError(path, "the audio stream holds no samples")
        samples = np.concatenate(chunks, axis=1)
        sounding = (samples.shape[1] - (clock.start or 0)) / clock.rate
        check_whole(path, "audio", sounding, declared_seconds(container, stream))
        samples = samples.astype(np.float32, copy=False)
        return Audio(samples, clock.rate, tuple(clock.silent), clock.dropped / clock.rate)


def _decoded(path: PathLike, container: Any, stream: Any) -> tuple[list[NDArray[Any]], SoundClock | None]:
    """Return the stream's samples piece by piece, (channels, samples) each, and the clock that placed them."""
    chunks: list[NDArray[Any]] = []
    kind: tuple[int, str] | None = None
    samples: FloatSamples | None = None
    clock: SoundClock | None = None
    for frame in sound_frames(path, container, stream):
        now = (frame.sample_rate, frame.layout.name)
        kind = kind or now
        if now != kind:
            raise MediaError(path, f"its sound changes from {kind[0]} Hz {kind[1]} to {now[0]} Hz {now[1]}")
        samples = samples or FloatSamples(frame.layout.nb_channels)
        clock = clock or SoundClock(path, time_zero(container), frame.sample_rate)
        stamp, tick = frame.pts, frame.time_base
        for part in samples.convert(_untimed(frame)):
            chunks += clock.placed(part, stamp, tick)
            stamp = None  # what follows from the same frame follows in time
    if samples is None or clock is None:
        return [], None
    for part in samples.convert(None):
        chunks += clock.placed(part, None, None)
    return chunks, clock


def _untimed(frame: av.AudioFrame) -> av.AudioFrame:
    """Drop the time stamp: the converter is to change the format only, the clock places the samples."""
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
        start_seconds: where on the file's time line to begin.
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
