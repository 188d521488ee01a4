"""A table as data: columns, blocks, sections, lines and cells as text; `table` builds them, the formats draw them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from benchmark.report.results import Row
from benchmark.report.subsets import subset_title
from metrics.registry import Metric

SECTION_TITLES = {"models": "Models", "controls": "Controls", "published": "Published"}

Breadth = Literal["compact", "full"]  # compact: the paper's seven columns and the win rates; full: every metric
Rank = Literal[0, 1, 2]  # 1 best, 2 second, 0 neither


@dataclass(frozen=True)
class Column:
    """One metric as a column.

    Attributes:
        metric: its row in the registry.
        decimals: how many it shows here.
        named: runs were asked for it by name, so it is shown wherever the headline metrics are.
    """

    metric: Metric
    decimals: int
    named: bool = False

    @property
    def foremost(self) -> bool:
        """Whether it is shown where there is little room."""
        return self.metric.headline or self.named

    @property
    def heading(self) -> str:
        """Label and direction."""
        return self.metric.heading

    def text(self, value: float) -> str:
        """Return a value rounded for this column; never as minus zero."""
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
        fewer: the value is based on fewer samples than the row's count.
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
    cells: tuple[Cell, ...]  # one per column
    label: str
    marks: str
    coverage: str  # "499/500", or a dash

    @property
    def title(self) -> str:
        """The label, and of how many seeds the values are the mean, where there are several."""
        return f"{self.label} ({len(self.row.seeds)} seeds)" if self.row.of_seeds else self.label


@dataclass(frozen=True)
class Section:
    """Rows of one kind: models, controls or published."""

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
        """Notes; the first says what the numbers next to the values are, where there are any."""
        return (self.interval_note, *self.notes) if self.intervals and self.interval_note else self.notes

    def beside(self, cell: Cell) -> str:
        """Return what is shown next to a value: its interval, its standard error, or nothing."""
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


def reach_in_standard_errors(level: float) -> float:
    """Return how many standard errors a normal interval of this level reaches to either side: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)
