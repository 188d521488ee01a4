"""Whether a process of this machine is still the one that it was."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


@cache
def process_space() -> str:
    """Return what tells two sets of process numbers apart on machines of one name: this start of the machine, and the
    container; "" where the system has no such thing.
    """
    boot, container = "", ""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        container = os.fspath((_PROC / "self/ns/pid").readlink())
    except OSError:  # not Linux
        pass
    return f"{boot} {container}".strip()


def started_at(process: int) -> str | None:
    """Return when a process was started, in the system's own words; None where there is none of this number.

    A process that has ended and was not asked for its status yet, a zombie, counts as none.
    """
    if (_PROC / "self/stat").is_file():
        try:
            text = (_PROC / str(process) / "stat").read_text(errors="replace")
        except OSError:
            return None
        state, *rest = text.rpartition(")")[2].split()  # a program's name may hold anything
        return None if state in "ZX" else rest[18]  # field 22 of proc(5), in clock ticks since the machine started
    told = subprocess.run(["ps", "-o", "state=,lstart=", "-p", str(process)], capture_output=True, text=True)
    state, _, start = told.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else start.strip()


def is_running(process: int, started: str) -> bool | None:
    """Tell whether the process of a number is the one that was started then; None where that may not be asked."""
    now = started_at(process)
    if now is not None:
        return now == started
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another account, and hidden
        return None
    return False  # ended, and not asked for its status yet
