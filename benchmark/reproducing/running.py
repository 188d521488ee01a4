"""A plan carried out: each model answers each subset once, and after each the verdicts so far are on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmark.reproducing.judging import Made, judge, made_rows
from benchmark.reproducing.plan import Plan
from benchmark.reproducing.records import ReproductionRecord
from benchmark.reproducing.write import write_reproduction
from benchmark.runs import RunDirectory

Answer = Callable[[str, str], RunDirectory | str]  # from a model and a subset to its scored run, or why there is none


def carry_out(plan: Plan, answer: Answer, out: Path) -> tuple[ReproductionRecord, list[Made]]:
    """Return the record of a plan, and the rows that have a run.

    What is there already is `answer`'s to know: generating and scoring go on where they stopped. A row that has not
    been reached when this is killed is in the files on disk as not made.

    Args:
        plan: the rows.
        answer: makes and scores one run; two rows of one model and subset share it.
        out: folder of the files, see `write_reproduction`.

    Raises:
        benchmark.report.results.MixedRuns: the runs cannot share a table.
        foundation.files.WriteFailed: the files cannot be written.
    """
    runs: dict[tuple[str, str], RunDirectory] = {}
    lost: dict[tuple[str, str], str] = {}
    for model, subset in dict.fromkeys((row.model, row.subset) for row in plan.rows):
        found = answer(model, subset)
        if isinstance(found, str):
            lost[model, subset] = found
        else:
            runs[model, subset] = found
        made = made_rows(plan, runs)
        record = judge(plan, made, lost)
        write_reproduction(record, out)
    return record, made
