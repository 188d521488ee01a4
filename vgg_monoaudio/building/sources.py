"""The clips of a benchmark: the hash of each, the stretch that it contributes, and why some cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation import media
from foundation.faults import machine_fault
from foundation.files import file_sha256
from foundation.work import in_parallel
from vgg_monoaudio import composition
from vgg_monoaudio.building.result import BuildError, Problem
from vgg_monoaudio.record import SourceRecord

Counted = Callable[[int], None]  # called with the number of clips that are done


def _nothing(_done: int) -> None:
    """Count nothing."""


def hash_clips(
    listed: Sequence[str], clips: Mapping[str, Path], *, workers: int | None, done: Counted = _nothing
) -> dict[str, str]:
    """Return the SHA-256 of each listed clip that is there, by clip id."""
    here = [clip for clip in listed if clip in clips]
    hashes = dict(in_parallel(lambda clip: file_sha256(clips[clip]), here, workers=workers, done=done))
    return {clip: hashes[place] for place, clip in enumerate(here)}


def absent_clips(listed: Sequence[str], clips: Mapping[str, Path], hashes: Mapping[str, str]) -> list[Problem]:
    """Return the listed clips that are not there at all, in the order of the list; no file is opened for it."""
    gone = [clip for clip in listed if clip not in clips or (clip not in hashes and not clips[clip].is_file())]
    return [
        Problem(
            clip,
            f"{clips[clip].name}: no such file"
            if clip in clips
            else f"{clip}: no file of that name in the folder of clips",
        )
        for clip in gone
    ]


def cut_clips(
    listed: Sequence[str],
    clips: Mapping[str, Path],
    cut: Callable[[str, Path], None],
    *,
    hashes: Mapping[str, str],
    workers: int | None,
    done: Counted,
) -> list[Problem]:
    """Cut every clip; return why some cannot be used, in the order of the list.

    Only a clip's own fault is a problem of the clip.

    Args:
        listed: clip ids.
        clips: clip id to file; a list may name files that are not there.
        hashes: SHA-256 of each clip that is there, as `hash_clips` found it.
        cut: writes what the clip of an id and a file contributes; raises `MediaError` where it cannot be used.
        workers: clips cut at once; None takes one per core.
        done: called with the number of clips that are done.

    Raises:
        BuildError: a clip could not be read through no fault of its own, or is not what it was when it was hashed.
    """
    absent = {problem.clip_id: problem for problem in absent_clips(listed, clips, hashes)}

    def attempt(clip: str) -> Problem | None:
        if clip in absent:
            return absent[clip]
        try:
            cut(clip, clips[clip])
        except media.MediaError as error:
            _check_own_fault(clips[clip], hashes[clip], error)
            return Problem(clip, f"{error.path.name}: {error.reason}")
        return None

    found = dict(in_parallel(attempt, listed, workers=workers, done=done))
    return [problem for _, problem in sorted(found.items()) if problem is not None]


def _check_own_fault(clip: Path, sha256: str, error: media.MediaError) -> None:
    """Refuse to leave a clip out for what the machine did: the record would say that such a clip cannot be used.

    Raises:
        BuildError: names the clip and what happened.
    """
    reason = machine_fault(error)
    if reason is None:
        try:
            changed = file_sha256(clip) != sha256
        except OSError as unread:  # a disk that fails, a network folder that is gone
            reason = unread.strerror
        else:
            reason = "it changed while it was read" if changed else None
    if reason is not None:
        raise BuildError(
            f"{clip}: {reason} ({error.reason}); that is no reason to build without it, so the build stops; "
            "the same command goes on from here"
        ) from error


def whole_sound(clip: Path, *, start: float = 0.0, seconds: float) -> NDArray[np.float32]:
    """Return the sound that a clip contributes: float32, shape (seconds * 16000,), mono at 16 kHz.

    Raises:
        foundation.media.MediaError: the clip has no sound, or less than it must contribute.
    """
    rate = composition.SAMPLE_RATE
    waveform = media.read_audio(clip, sample_rate=rate, start_seconds=start, seconds=seconds)
    if waveform.size < round(rate * seconds):
        raise media.MediaError(clip, f"too short: {waveform.size / rate:.2f} s of audio, {seconds:g} s needed")
    return waveform


def source_records(
    work: Path,
    rows: Sequence[Mapping[str, Any]],
    clips: Mapping[str, Path],
    *,
    starts: Mapping[str, float] | None = None,
    sounds: Mapping[str, Path] | None = None,
    seconds: float,
    workers: int | None,
) -> tuple[SourceRecord, ...]:
    """Return what is recorded of clips whose stretch lies in `sources/`.

    Args:
        work: the folder that holds `sources/`.
        rows: clip_id, label and category of each, and what else is recorded of it.
        clips: clip id to file.
        starts: where each stretch begins, seconds; at 0 by default.
        sounds: the files whose sound lies beside the film, by clip id; that of the clip by default.
        seconds: how long each is.
        workers: files read at once.
    """

    def record(row: Mapping[str, Any]) -> SourceRecord:
        clip = row["clip_id"]
        film, sound = (work / "sources" / f"{clip}.{suffix}" for suffix in ("mp4", "wav"))
        heard = sounds is None or sounds.get(clip) == clips[clip]  # not so: the film's own sound is not kept
        start = (starts or {}).get(clip, 0.0)
        found = composition.filled(clips[clip], start=start, duration=seconds, with_sound=heard)
        said: dict[str, Any] = {**row, **({"sha256": file_sha256(sound)} if sounds is None or clip in sounds else {})}
        said["video_sha256"] = file_sha256(film)
        if found.silence_seconds:
            said["silence_filled_seconds"] = found.silence_seconds
        if found.held_seconds:
            said["picture_held_seconds"] = found.held_seconds
        return SourceRecord(**said)

    records = dict(in_parallel(record, rows, workers=workers))
    return tuple(records[place] for place in range(len(rows)))
