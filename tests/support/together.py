"""Proof that files are looked at by threads: the first two looks wait for one another."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from foundation import work


def wait_for_a_second(patch: pytest.MonkeyPatch, name: str, look: Callable[[Any], Any]) -> list[Any]:
    """Replace the function of this dotted name; its first two calls end together or, in one thread, with an error.

    Returns:
        What it is called with, in the order of the calls.
    """
    together, count, seen = threading.Barrier(2), itertools.count(), []

    def waiting(path: Any) -> Any:
        seen.append(path)
        if next(count) < 2:
            together.wait(timeout=20)
        return look(path)

    patch.setattr(work, "_FILES_TOGETHER", 1)
    patch.setattr(work, "available_cores", lambda: 2)
    patch.setattr(name, waiting)
    return seen
