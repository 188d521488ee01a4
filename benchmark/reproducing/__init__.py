"""A printed table made again: what it needs, each number beside the printed one with a verdict, and why it differs."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from benchmark.reproducing.diagnosis import Case, diagnose
    from benchmark.reproducing.judging import Made, judge
    from benchmark.reproducing.needs import Need, command_of, home_of, missing
    from benchmark.reproducing.plan import Plan, PlannedRow, plan_of
    from benchmark.reproducing.records import CellRecord, Finding, ReproductionRecord, RowRecord, Verdict
    from benchmark.reproducing.running import carry_out
    from benchmark.reproducing.write import files_of, write_reproduction

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
__all__ = [
    "Case",
    "CellRecord",
    "Finding",
    "Made",
    "Need",
    "Plan",
    "PlannedRow",
    "ReproductionRecord",
    "RowRecord",
    "Verdict",
    "carry_out",
    "command_of",
    "diagnose",
    "files_of",
    "home_of",
    "judge",
    "missing",
    "plan_of",
    "write_reproduction",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
