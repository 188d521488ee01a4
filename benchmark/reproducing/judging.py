"""From finished runs to a record: every printed number beside the measured one, with its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.reproducing.plan import Plan, PlannedRow
from benchmark.reproducing.records import CellRecord, OpenChoice, ReproductionRecord, RowRecord
from benchmark.reproducing.verdict import verdict
from benchmark.runs import MetricsRecord, RunDirectory
from metrics.registry import list_metrics


@dataclass(frozen=True)
class Made:
    """A row that has a run.

    Attributes:
        row: as planned.
        run: where it is.
        record: its metrics.
    """

    row: PlannedRow
    run: RunDirectory
    record: MetricsRecord


def made_rows(plan: Plan, runs: Mapping[tuple[str, str], RunDirectory]) -> list[Made]:
    """Return the rows that have a scored run.

    Args:
        plan: the rows.
        runs: model and subset to the run directory.

    Raises:
        benchmark.runs.UnusableRun: a run has no readable metrics.
    """
    there = [(row, runs[row.model, row.subset]) for row in plan.rows if (row.model, row.subset) in runs]
    return [Made(row, run, run.read_metrics()) for row, run in there]


def judge(plan: Plan, made: Sequence[Made], lost: Mapping[tuple[str, str], str] | None = None) -> ReproductionRecord:
    """Return the record of a plan: the rows in the table's order.

    Args:
        plan: the rows.
        made: those that have a run.
        lost: model and subset of the others, to the reason why they have none.

    Raises:
        benchmark.report.results.MixedRuns: the runs cannot share a table.
    """
    from benchmark.report.results import check_alike

    check_alike([(one.run, one.record) for one in made if one.record.benchmark.name == made[0].record.benchmark.name])
    by_row = {id(one.row): one for one in made}
    return ReproductionRecord(
        table=plan.table,
        published=plan.file.name,
        sources=list(dict.fromkeys(row.source for row in plan.every)),
        scoring=made[0].record.scoring if made else None,
        rows=[_row(plan, row, by_row.get(id(row)), (lost or {}).get((row.model, row.subset), "")) for row in plan.rows],
        left_out=list(plan.left_out),
        open_choices=open_choices(made),
    )


def _row(plan: Plan, row: PlannedRow, made: Made | None, lost: str) -> RowRecord:
    record = made.record if made else None
    return RowRecord(
        row=row.name,
        subset=row.subset,
        model=row.model,
        run=str(made.run.path) if made else None,
        scored=record.counts.scored if record else None,
        expected=record.counts.expected if record else None,
        unverified=record is not None and (record.model.unverified_weights or record.scoring.unverified_weights),
        cells=_cells(plan, row, record),
        lost=lost if made is None else "",
    )


def _cells(plan: Plan, row: PlannedRow, record: MetricsRecord | None) -> list[CellRecord]:
    return [
        verdict(
            metric, row.printed.texts[metric.name], record.metrics.get(metric.name) if record else None,
            column=plan.column(metric.name, row.subset), published_n=row.published_samples,
            untrained=record is not None and record.model.untrained,
        )
        for metric in list_metrics(headline=True)
        if metric.name in row.printed.texts
    ]  # fmt: skip


def open_choices(made: Sequence[Made]) -> list[OpenChoice]:
    """Return what the paper leaves open, and what was chosen in these runs; nothing where there is no run."""
    if not made:
        return []
    scoring, models = made[0].record.scoring, [one.record.model for one in made]
    found = [
        ("reference video", scoring.reference_video, "IB and DeSync; --reference-video"),
        ("unit of IB", "cosine", "as printed here; MMAudio prints it times 100"),
        ("bandwidth of KAD", scoring.bandwidth_from, "kadtk's code, not its README; --bandwidth-from"),
        ("frame rule", scoring.frame_rule, "of a reference video that is a few frames short; --frame-rule"),
        ("list of clips", f"{made[0].record.benchmark.name} {made[0].record.benchmark.version}",
         "the authors' own is not public"),
    ]  # fmt: skip
    guidance = [
        f"{model.options[key]:g} ({key})" for model in models for key in ("s_vis", "s_txt") if key in model.options
    ]
    if guidance:
        found.append(("guidance of VinTAGe", ", ".join(dict.fromkeys(guidance)), "its code has 2.5, its README 7.5"))
    return [OpenChoice(name=name, chosen=str(chosen), about=about) for name, chosen, about in found]
