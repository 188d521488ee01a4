"""A file that cannot be written: which, why, and what to do, whatever library noticed it and in whatever words.

A full disk reaches a program in many ways: as an `OSError` of a temporary name, as "System error" of libsndfile, as a
text of safetensors, as the exit status of ffmpeg. What they have in common is the disk, so that is asked.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROBE_BYTES = 1 << 16
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # never of a file that is read
_WAYS_OUT = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some of your space there",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
}


class WriteFailed(OSError):
    """A file that could not be written; the message names it, the reason, and what to do."""

    @property
    def no_room(self) -> bool:
        """Tell whether there is no room, so that nothing that is written after it will find any either."""
        return self.errno in _OF_THE_DISK

    def __str__(self) -> str:
        """Return the message: nothing of the temporary name under which the file was written."""
        if self.filename is None:
            return super().__str__()
        way_out = _WAYS_OUT.get(self.errno or 0, "see to that")
        return f"{self.filename}: cannot be written: {self.strerror}; {way_out} and give the same command again"


@contextmanager
def naming_failures(final: Path, temporary: Path) -> Iterator[None]:
    """Turn whatever ends the writing of a file into `WriteFailed`, where the disk is the reason.

    Raises:
        WriteFailed: in place of another exception; what else ends the block passes.
    """
    try:
        yield
    except WriteFailed:
        raise
    except Exception as error:
        why = _said(error, temporary) or _asked(temporary)
        if why is None:
            raise
        raise WriteFailed(why, os.strerror(why), os.fspath(final)) from error


def _said(error: BaseException | None, temporary: Path) -> int | None:
    """Return the error number if the exception, or one behind it, says that the file cannot be written."""
    while error is not None:
        for number in _OF_THE_DISK:
            if os.strerror(number) in str(error):  # as safetensors and ffmpeg put it
                return number
        if isinstance(error, OSError) and error.errno is not None:
            names = {os.fspath(name) for name in (error.filename, error.filename2) if isinstance(name, str | Path)}
            if os.fspath(temporary) in names:
                return error.errno
        error = error.__cause__ or error.__context__
    return None


def _asked(temporary: Path) -> int | None:
    """Return why nothing more can be written where a writer failed; None where it can."""
    if _at_the_limit(temporary):
        return errno.EFBIG
    probe = temporary.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with probe.open("xb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:  # the folder could not be made, which says more
        return None
    except OSError as error:
        return error.errno
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return None


def _at_the_limit(path: Path) -> bool:
    """Tell whether a file is as long as this process may make one."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return False
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return limit != resource.RLIM_INFINITY and path.is_file() and path.stat().st_size >= limit
