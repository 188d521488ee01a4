"""Two runs against each other, sample by sample and as sets."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.report.comparison.changes import SIGNIFICANT, Change, Comparison, LargestGap, Scope
    from benchmark.report.comparison.compare import compare_runs

_HOMES = {
    "Change": "benchmark.report.comparison.changes",
    "Comparison": "benchmark.report.comparison.changes",
    "LargestGap": "benchmark.report.comparison.changes",
    "SIGNIFICANT": "benchmark.report.comparison.changes",
    "Scope": "benchmark.report.comparison.changes",
    "compare_runs": "benchmark.report.comparison.compare",
}
__all__ = [
    "SIGNIFICANT",
    "Change",
    "Comparison",
    "LargestGap",
    "Scope",
    "compare_runs",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
