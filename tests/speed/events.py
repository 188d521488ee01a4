"""What an event costs where nobody listens, and where a trace is written.

PYTHONPATH=tests python -m speed events
"""

from __future__ import annotations

import sys
import tempfile
import timeit
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.trace import tracing
from foundation.events import span
from foundation.measurements import Figure
from speed.board import show, significant

CALLS, ROUNDS = 20_000, 7
TARGET_MICROSECONDS = 1.0
BATCH = tuple(f"sample{number:02d}" for number in range(16))


def one() -> None:
    """Do nothing in a span of one sample."""
    with span("generate", BATCH[:1]):
        pass


def sixteen() -> None:
    """Do nothing in a span of a batch, whose samples are named one by one."""
    with span("generate", (name for name in BATCH)):
        pass


def microseconds(work: object, calls: int) -> float:
    """Return the least time of a call."""
    return significant(1e6 * min(timeit.repeat(work, number=calls, repeat=ROUNDS)) / calls)  # type: ignore[arg-type]


def measure(_arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield the time of an event, off and on."""
    for what, work in (("one sample", one), ("a batch of 16", sixteen)):
        off = microseconds(work, CALLS)
        yield Figure(what=f"an event of {what}, nobody listens", figure=off, unit="µs", at_most=TARGET_MICROSECONDS)
        with tempfile.TemporaryDirectory() as folder, tracing(Path(folder) / "trace.json"):
            yield Figure(what=f"an event of {what}, in a trace", figure=microseconds(work, CALLS // 10), unit="µs")


if __name__ == "__main__":
    sys.exit(show(measure()))
