"""A table as data: which columns, blocks, sections and cells, with their text and marks; formats only draw it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from benchmark.report.results import Results, Row
from benchmark.report.subsets import counted, subset_title
from benchmark.runs import MetricValue
from metrics.registry import Metric, list_metrics

DASH = "–"
SECTION_TITLES = {"models": "Models", "controls": "Controls", "published": "Published"}
DEFAULT_LEVEL = 0.95
PARTIAL, UNVERIFIED, UNTRAINED, FEWER = "†", "‡", "§", "*"

Breadth = Literal["compact", "full"]  # compact: the paper's seven columns and the win rates; full: every metric
Rank = Literal[0, 1, 2]  # 1 best, 2 second, 0 neither


@dataclass(frozen=True)
class Column:
    """One metric as a column: its row in the registry and how many places it shows here."""

    metric: Metric
    decimals: int

    @property
    def heading(self) -> str:
        """Label and direction."""
        return f"{self.metric.label} {self.metric.arrow}"

    def text(self, value: float) -> str:
        """Return a value rounded for this column; nothing is ever shown as minus zero."""
        text = f"{value:.{self.decimals}f}"
        return text.removeprefix("-") if float(text) == 0 else text


@dataclass(frozen=True)
class Cell:
    """One value as text.

    Attributes:
        text: rounded value, or a dash.
        value: the value before rounding, or what was printed; None for a dash.
        interval: lower and upper end as text, or None.
        error: standard error as text, or None.
        rank: 1 best of the ranked rows of its block, 2 second.
        fewer: the value rests on fewer samples than the row's count says.
        reason: why there is no value.
    """

    text: str
    value: float | None = None
    interval: tuple[str, str] | None = None
    error: str | None = None
    rank: Rank = 0
    fewer: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    row: Row
    cells: tuple[Cell, ...]  # one a column
    label: str
    marks: str
    coverage: str  # "499/500", or a dash


@dataclass(frozen=True)
class Section:
    """Rows of one sort: models, controls or published."""

    name: str
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """Heading."""
        return SECTION_TITLES[self.name]


@dataclass(frozen=True)
class Block:
    """One subset of the benchmark."""

    subset: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """Heading, as the paper has it."""
        return subset_title(self.subset)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Rows of all sections."""
        return tuple(line for section in self.sections for line in section.lines)


@dataclass(frozen=True)
class Table:
    """Everything a format needs to draw."""

    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    caption: str
    notes: tuple[str, ...]
    heading: str = "Model"
    intervals: bool = True
    standard_errors: bool = False
    interval_note: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Notes, headed by what stands beside the values where something does."""
        return (self.interval_note, *self.notes) if self.intervals and self.interval_note else self.notes

    def beside(self, cell: Cell) -> str:
        """Return what stands beside a value: its interval, its standard error, or nothing."""
        if not self.intervals:
            return ""
        if self.standard_errors:
            return f"± {cell.error}" if cell.error else ""
        return f"[{cell.interval[0]}, {cell.interval[1]}]" if cell.interval else ""

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Groups of neighbouring columns: title and number of columns."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and spans[-1][0] == column.metric.group:
                spans[-1] = (column.metric.group, spans[-1][1] + 1)
            else:
                spans.append((column.metric.group, 1))
        return tuple(spans)


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
    needs at least two (best) or three (second) ranked rows with a value. Controls, published rows, random weights and
    rows that lack samples are never ranked.

    Args:
        results: rows that agree with one another.
        breadth: which columns.
        intervals: whether formats show the intervals.
        standard_errors: show standard errors in their place.
        heading: title of the first column.
        decimals: places that differ from the registry's, by metric name.
        labels: what the first column shows, by row key; the model's name where left out.
    """
    columns = _columns(results.rows, breadth, decimals or {})
    blocks = tuple(_block(subset, results.of(subset), columns, labels or {}) for subset in results.subsets)
    notes = _notes(blocks, columns, intervals)
    beside = _interval_note(results, standard_errors)
    return Table(columns, blocks, caption(results), notes, heading, intervals, standard_errors, beside)


def _columns(rows: Sequence[Row], breadth: Breadth, decimals: Mapping[str, int]) -> tuple[Column, ...]:
    kept = []
    for metric in list_metrics(extended=True):
        there = any(_value(row, metric.name) is not None or metric.name in row.texts for row in rows)
        wanted = breadth == "full" or metric.field == "win"
        if metric.headline or (there and wanted):
            kept.append(Column(metric, decimals.get(metric.name, metric.decimals)))
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
    shown = {
        row.key: float(column.text(value))
        for row in rows
        if row.ranked and (value := _value(row, column.metric.name)) is not None
    }
    distinct = sorted(set(shown.values()), reverse=column.metric.better == "higher")
    if len(distinct) < 2:
        return {}
    first, second = distinct[0], distinct[1] if len(shown) > 2 else None
    return {key: 1 if value == first else 2 for key, value in shown.items() if value in (first, second)}


def _line(row: Row, columns: Sequence[Column], ranks: Mapping[str, Rank], labels: Mapping[str, str]) -> Line:
    cells = tuple(_cell(row, column, ranks[column.metric.name]) for column in columns)
    coverage = DASH if row.expected is None else f"{row.scored if row.scored is not None else 0}/{row.expected}"
    return Line(row, cells, labels.get(row.key, row.model), marks_of(row), coverage)


