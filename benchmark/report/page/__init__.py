"""The page: one HTML file that opens from disk."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.report.page.write import write_page

_HOMES = {
    "write_page": "benchmark.report.page.write",
}
__all__ = [
    "write_page",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
