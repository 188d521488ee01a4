"""Which runs of earlier commands a table keeps beside those that were just scored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from benchmark.report.results import MixedRuns, collect, what_differs
from benchmark.report.scored_on import check_scored_on
from benchmark.runs import MetricsRecord, RunDirectory, UnusableRun, find_runs
from benchmark.scored import read_samples_table


def with_earlier(
    runs: Sequence[RunDirectory], folder: Path, home: Path, *, without: Collection[str] = ()
) -> tuple[list[RunDirectory], dict[str, list[str]]]:
    """Return these runs and the scored runs of a folder that can share a table with them.

    Args:
        runs: those that were just scored; they can share a table.
        folder: runs of one benchmark, `<subset>/<run>`.
        home: directory of the benchmark.
        without: `<subset>/<run>` of earlier runs that are no longer what they were.

    Returns:
        The runs; and those that are left out, `<subset>/<run>`, by the reason.

    Raises:
        MixedRuns: `runs` cannot share a table.
    """
    collect(runs)
    records = [run.read_metrics() for run in runs]
    own = {run.path.resolve() for run in runs}
    kept, left_out = list(runs), dict[str, list[str]]()
    for run in find_runs(folder) if folder.is_dir() else []:
        if run.path.resolve() in own or _name(run) in without:
            continue
        try:
            record = run.read_metrics()
            why = _why_not(run, record, records, home)
        except UnusableRun as error:
            why = str(error)
        if not why:
            kept.append(run)
            records.append(record)
        else:
            left_out.setdefault(why, []).append(_name(run))
    try:
        collect(kept)
    except (MixedRuns, UnusableRun) as error:  # runs that are alike one by one, such as two of one name
        others = [_name(run) for run in kept if run.path.resolve() not in own]
        return list(runs), {**left_out, " ".join(str(error).split()): others}
    return kept, left_out


def _name(run: RunDirectory) -> str:
    return f"{run.path.parent.name}/{run.path.name}"


def _why_not(run: RunDirectory, record: MetricsRecord, beside: Sequence[MetricsRecord], home: Path) -> str:
    """Return why a run is not shown beside others; "" where it is.

    Raises:
        UnusableRun: its scores cannot be read.
    """
    if found := next(filter(None, (what_differs(one, record) for one in beside)), ""):
        return found
    try:
        check_scored_on(home, [(run, record)])
    except UnusableRun:
        return "scored on an earlier build of the benchmark"
    read_samples_table(run, record)
    return ""
