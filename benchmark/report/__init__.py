"""Reports on finished runs: tables, figures, a page to open from disk, comparisons and exports.

Public names resolve on first use, so importing this package costs nothing.
"""

from typing import TYPE_CHECKING

from foundation.moved import serve_moved
from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.report.comparison.compare import compare_runs
    from benchmark.report.figures.write import write_figures
    from benchmark.report.model_index import export_model_index
    from benchmark.report.results import MixedRuns, collect
    from benchmark.report.submission import submit_check
    from benchmark.report.tables.table import build_table
    from benchmark.report.tables.terminal import render_terminal
    from benchmark.report.write import ReportPaths, write_report

_HOMES = {
    "MixedRuns": "benchmark.report.results",
    "ReportPaths": "benchmark.report.write",
    "build_table": "benchmark.report.tables.table",
    "collect": "benchmark.report.results",
    "compare_runs": "benchmark.report.comparison.compare",
    "export_model_index": "benchmark.report.model_index",
    "render_terminal": "benchmark.report.tables.terminal",
    "submit_check": "benchmark.report.submission",
    "write_figures": "benchmark.report.figures.write",
    "write_report": "benchmark.report.write",
}
__all__ = [
    "MixedRuns",
    "ReportPaths",
    "build_table",
    "collect",
    "compare_runs",
    "export_model_index",
    "render_terminal",
    "submit_check",
    "write_figures",
    "write_report",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
serve_moved(
    __name__,
    {
        "comparison_sets": "benchmark.report.comparison.set_scores",
        "comparison_views": "benchmark.report.comparison.views",
        "drawing": "benchmark.report.figures.drawing",
        "figure_panels": "benchmark.report.figures.panels",
        "figure_ratings": "benchmark.report.figures.ratings",
        "figure_scores": "benchmark.report.figures.scores",
        "figure_statistics": "benchmark.report.figures.statistics",
        "formats": "benchmark.report.tables.formats",
        "leaderboard": "benchmark.report.submission benchmark.report.model_index",
        "page_data": "benchmark.report.page.data benchmark.report.samples",
        "page_media": "benchmark.report.page.media",
        "presets": "benchmark.report.tables.presets",
        "published": "benchmark.report.tables.published",
        "terminal": "benchmark.report.tables.terminal",
    },
)
