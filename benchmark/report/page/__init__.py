"""The page: one HTML file that opens from disk."""

from foundation.names import lazy_exports

_HOMES = {
    "write_page": "benchmark.report.page.write",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
