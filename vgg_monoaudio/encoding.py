"""Running an encoder, and whose fault it is when it fails: that of the clips, or that of the machine.

Two can do the work: PyAV's libraries in a process of their own (`foundation.media.pyav_program`), or an ffmpeg program
of the machine. They make the same pictures and sounds, but not the same bytes, so a benchmark says which made it.
Below, ffmpeg is either of them.

A clip that ffmpeg cannot use, or hangs at, may be left out of a benchmark. An ffmpeg that was killed, that cannot
write or that lacks an encoder says nothing of the clip: the build stops, and the same command goes on when the cause is
removed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

from foundation import media
from foundation.extras import MissingPackage
from foundation.faults import machine_fault_told, stopped_by
from foundation.media.pyav_program import command_words

Encoder = Literal["pyav", "ffmpeg"]
ENCODER_VARIABLE = "VGG_MONOAUDIO_ENCODER"

LONGEST_SECONDS = 600.0  # for a film of some seconds, whatever the machine
# As small as encoders take it; everything but the clip is as it is for one.
_NO_CLIP = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=0.2", "-f", "lavfi", "-i", "sine=duration=0.2")
_FILE_ONLY = ("-movflags",)  # options of mp4 that nothing else knows


class EncodingStopped(Exception):
    """A film that was not written through no fault of the clips that it is made from; names it and the reason."""

    def __init__(self, output: Path, reason: str) -> None:
        """Keep file and reason apart."""
        super().__init__(f"{output}: {reason}; the same command goes on from here")
        self.output, self.reason = output, reason


def encoder() -> Encoder:
    """Return what encodes films: PyAV's libraries, or an ffmpeg program where VGG_MONOAUDIO_ENCODER=ffmpeg.

    Raises:
        ValueError: the variable names neither.
    """
    asked = os.environ.get(ENCODER_VARIABLE) or "pyav"
    if asked not in get_args(Encoder):
        raise ValueError(f"{ENCODER_VARIABLE}: expected {' or '.join(get_args(Encoder))}, got {asked!r}")
    return cast(Encoder, asked)


def encoder_on_record() -> dict[str, Any]:
    """Return the encoder as settings in `benchmark.json` have it: nothing for ffmpeg, which made all earlier ones."""
    return {} if encoder() == "ffmpeg" else {"encoder": encoder()}


def program_for(output: Path) -> list[str]:
    """Return the words with which the encoder is run; ffmpeg's arguments follow.

    Raises:
        EncodingStopped: an ffmpeg program is asked for, and there is none.
        ValueError: see `encoder`.
    """
    if encoder() == "pyav":
        return command_words()
    try:
        return [media.ffmpeg_executable()]
    except MissingPackage as error:
        raise EncodingStopped(output, f"there is no ffmpeg to make it with ({error})") from error


def encode(command: Sequence[str], temporary: Path, output: Path, names: Mapping[Path, Path]) -> str | None:
    """Run ffmpeg; return what it said of the clips where they are at fault, None where all is well.

    Args:
        command: the words of `program_for`, and arguments; one of them is `temporary`.
        temporary: the file that ffmpeg writes.
        output: the name that the file is to have, for messages.
        names: path that ffmpeg may speak of to what stands in the message instead, so that it is the same in every run.

    Raises:
        EncodingStopped: ffmpeg cannot be started, was killed, cannot write, or cannot encode any film.
    """
    done = _run(command, output)
    if done.returncode == 0:
        return None
    told = _told(done.stderr, names)
    fault = _machine_fault(done)
    if fault is None:
        fault = _fault_beside_the_clips(command, temporary, output)
    if fault is None:
        return told
    raise EncodingStopped(output, f"ffmpeg failed, and not because of the clips: {fault} ({told})")


def _run(command: Sequence[str], output: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:  # it is killed; whether it hangs without the clips too is asked as of any failure
        return subprocess.CompletedProcess(command, 1, "", f"not done within {LONGEST_SECONDS:g} s")
    except OSError as error:
        raise EncodingStopped(output, f"{command[0]} cannot be started: {error.strerror}") from error


def _machine_fault(done: subprocess.CompletedProcess[str]) -> str | None:
    """Return what stopped ffmpeg from outside, as far as its status and its words tell."""
    signal = stopped_by(done.returncode, done.stderr)
    return f"it was stopped by {signal}" if signal else machine_fault_told(done.stderr)


def _fault_beside_the_clips(command: Sequence[str], temporary: Path, output: Path) -> str | None:
    """Ask again without writing, then without the clips; None where the clips alone make ffmpeg fail."""
    unwritten = _run(_into_nothing(command, temporary), output)
    if unwritten.returncode == 0:
        return "it succeeds where nothing is written"
    fault = _machine_fault(unwritten)
    if fault is not None:
        return fault
    without = _run([*_program(command), "-v", "error", *_NO_CLIP, *_encoder(command), "-f", "null", "-"], output)
    return _machine_fault(without) or (without.returncode and "it fails on any film") or None


def _program(command: Sequence[str]) -> Sequence[str]:
    words = command_words()
    return words if list(command[: len(words)]) == words else command[:1]


def _into_nothing(command: Sequence[str], temporary: Path) -> list[str]:
    """Return the same command, whose result is thrown away."""
    kept: list[str] = []
    for place, word in enumerate(command):
        if word in _FILE_ONLY or (place and command[place - 1] in _FILE_ONLY):
            continue
        kept += ["-f", "null", "-"] if word == str(temporary) else [word]
    return kept


def _encoder(command: Sequence[str]) -> list[str]:
    """Return the part of a command that chooses the encoders."""
    chosen: list[str] = []
    for option in ("-vcodec", "-acodec"):
        if option in command:
            place = command.index(option)
            chosen += command[place : place + 2]
    return chosen


def _told(stderr: str, names: Mapping[Path, Path]) -> str:
    """Return ffmpeg's last line, without what differs from run to run: addresses, folders, names of temporaries."""
    line = (stderr.strip().splitlines() or ["no message"])[-1]
    for path, name in names.items():
        line = line.replace(str(path), name.name)
    return re.sub(r" @ 0x[0-9a-f]+", "", line)
