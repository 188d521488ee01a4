"""A line below the bars: how fast each stage is, what waits between two of them, and the memory of the GPU."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import Any

from foundation.events import Event

WINDOW_SECONDS = 10.0
# Two stages of a sample, and what it waits for between them.
_QUEUES = (("decode", "generate"), ("generate", "write"))
_GIGABYTE = 1e9


class Live:
    """Counts events; a listener of `foundation.events`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began_ns = time.perf_counter_ns()
        self._done: dict[str, set[str]] = {}
        self._recent: dict[str, deque[tuple[int, int]]] = {}

    def __call__(self, event: Event) -> None:
        """Take an event into account."""
        with self._lock:
            self._done.setdefault(event.stage, set()).update(event.samples)
            recent = self._recent.setdefault(event.stage, deque())
            recent.append((time.perf_counter_ns(), len(event.samples)))

    def text(self) -> str:
        """Return rates over the last seconds, queues that are not empty, and memory; empty before anything happened."""
        with self._lock:
            parts = [self._rate(stage) for stage in self._recent]
            parts += [self._waiting(*stages) for stages in _QUEUES]
        if not any(parts):
            return ""
        return " · ".join(filter(None, [*parts, gpu_memory()]))

    def _rate(self, stage: str) -> str:
        recent, now = self._recent[stage], time.perf_counter_ns()
        while recent and now - recent[0][0] > 1e9 * WINDOW_SECONDS:
            recent.popleft()
        if not recent:
            return ""
        seconds = min(WINDOW_SECONDS, (now - self._began_ns) / 1e9)
        return f"{stage} {sum(count for _, count in recent) / seconds:.1f}/s"

    def _waiting(self, before: str, after: str) -> str:
        """Tell how many samples are past one stage and not past the next; nothing where a stage is not there."""
        if before not in self._done:
            return ""
        count = len(self._done[before] - self._done.get(after, set()))
        return f"{count} wait to {after}" if count else ""


def gpu_memory() -> str:
    """Return what is taken of the GPU's memory; empty where this process uses none."""
    torch: Any = sys.modules.get("torch")  # what is not imported is not used
    if torch is None or not torch.cuda.is_initialized():
        return ""
    free, total = torch.cuda.mem_get_info()
    return f"GPU {(total - free) / _GIGABYTE:.1f} of {total / _GIGABYTE:.0f} GB"
