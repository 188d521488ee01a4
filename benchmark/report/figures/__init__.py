"""Figures: scores, panels of single samples, ratings, statistics of a benchmark."""

from foundation.names import lazy_exports

_HOMES = {
    "DEFAULT_OUT": "benchmark.report.figures.write",
    "SCATTERS": "benchmark.report.figures.write",
    "sample_panels": "benchmark.report.figures.write",
    "write_figures": "benchmark.report.figures.write",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
