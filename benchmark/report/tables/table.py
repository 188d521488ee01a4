"""From rows to a table: which columns and sections it has, the text of every cell, and which values are best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmark.report.results import Results, Row
from benchmark.report.tables.cells import (
    SECTION_TITLES,
    Block,
    Breadth,
    Cell,
    Column,
    Line,
    Rank,
    Section,
    Table,
    reach_in_standard_errors,
)
from benchmark.report.tables.criteria import criterion_metric
from benchmark.report.tables.marks import DASH, marks_of
from benchmark.report.tables.notes import caption, interval_note, notes_below
from benchmark.runs import MetricValue
from metrics.registry import list_metrics

DEFAULT_LEVEL = 0.95


def build_table(
    results: Results,
    *,
    breadth: Breadth = "compact",
    intervals: bool = True,
    standard_errors: bool = False,
    heading: str = "Model",
    decimals: Mapping[str, int] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Table:
    """Return the table of these rows.

    Best and second are decided on the rounded values, as a reader sees them, so equal numbers share a mark; a mark
    needs at least two (best) or three (second) ranked rows with a value. Controls, random weights and rows that lack
    samples are never ranked; published rows are ranked among themselves, as they are printed, and never with runs.

    Args:
        results: rows that agree with one another.
        breadth: which columns.
        intervals: whether formats show the intervals.
        standard_errors: show standard errors instead.
        heading: title of the first column.
        decimals: decimals that differ from the registry's, by metric name.
        labels: what the first column shows, by row key; the model's name where left out.
    """
    criteria = results.rated.criteria if results.rated else ()
    columns = _columns(results.rows, breadth, decimals or {}, criteria)
    blocks = tuple(_block(subset, results.of(subset), columns, labels or {}) for subset in results.subsets)
    notes = (*((results.rated.note,) if results.rated else ()), *notes_below(blocks, columns, intervals))
    beside = interval_note(results, standard_errors)
    return Table(columns, blocks, caption(results), notes, heading, intervals, standard_errors, beside)


def _columns(
    rows: Sequence[Row], breadth: Breadth, decimals: Mapping[str, int], criteria: Sequence[str]
) -> tuple[Column, ...]:
    kept = []
    records = [row.record.scoring.metrics if row.record else () for row in rows]
    by_name = {name for names in records for name in names}
    usual = not all(records)  # a row that was not asked for certain metrics alone
    for metric in (*map(criterion_metric, criteria), *list_metrics(extended=True)):  # what was asked for, in sight
        there = any(_value(row, metric.name) is not None or metric.name in row.texts for row in rows)
        named, wanted = metric.name in by_name, breadth == "full" or metric.field == "win"
        if named or (metric.headline and usual) or (there and wanted):
            kept.append(Column(metric, decimals.get(metric.name, metric.decimals), named))
    return tuple(kept)


def _value(row: Row, metric: str) -> float | None:
    found = row.values.get(metric)
    return None if found is None or found.value is None or not math.isfinite(found.value) else found.value


def _block(subset: str, rows: Sequence[Row], columns: Sequence[Column], labels: Mapping[str, str]) -> Block:
    ranks = {column.metric.name: _ranks(rows, column) for column in columns}
    sections = []
    for name in SECTION_TITLES:
        lines = tuple(
            _line(row, columns, {metric: found.get(row.key, 0) for metric, found in ranks.items()}, labels)
            for row in rows
            if _section(row) == name
        )
        if lines:
            sections.append(Section(name, lines))
    return Block(subset, tuple(sections))


def _section(row: Row) -> str:
    return {"control": "controls", "published": "published"}.get(row.kind, "models")


def _ranks(rows: Sequence[Row], column: Column) -> dict[str, Rank]:
    if not column.metric.sign:
        return {}
    name = column.metric.name
    own = {row.key: column.text(v) for row in rows if row.ranked and (v := _value(row, name)) is not None}
    printed = {row.key: row.texts[name] for row in rows if row.kind == "published" and name in row.texts}
    return _best_two(own, column) | _best_two(printed, column)


def _best_two(texts: Mapping[str, str], column: Column) -> dict[str, Rank]:
    shown = {key: float(text) for key, text in texts.items()}
    distinct = sorted(set(shown.values()), reverse=column.metric.better == "higher")
    if len(distinct) < 2:
        return {}
    first, second = distinct[0], distinct[1] if len(shown) > 2 else None
    return {key: 1 if value == first else 2 for key, value in shown.items() if value in (first, second)}


def _line(row: Row, columns: Sequence[Column], ranks: Mapping[str, Rank], labels: Mapping[str, str]) -> Line:
    cells = tuple(_cell(row, column, ranks[column.metric.name]) for column in columns)
    coverage = DASH if row.expected is None else f"{row.scored if row.scored is not None else 0}/{row.expected}"
    return Line(row, cells, labels.get(row.key, row.model), marks_of(row), coverage)


def _cell(row: Row, column: Column, rank: Rank) -> Cell:
    name = column.metric.name
    if name in row.texts:
        return Cell(row.texts[name], float(row.texts[name]), rank=rank)
    value, found = _value(row, name), row.values.get(name)
    if value is None or found is None:
        return Cell(DASH, reason=_reason(found))
    fewer = row.scored is not None and found.n != row.scored
    if found.ci95 is None:
        return Cell(column.text(value), value, rank=rank, fewer=fewer)
    low, high = found.ci95
    level = row.record.scoring.confidence if row.record else DEFAULT_LEVEL
    error = column.text((high - low) / 2 / reach_in_standard_errors(level))
    return Cell(column.text(value), value, (column.text(low), column.text(high)), error, rank, fewer)


def _reason(found: MetricValue | None) -> str:
    if found is None:
        return "not scored"
    return found.reason or "no finite value"
