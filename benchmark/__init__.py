"""The harness: one run, from a benchmark directory to a table.

Nothing is imported eagerly: `benchmark.media` and `benchmark.checkpoints` are the ground floor of the other packages,
and `--help` has to be quick.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Choices": "benchmark.evaluation",
    "evaluate": "benchmark.evaluation",
    "generate": "benchmark.generation",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
