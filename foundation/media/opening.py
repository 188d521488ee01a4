"""Opening a file that ffmpeg is to decode, and what can go wrong with one."""

from __future__ import annotations

import logging
import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation.extras import MissingPackage
from foundation.files import PathLike

if TYPE_CHECKING:
    import av

log = logging.getLogger(__name__)

# A declared length may exceed what decodes by encoder priming (2,112 samples of AAC is 0.13 s at 16 kHz) and by the
# rounding of the container; more than this is a file that was cut.
TRUNCATION_TOLERANCE_SECONDS = 0.25


class MediaError(Exception):
    """A file that cannot be read or written as asked; the message names the file and the reason."""

    __module__ = "foundation.media"  # its public address, whatever file of the package it stands in

    def __init__(self, path: PathLike, reason: str) -> None:
        """Keep file and reason apart, so that a table can show them in two columns."""
        # A name or a tag need not be valid Unicode; the message must print wherever messages go.
        super().__init__(f"{Path(path)}: {reason}".encode(errors="backslashreplace").decode())
        self.path = Path(path)
        self.reason = reason

    def __reduce__(self) -> tuple[type[MediaError], tuple[Path, str]]:
        """Survive the way back from a worker process."""
        return type(self), (self.path, self.reason)


@contextmanager
def opened(path: PathLike) -> Iterator[av.container.InputContainer]:
    """Yield an open container; what ffmpeg or PyAV has to say against it, and what nobody foresaw, is a MediaError."""
    import av

    if Path(path).is_dir():
        raise MediaError(path, "a folder, not a file")
    if not Path(path).is_file():
        raise MediaError(path, "no such file")
    try:
        # Absolute, because ffmpeg takes what stands before a colon in a relative name for a protocol.
        # Tags are not always UTF-8, and none is used.
        with av.open(os.fspath(Path(path).absolute()), metadata_errors="replace") as container:
            # Made-up times of presentation are wrong where frames are shown in another order than they are decoded.
            container.flags &= ~av.container.Flags.gen_pts.value  # type: ignore[operator]  # both are int
            yield container
    except av.error.InvalidDataError as error:
        raise MediaError(path, "not a media file, or damaged") from error
    except av.error.FFmpegError as error:
        raise MediaError(path, f"cannot be decoded ({error.strerror})") from error
    except MediaError:
        raise
    except Exception as error:
        if _raised_in_pyav(error):
            raise MediaError(path, f"cannot be decoded ({type(error).__name__}: {error})") from error
        if isinstance(error, OSError | MemoryError):  # the machine's, not the file's
            raise
        # Odd files lead our own code astray too, and none must end the reading of all; a developer needs the traceback.
        log.warning("%s: %s\n%s", path, error, traceback.format_exc())
        raise MediaError(path, f"cannot be read ({type(error).__name__}: {error})") from error


def _raised_in_pyav(error: BaseException) -> bool:
    """Tell whether an exception came out of PyAV, and not of the code that uses what it decoded."""
    import av

    # Its compiled modules give the name of their source as it was where they were built: av/audio/frame.py.
    homes = {Path("av"), Path(av.__file__).parent}
    files = (Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(not homes.isdisjoint(file.parents) for file in files)


def check_whole(path: PathLike, kind: str, decoded_seconds: float, declared_seconds: float | None) -> None:
    """Refuse a file that decodes for clearly less than it declares."""
    if declared_seconds is not None and decoded_seconds < declared_seconds - TRUNCATION_TOLERANCE_SECONDS:
        reason = f"truncated: {kind} decodes for {decoded_seconds:.2f} s of the declared {declared_seconds:.2f} s"
        raise MediaError(path, reason)


def declared_seconds(container: av.container.InputContainer, stream: Any) -> float | None:
    """Duration a container vouches for; formats that estimate it from a bit rate say nothing reliable."""
    reliable = {"mov", "wav", "flac"} & set(container.format.name.split(","))
    if not reliable or stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def ffmpeg_executable() -> str:
    """Return the ffmpeg program to run: the one on PATH, else the one that the package imageio-ffmpeg carries.

    Raises:
        foundation.extras.MissingPackage: there is neither.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ModuleNotFoundError, RuntimeError) as error:  # the latter: the package without its binary
        raise MissingPackage(
            "no program ffmpeg on PATH, and none of the package imageio-ffmpeg; install either "
            "(apt-get install ffmpeg, or pip install imageio-ffmpeg)"
        ) from error
