"""Figures: scores, panels of single samples, ratings, statistics of a benchmark."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.report.figures.write import DEFAULT_OUT, SCATTERS, sample_panels, write_figures

_HOMES = {
    "DEFAULT_OUT": "benchmark.report.figures.write",
    "SCATTERS": "benchmark.report.figures.write",
    "sample_panels": "benchmark.report.figures.write",
    "write_figures": "benchmark.report.figures.write",
}
__all__ = [
    "DEFAULT_OUT",
    "SCATTERS",
    "sample_panels",
    "write_figures",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
