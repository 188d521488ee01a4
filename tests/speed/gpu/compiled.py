"""SELVA-S-16k from frames in memory with `--compile`: what the first batch costs, and the rate after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from speed.gpu import eager

SECONDS = 120


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield what `eager` does, compiled."""
    yield from eager.measure(options, compiled=True)
