"""Tables: their cells, the paper's presets, and the formats they are written in."""

from foundation.names import lazy_exports

_HOMES = {
    "Block": "benchmark.report.tables.cells",
    "Breadth": "benchmark.report.tables.cells",
    "Cell": "benchmark.report.tables.cells",
    "Column": "benchmark.report.tables.cells",
    "DASH": "benchmark.report.tables.marks",
    "Line": "benchmark.report.tables.cells",
    "DEFAULT_LEVEL": "benchmark.report.tables.table",
    "MARKS": "benchmark.report.tables.marks",
    "Rank": "benchmark.report.tables.cells",
    "SECTION_TITLES": "benchmark.report.tables.cells",
    "SUBSET_TITLES": "vgg_monoaudio.dataset",
    "Section": "benchmark.report.tables.cells",
    "Table": "benchmark.report.tables.cells",
    "build_table": "benchmark.report.tables.table",
    "caption": "benchmark.report.tables.notes",
    "marks_explained": "benchmark.report.tables.marks",
    "marks_of": "benchmark.report.tables.marks",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
