"""Files that go to a program and come from it: the temporary folder, and the sounds read back and checked."""

from __future__ import annotations

import contextlib
import errno
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from baselines.generator import GenerationError, Waveform
from baselines.programs.settings import Settings
from foundation import media

LARGEST_SOUND_BYTES = 256 << 20  # of a file; ten minutes of stereo floats at 48 kHz are less
_SAFE_PATH = re.compile(r"[\w./+@%=:,-]+", re.ASCII)


def temporary_folder(settings: Settings) -> Path:
    """Return where temporary folders are made, absolute."""
    return (settings.work_dir or Path(tempfile.gettempdir())).absolute()


def safe_for_a_shell(path: Path) -> bool:
    """Tell whether any shell takes a path as one word, as it is."""
    return _SAFE_PATH.fullmatch(str(path)) is not None


@contextlib.contextmanager
def work_folder(settings: Settings) -> Iterator[Path]:
    """Yield an empty folder under the settings' work_dir, removed at the end.

    Raises:
        GenerationError: it cannot be made.
    """
    with naming_disk_errors():
        if settings.work_dir is not None:
            settings.work_dir.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(
            prefix=f"{settings.name}-",
            dir=settings.work_dir and settings.work_dir.absolute(),
            ignore_cleanup_errors=True,
        )
    with folder as name:
        yield Path(name)


@contextlib.contextmanager
def naming_disk_errors() -> Iterator[None]:
    """Turn what the disk refuses, and media that cannot be read, into a sample's failure.

    Raises:
        GenerationError: in place of an `OSError` or a `MediaError`; says whether the disk is full.
    """
    try:
        yield
    except media.MediaError as error:
        raise GenerationError(str(error)) from error
    except OSError as error:
        what = "the disk is full" if error.errno == errno.ENOSPC else "cannot read or write"
        raise GenerationError(f"{what}: {error}") from error


def read_sound(
    path: Path,
    duration: float,
    *,
    sample_rate: int | None = None,
    lacking_seconds: float = 0.0,
    refuse_longer: bool = False,
) -> tuple[Waveform, int]:
    """Return the first `duration` seconds of a file, float32 (round(duration * rate),), and its rate in Hz.

    Args:
        path: any audio file.
        duration: seconds; a longer file is cut.
        sample_rate: what it must have; None takes every rate.
        lacking_seconds: how much may be missing at its end; it is made up with silence.
        refuse_longer: a file that is longer by more than that is a failure.

    Raises:
        GenerationError: as `read_output`.
    """
    wrong = _not_a_sound(path)
    if wrong:
        raise GenerationError(f"the program says it wrote {path}, but {wrong}")
    audio = _decoded(path)
    rate = sample_rate or audio.sample_rate
    wanted = round(duration * rate)
    play = int(lacking_seconds * rate)
    sound = _checked(path, audio, sample_rate=rate, samples=wanted - play)
    if refuse_longer and sound.size > wanted + play:
        raise GenerationError(f"{path.name} has {sound.size} samples, {wanted} were asked for")
    return np.pad(sound[:wanted], (0, max(0, wanted - sound.size))), rate


def read_output(path: Path, *, sample_rate: int, samples: int) -> Waveform:
    """Return the sound that a program wrote, float32 (its whole length,); channels are averaged.

    Args:
        path: the file it should have written.
        sample_rate: the rate it should have, Hz.
        samples: the least number it should hold.

    Raises:
        GenerationError: no file, one that cannot be decoded, another rate, too few samples, or one that is not finite.
    """
    if not path.exists():
        raise GenerationError(f"the program wrote no {path.name}")
    wrong = _not_a_sound(path)
    if wrong:
        raise GenerationError(f"the program wrote {path.name}, but {wrong}")
    return _checked(path, _decoded(path), sample_rate=sample_rate, samples=samples)


def _not_a_sound(path: Path) -> str:
    """Return what keeps a path from being read as a sound of reasonable size; nothing is opened: a pipe never ends."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: a null byte, or characters that no file system has
        return "there is no such file"
    if not stat.S_ISREG(found.st_mode):
        return "that is a folder" if stat.S_ISDIR(found.st_mode) else "that is a pipe or a device, not a file"
    if found.st_size > LARGEST_SOUND_BYTES:
        return f"it has {found.st_size} bytes, at most {LARGEST_SOUND_BYTES} are read"
    return ""


def _decoded(path: Path) -> media.Audio:
    with naming_disk_errors():
        return media.read_audio_native(path)


def _checked(path: Path, audio: media.Audio, *, sample_rate: int, samples: int) -> Waveform:
    if audio.sample_rate != sample_rate:
        raise GenerationError(f"{path.name} has {audio.sample_rate} Hz, expected {sample_rate}")
    sound: Waveform = audio.samples.mean(axis=0, dtype=np.float32)
    if sound.size < samples:
        raise GenerationError(f"{path.name} has {sound.size} samples, at least {samples} needed")
    if not np.isfinite(sound).all():
        raise GenerationError(f"{path.name}: sample {int(np.argmin(np.isfinite(sound)))} is not finite")
    return sound
