"""The loop of a driver: requests come in as lines of JSON, answers go out as lines of JSON.

A driver is run by the interpreter of the program that it drives, which knows nothing of this project and may be as old
as Python 3.8: it imports nothing but the standard library, this file and that program.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, Callable, Dict  # noqa: UP035


def serve(answer: Callable[[Dict[str, Any]], str]) -> None:  # noqa: UP006
    """Answer requests until there are no more.

    Args:
        answer: takes a request and returns the path of its sound; what it raises is that request's failure.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever libraries print belongs to the log
    sys.stdout = sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            said = {"id": request["id"], "path": answer(request)}
        except Exception as error:
            traceback.print_exc()
            if type(error).__name__ == "OutOfMemoryError":
                raise  # another start has an empty memory
            said = {"id": request["id"], "error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def checkout_first() -> None:
    """Let the checkout, which is the working directory, be imported from, in front of what is installed."""
    sys.path.insert(0, str(Path.cwd()))
