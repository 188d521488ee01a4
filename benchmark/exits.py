"""Exit statuses, and one line for each error that the user can fix.

0: done. 1: done, but some samples failed; they are listed. 2: a usage error, or something is missing. 130: interrupted.
70: a defect of this program, shown with its traceback; not 1, which a script would take for "some samples failed".
143, 129: asked to end by SIGTERM, or by the hang-up of its terminal (SIGHUP, unless that is ignored, as under nohup):
128 plus the signal's number. Programs, workers and records are ended as by Ctrl-C.
141: the reader of the output has closed it, as `head` does; the status a shell gives other programs then.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import typer
from pydantic import ValidationError

from foundation.records import expected_of

SOME_FAILED = 1
USAGE_ERROR = 2
DEFECT = 70
INTERRUPTED = 130
READER_GONE = 141
SIGNALLED = 128  # plus the signal's number

_REQUESTS = ("SIGTERM", "SIGHUP")  # to end; not every system has both

# Exceptions that these packages define carry a message for the user, as does ValueError (a bad argument).
_OURS = frozenset({"baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio"})


class AskedToEnd(KeyboardInterrupt):
    """A signal asks this process to end; it takes the way of Ctrl-C, which everything here heeds already."""


class EndedAsAsked(Exception):
    """A verb that works until it is asked to end has ended as it should; the message says so, and how to go on."""


def run(app: typer.Typer) -> NoReturn:
    """Run a command line; show an error that the user can fix as one line, and leave with the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    stopped = ""
    with _requests_heeded() as received:
        try:
            status = _status_of(app)
        except EndedAsAsked as ended:
            status, stopped = INTERRUPTED, str(ended)
    if status == INTERRUPTED or received:  # typer turns Ctrl-C into this status
        by = f" by {received[0].name}" if received else ""
        with suppress(OSError):  # the terminal may be gone
            if stopped:
                tell(stopped, prefix="")
            else:
                tell(f"interrupted{by}; the same command goes on from here")
        status = SIGNALLED + received[0] if received else INTERRUPTED
    sys.exit(status)


@contextmanager
def _requests_heeded() -> Iterator[list[signal.Signals]]:
    """Raise `AskedToEnd` where a signal asks us to end; yield the list that then holds the signal.

    The second is heeded no more: a terminal that closes hangs up twice, and that must not break off the ending. The
    third is, in case foreign code has swallowed the first.
    """
    numbers = [getattr(signal, name) for name in _REQUESTS if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    received: list[signal.Signals] = []

    def end(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))
        if len(received) != 2:
            raise AskedToEnd

    for number in heeded:
        signal.signal(number, end)
    try:
        yield received
    finally:
        for number in heeded if not received else []:  # else what ends with the interpreter would be broken off
            signal.signal(number, signal.SIG_DFL)


def _status_of(app: typer.Typer) -> int:
    """Run a command line; show what went wrong, and return the exit status."""
    try:
        status: int = app(standalone_mode=False) or 0
        sys.stdout.flush()
        return status
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except typer.TyperException as error:  # arguments that typer itself refuses
        if error.format_message():  # empty where the help was shown instead
            told = error.format_message()
            if isinstance(error, typer.BadParameter) and error.message:
                told = told.replace(error.message, refusal(error))
            tell(told.replace(": Value error, ", ": "))  # pydantic puts this in front
        return USAGE_ERROR
    except (BrokenPipeError, SystemExit) as end:  # typer turns the former into the latter
        if isinstance(end, SystemExit) and end.code == 0:  # a shell has been told how to complete
            sys.stdout.flush()
            return 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is flushed at the very end
        return READER_GONE
    except EndedAsAsked:
        raise
    except Exception as error:
        return _tell_error(error)


def refusal(error: typer.BadParameter) -> str:
    """Return why typer refuses a value: in our words where pydantic says no more than its kind or its size."""
    cause = error.__cause__
    expected = expected_of(cause.errors()[0]) if isinstance(cause, ValidationError) else None
    return error.message if expected is None else f"expected {expected}"


def _tell_error(error: Exception) -> int:
    """Show an error as one line where the user can fix it, else with its traceback; return the exit status."""
    if not for_the_user(error) or os.environ.get("VGG_MONOAUDIO_TRACEBACK"):
        traceback.print_exception(error)
        return USAGE_ERROR if for_the_user(error) else DEFECT
    tell(str(error))
    for problem in getattr(error, "problems", []):
        tell(f"  {problem.reason}", prefix="")
    return USAGE_ERROR


def tell(message: str, prefix: str = "error: ") -> None:
    """Print a line to stderr."""
    typer.echo(f"{prefix}{message}", err=True)


def for_the_user(error: Exception) -> bool:
    """Tell whether an error is one that the user can fix, whose message says how; the others are defects."""
    if any(kind.__module__.partition(".")[0] in _OURS for kind in type(error).__mro__):
        return True
    if isinstance(error, OSError):  # a folder that may not be written to, a full disk: it says which and why
        return error.filename is not None or error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, ValueError)
