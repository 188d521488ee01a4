"""Whose fault an error is: that of the file in hand, or that of the machine, which says nothing of the file.

A clip is left out of a benchmark for its own faults alone. A full disk, a missing permission or too many open files
would otherwise make a smaller benchmark by accident.
"""

from __future__ import annotations

import errno
import os
import re
import signal

# EIO is not among them: decoders give it for damaged files too. Reading the file's bytes again tells the two apart.
MACHINE_FAULTS = frozenset(
    getattr(errno, name)
    for name in (
        "ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENOMEM", "EMFILE", "ENFILE", "EAGAIN", "ESTALE",
        "ENODEV", "ENXIO", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN",
    )
    if hasattr(errno, name)
)  # fmt: skip
# What a program does to itself when its input is too much for it; every other signal comes from outside.
OWN_CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGBUS})


def machine_fault(error: BaseException | None) -> str | None:
    """Return what is wrong with the machine if that caused an error, however deep; None where it did not."""
    while error is not None:
        number = getattr(error, "errno", None)
        if isinstance(number, int) and number in MACHINE_FAULTS:
            return os.strerror(number)
        if isinstance(error, MemoryError):
            return os.strerror(errno.ENOMEM)
        error = error.__cause__ or error.__context__
    return None


def machine_fault_told(text: str) -> str | None:
    """Return what is wrong with the machine if a program's words say so; None where they do not."""
    return next((words for words in map(os.strerror, sorted(MACHINE_FAULTS)) if words in text), None)


def stopped_by(status: int, told: str = "") -> str | None:
    """Return what stopped a program from outside; None where it ended by itself.

    Args:
        status: its exit status as `subprocess` gives it: below 0 where it died of a signal. A shell around it turns
            that into 128 and the signal's number.
        told: its words; ffmpeg ends by itself on most signals, and says so.
    """
    number = -status if status < 0 else status - 128
    try:
        name = signal.Signals(number)
    except ValueError:
        found = re.search(r"received signal (\d+)", told)
        return f"signal {found[1]}" if found else None
    # From 128 on a status may be the program's own: ffmpeg gives the error's number, which is no signal in use here.
    usual = {
        signal.SIGKILL,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGPIPE,
        signal.SIGXFSZ,
        signal.SIGXCPU,
    }
    if name in OWN_CRASHES or (status > 0 and name not in usual):
        return None
    return "SIGKILL, as when memory runs out" if name == signal.SIGKILL else name.name
