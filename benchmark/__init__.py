"""The harness: one run, from a benchmark directory to a table.

Nothing is imported eagerly, because `--help` has to be quick. `benchmark.media` and `benchmark.checkpoints` are the
addresses that model code uses for `foundation.media` and `foundation.checkpoints`.
"""

from typing import TYPE_CHECKING

from foundation.moved import serve_moved
from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.choices import Choices
    from benchmark.evaluation import evaluate
    from benchmark.folders import score_folders
    from benchmark.generation import generate
    from benchmark.scored import read_samples
    from foundation import checkpoints, media

_HOMES = {
    "Choices": "benchmark.choices",
    "evaluate": "benchmark.evaluation",
    "generate": "benchmark.generation",
    "read_samples": "benchmark.scored",
    "score_folders": "benchmark.folders",
    "media": "foundation.media:",
    "checkpoints": "foundation.checkpoints:",
}
__all__ = [
    "Choices",
    "checkpoints",
    "evaluate",
    "generate",
    "media",
    "read_samples",
    "score_folders",
]
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
