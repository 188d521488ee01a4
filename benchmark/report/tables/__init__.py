"""Tables: their cells, the paper's presets, and the formats they are written in."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.report.tables.cells import SECTION_TITLES, Block, Breadth, Cell, Column, Line, Rank, Section, Table
    from benchmark.report.tables.marks import DASH, MARKS, marks_explained, marks_of
    from benchmark.report.tables.notes import caption
    from benchmark.report.tables.table import DEFAULT_LEVEL, build_table
    from vgg_monoaudio.dataset import SUBSET_TITLES

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
__all__ = [
    "DASH",
    "DEFAULT_LEVEL",
    "MARKS",
    "SECTION_TITLES",
    "SUBSET_TITLES",
    "Block",
    "Breadth",
    "Cell",
    "Column",
    "Line",
    "Rank",
    "Section",
    "Table",
    "build_table",
    "caption",
    "marks_explained",
    "marks_of",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
