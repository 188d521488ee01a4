"""A table of a study as data, and as Markdown, CSV and LaTeX text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.report.tables.formats import latex_document, latex_escaped, padded
from benchmark.report.tables.marks import DASH
from foundation.markup import markdown_escaped, spreadsheet_text
from metrics.uncertainty.intervals import Interval


@dataclass(frozen=True)
class Number:
    """A number as a cell.

    Attributes:
        value: None for a dash.
        decimals: shown.
        interval: lower and upper end; None where there is none.
        never_zero: show "<0.0001" where it would be rounded to 0, as for p-values.
    """

    value: float | None
    decimals: int = 2
    interval: tuple[float, float] | None = None
    never_zero: bool = False

    @property
    def text(self) -> str:
        """Rounded value, never minus zero; a dash where there is none."""
        if self.value is None:
            return DASH
        shown = _rounded(self.value, self.decimals)
        return f"<{10**-self.decimals:.{self.decimals}f}" if self.never_zero and float(shown) == 0 else shown

    @property
    def ends(self) -> str:
        """The interval in brackets; "" where there is none."""
        if self.interval is None:
            return ""
        return f"[{', '.join(_rounded(end, self.decimals) for end in self.interval)}]"


def _rounded(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


Entry = str | Number


def number(value: float | None, interval: Interval | None = None, decimals: int = 2) -> Number:
    """Return a number as a cell, with the ends of its interval where it has one."""
    return Number(value, decimals, interval.ends if interval is not None else None)


def p_value(value: float | None) -> Number:
    """Return a p-value as a cell."""
    return Number(value, 4, never_zero=True)


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        name: of its file, and its address on the page.
        title: heading.
        lead: one or two sentences on what it says.
        columns: headings; those of numbers with an interval are three columns in CSV.
        rows: an entry per column.
        notes: below it.
    """

    name: str
    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def with_ends(self) -> tuple[bool, ...]:
        """Which columns have an interval in some row."""
        columns = [[row[place] for row in self.rows] for place in range(len(self.columns))]
        return tuple(any(isinstance(e, Number) and e.interval is not None for e in column) for column in columns)


def shown(entry: Entry) -> str:
    """Return an entry as one text, a number with its interval."""
    return entry if isinstance(entry, str) else f"{entry.text} {entry.ends}".strip()


def to_markdown(sheet: Sheet) -> str:
    """Return a section: heading, lead, grid and notes."""
    parts = [f"## {markdown_escaped(sheet.title)}", markdown_escaped(sheet.lead)]
    if sheet.rows:
        rows = [[_markdown(entry) for entry in row] for row in sheet.rows]
        texts = {place for place, entry in enumerate(sheet.rows[0]) if isinstance(entry, str)}
        parts.append(padded([[markdown_escaped(name) for name in sheet.columns], *rows], texts))
    if sheet.notes:
        parts.append("\n".join(f"- {markdown_escaped(note)}" for note in sheet.notes))
    return "\n\n".join(part for part in parts if part)


def _markdown(entry: Entry) -> str:
    """Escape a text; brackets of an interval are no link, as no address follows them."""
    return markdown_escaped(entry) if isinstance(entry, str) else f"{markdown_escaped(entry.text)} {entry.ends}".strip()


def to_csv(sheet: Sheet) -> str:
    """Return the rows as CSV: a number with an interval in three columns, value, low and high; empty for no value.

    Values are not rounded, texts are safe for spreadsheets.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = zip(sheet.columns, sheet.with_ends, strict=True)
    writer.writerow(
        [
            spreadsheet_text(name)
            for head, ends in heads
            for name in ((head, f"{head} low", f"{head} high") if ends else (head,))
        ]
    )
    for row in sheet.rows:
        values: list[str] = []
        for entry, ends in zip(row, sheet.with_ends, strict=True):
            values += _csv_values(entry, ends)
        writer.writerow(values)
    return text.getvalue()


def _csv_values(entry: Entry, ends: bool) -> list[str]:
    if isinstance(entry, str):
        return [spreadsheet_text("" if entry == DASH else entry), *(("", "") if ends else ())]
    found = [entry.value, *(entry.interval or (None, None))][: 3 if ends else 1]
    return ["" if value is None else f"{value:.6g}" for value in found]


def to_latex(sheets: Sequence[Sheet], label: str) -> str:
    """Return the tables as LaTeX (booktabs): a whole document, or tables alone if a paper reads them with \\input."""
    lines: list[str] = []
    for sheet in sheets:
        if not sheet.rows:
            continue
        shape = "".join("l" if isinstance(entry, str) else "c" for entry in sheet.rows[0])
        lines += [r"\begin{table*}[t]", r"\centering", r"\resizebox{\textwidth}{!}{%", rf"\begin{{tabular}}{{{shape}}}"]
        lines += [r"\toprule", _latex_row(sheet.columns), r"\midrule", *map(_latex_row, sheet.rows), r"\bottomrule"]
        caption = " ".join([f"{sheet.title}.", sheet.lead, *sheet.notes])
        lines += [r"\end{tabular}}", rf"\caption{{{latex_escaped(caption)}}}", rf"\label{{{label}-{sheet.name}}}"]
        lines.append(r"\end{table*}")
    return latex_document("\n".join(lines))


def _latex_row(row: Sequence[Entry]) -> str:
    return " & ".join(map(_latex, row)) + r" \\"


def _latex(entry: Entry) -> str:
    text = latex_escaped(shown(entry))
    return text if isinstance(entry, str) or entry.value is None else text.replace("-", "$-$")
