"""A printed table made again: what it needs, each number beside the printed one with a verdict, and why it differs."""

from foundation.names import lazy_exports

_HOMES = {
    "Case": "benchmark.reproducing.diagnosis",
    "CellRecord": "benchmark.reproducing.records",
    "Finding": "benchmark.reproducing.records",
    "Made": "benchmark.reproducing.judging",
    "Need": "benchmark.reproducing.needs",
    "Plan": "benchmark.reproducing.plan",
    "PlannedRow": "benchmark.reproducing.plan",
    "ReproductionRecord": "benchmark.reproducing.records",
    "RowRecord": "benchmark.reproducing.records",
    "Verdict": "benchmark.reproducing.records",
    "carry_out": "benchmark.reproducing.running",
    "command_of": "benchmark.reproducing.needs",
    "diagnose": "benchmark.reproducing.diagnosis",
    "files_of": "benchmark.reproducing.write",
    "home_of": "benchmark.reproducing.needs",
    "judge": "benchmark.reproducing.judging",
    "missing": "benchmark.reproducing.needs",
    "plan_of": "benchmark.reproducing.plan",
    "write_reproduction": "benchmark.reproducing.write",
}
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