def marks_of(row: Row) -> str:
    """Return what a row's name carries wherever it stands: signs that `MARKS` explains."""
    held = {PARTIAL: row.partial, UNVERIFIED: row.unverified, UNTRAINED: row.untrained}
    return "".join(mark for mark, holds in held.items() if holds)


def marks_explained(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the signs that these rows carry, each with its meaning."""
    carried = "".join(marks_of(row) for row in rows)
    return tuple(f"{mark} {meaning}" for mark, meaning in MARKS.items() if mark in carried)


def _cell(row: Row, column: Column, rank: Rank) -> Cell:
    name = column.metric.name
    if name in row.texts:
        return Cell(row.texts[name], float(row.texts[name]))
    value, found = _value(row, name), row.values.get(name)
    if value is None or found is None:
        return Cell(DASH, reason=_reason(found))
    fewer = row.scored is not None and found.n != row.scored
    if found.ci95 is None:
        return Cell(column.text(value), value, rank=rank, fewer=fewer)
    low, high = found.ci95
    level = row.record.scoring.confidence if row.record else DEFAULT_LEVEL
    error = column.text((high - low) / 2 / _reach(level))
    return Cell(column.text(value), value, (column.text(low), column.text(high)), error, rank, fewer)


def _reach(level: float) -> float:
    """How many standard errors a normal interval of this level reaches to either side."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _reason(found: MetricValue | None) -> str:
    if found is None:
        return "not scored"
    return found.reason or "no finite value"


def caption(results: Results) -> str:
    """Return what was scored, on what and how: the sentences that stand at every table."""
    if not results.benchmarks or results.scoring is None:
        return "Numbers as printed in arXiv:2512.02650, on the authors' own list of clips."
    version = next(iter(results.benchmarks.values())).version
    scoring = results.scoring
    counts = counted({name: results.benchmarks[name].samples for name in results.subsets if name in results.benchmarks})
    return (
        f"{results.name} {version} ({counts}), profile {scoring.profile}; reference video: "
        f"{scoring.reference_video}; KAD bandwidth from the {scoring.bandwidth_from} set. "
        f"n/N: samples scored of samples asked.{_PROFILE_WARNINGS.get(scoring.profile, '')}"
    )


_PROFILE_WARNINGS = {
    "signal": " Profile signal needs no networks: CLAP is the cosine to the label's own sources, DeSync the lag of "
    "onsets against motion; none of these numbers compares with published ones."
}


def _interval_note(results: Results, standard_errors: bool) -> str:
    if results.scoring is None:
        return ""
    drawn = {row.record.scoring.resamples for row in results.rows if row.record}
    resamples = " or ".join(f"{count:,}" for count in sorted(drawn))
    level = f"{100 * results.scoring.confidence:g}%"
    drawn_how = f"{resamples} resamples by {results.scoring.resample_by}"
    if standard_errors:
        reach = f"{_reach(results.scoring.confidence):.2f}"
        return f"After ±: standard errors, half the width of the {level} intervals over {reach} ({drawn_how})."
    return f"In brackets: {level} bootstrap intervals, {drawn_how}."


def _notes(blocks: Iterable[Block], columns: Sequence[Column], intervals: bool) -> tuple[str, ...]:
    lines = [(block, line) for block in blocks for line in block.lines]
    notes = []
    if any(cell.rank for _, line in lines for cell in line.cells):
        notes.append("Best in bold, second underlined, among models scored on every sample.")
    if any(line.row.kind == "control" for _, line in lines):
        notes.append("Controls show the range of a metric and are not ranked.")
    notes += marks_explained(line.row for _, line in lines)
    for block, line in lines:
        cells = zip(columns, line.cells, strict=True)
        short = [f"{c.metric.label} {line.row.values[c.metric.name].n}" for c, cell in cells if cell.fewer]
        if short:
            notes.append(f"{FEWER} {line.label}, {block.title}: fewer samples: {', '.join(short)}.")
    if intervals:
        notes += _without_interval(lines, columns)
    sources = dict.fromkeys(line.row.source for _, line in lines if line.row.source)
    notes += [f"Published rows: {source}." for source in sources]
    for line in {line.row.key: line for _, line in lines}.values():
        notes += [f"{line.label}: {note.rstrip('.')}." for note in line.row.notes]
    return tuple(notes)


def _without_interval(lines: Sequence[tuple[Block, Line]], columns: Sequence[Column]) -> list[str]:
    """Name the values that stand without an interval; columns that have none at all share one sentence."""
    whole, notes = [], []
    for place, column in enumerate(columns):
        scored = [(block, line) for block, line in lines if line.row.kind != "published"]
        shown = [(block, line) for block, line in scored if line.cells[place].value is not None]
        bare = [f"{line.label} ({block.title})" for block, line in shown if line.cells[place].interval is None]
        if bare and len(bare) == len(shown):
            whole.append(column.metric.label)
        elif bare:
            notes.append(f"No interval for {column.metric.label} of {', '.join(bare)}.")
    return [*([f"No interval for {', '.join(whole)}."] if whole else []), *notes]


MARKS = {
    PARTIAL: "Not every sample of the subset was scored; the value rests on n of N and is not ranked.",
    UNVERIFIED: "A checkpoint's hash was not verified.",
    UNTRAINED: "Random weights: for timing only; not ranked.",
}
