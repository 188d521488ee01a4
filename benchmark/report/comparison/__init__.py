"""Two runs against each other, sample by sample and as sets."""

from foundation.names import lazy_exports

_HOMES = {
    "Change": "benchmark.report.comparison.changes",
    "Comparison": "benchmark.report.comparison.changes",
    "LargestGap": "benchmark.report.comparison.changes",
    "SIGNIFICANT": "benchmark.report.comparison.changes",
    "Scope": "benchmark.report.comparison.changes",
    "compare_runs": "benchmark.report.comparison.compare",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
