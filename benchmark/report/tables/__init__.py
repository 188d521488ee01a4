"""Tables: their cells, the paper's presets, and the formats they are written in."""

from foundation.names import lazy_exports

_HOMES = {
    "Block": "benchmark.report.tables.table",
    "Cell": "benchmark.report.tables.table",
    "Column": "benchmark.report.tables.table",
    "DASH": "benchmark.report.tables.table",
    "Line": "benchmark.report.tables.table",
    "Section": "benchmark.report.tables.table",
    "Table": "benchmark.report.tables.table",
    "build_table": "benchmark.report.tables.table",
    "caption": "benchmark.report.tables.table",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
