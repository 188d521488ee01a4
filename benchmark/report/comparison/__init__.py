"""Two runs against each other, sample by sample and as sets."""

from foundation.names import lazy_exports

_HOMES = {
    "Change": "benchmark.report.comparison.compare",
    "Comparison": "benchmark.report.comparison.compare",
    "LargestGap": "benchmark.report.comparison.compare",
    "compare_runs": "benchmark.report.comparison.compare",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
