"""What comes out of finished runs: tables, figures, a page to open from disk, comparisons and exports.

Public names resolve on first use, so importing this package costs nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "MixedRuns": "benchmark.report.results",
    "ReportPaths": "benchmark.report.write",
    "build_table": "benchmark.report.tables",
    "collect": "benchmark.report.results",
    "compare_runs": "benchmark.report.comparison",
    "export_model_index": "benchmark.report.leaderboard",
    "render_terminal": "benchmark.report.terminal",
    "submit_check": "benchmark.report.leaderboard",
    "write_figures": "benchmark.report.figures",
    "write_report": "benchmark.report.write",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
