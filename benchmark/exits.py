"""Exit statuses, and one line for each error that the user can fix.

0: done. 1: done, but some samples failed; they are listed. 2: a usage error, or something is missing. 130: interrupted.
70: a defect of this program, shown with its traceback; not 1, which a script would take for "some samples failed".
141: the reader of the output has closed it, as `head` does; the status a shell gives other programs then.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from typing import NoReturn

import typer

SOME_FAILED = 1
USAGE_ERROR = 2
DEFECT = 70
INTERRUPTED = 130
READER_GONE = 141

# Exceptions that these packages define carry a message for the user, as does ValueError (a bad argument).
_OURS = frozenset({"baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio"})


def run(app: typer.Typer) -> NoReturn:
    """Run a command line; show an error that the user can fix as one line, and leave with the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        status = app(standalone_mode=False) or 0
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except typer.TyperException as error:  # arguments that typer itself refuses
        status = USAGE_ERROR
        if error.format_message():  # empty where the help was shown instead
            tell(error.format_message().replace(": Value error, ", ": "))  # pydantic puts this in front
    except (BrokenPipeError, SystemExit):  # typer turns the former into the latter
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is flushed at the very end
        status = READER_GONE
    except Exception as error:
        status = _tell_error(error)
    if status == INTERRUPTED:  # typer turns Ctrl-C into this status
        tell("interrupted; the same command goes on from here")
    sys.exit(status)


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
