"""The harness: one run, from a benchmark directory to a table.

Nothing is imported eagerly, because `--help` has to be quick. `benchmark.media` and `benchmark.checkpoints` are the
addresses that model code uses for `foundation.media` and `foundation.checkpoints`.
"""

from foundation.moved import serve_moved
from foundation.names import lazy_exports

_HOMES = {
    "Choices": "benchmark.choices",
    "evaluate": "benchmark.evaluation",
    "generate": "benchmark.generation",
    "score_folders": "benchmark.folders",
    "media": "foundation.media:",
    "checkpoints": "foundation.checkpoints:",
}
__all__ = ["Choices", "evaluate", "generate", "score_folders"]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
serve_moved(
    __name__,
    {
        "isolation": "foundation.isolation",
        "media.files": "foundation.media.opening foundation.files",
        "pool": "foundation.pool",
        "transfer": "foundation.transfer",
    },
    kept={"media": "foundation.media", "checkpoints": "foundation.checkpoints"},
)
