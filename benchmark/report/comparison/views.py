"""A comparison of two runs as Markdown, as a table in the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.report.comparison.changes import Change, Comparison
from benchmark.report.stability import STABILITY_NOTE, share_text
from benchmark.report.tables.cells import Column
from benchmark.report.tables.formats import padded
from benchmark.report.tables.marks import DASH
from foundation.markup import markdown_escaped
from metrics.registry import Metric

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

TITLES = {"all": "All samples", "category": "By target category", "label": "By target label"}
STABILITY = "How stable the order is, and the smallest difference that this test finds"
MOST_LABELS = 20  # lines of the longest list in a terminal; Markdown and JSON have all


def heads(comparison: Comparison, scope: str) -> list[str]:
    """Return the column titles of a list of changes."""
    named = [] if scope == "all" else [scope.capitalize()]
    return ["Metric", *named, comparison.first, comparison.second, "Difference", "Interval", "p", "Better", "n"]


def cells(comparison: Comparison, change: Change) -> list[str]:
    """Return a change as text, one entry per title of `heads`."""
    column = _column(change.metric)
    names = {"first": comparison.first, "second": comparison.second, "": DASH}
    interval = DASH
    if change.low is not None and change.high is not None:
        interval = f"[{column.text(change.low)}, {column.text(change.high)}]"
    sign = "+" if change.difference > 0 else ""
    return [
        column.heading,
        *([] if change.scope == "all" else [change.name]),
        column.text(change.first),
        column.text(change.second),
        sign + column.text(change.difference),
        interval,
        DASH if change.corrected is None else f"{change.corrected:.3f}" if change.corrected >= 0.001 else "<0.001",
        names[change.better],
        str(change.samples),
    ]


def stability_grid(comparison: Comparison) -> list[list[str]]:
    """Return how stable the order of the runs is in each metric, over all samples: titles, then a row a metric."""
    grid = [["Metric", "Ahead", "Changes places", "Difference", "Smallest detectable", "n"]]
    for change in comparison.of("all"):
        if change.detectable is None:
            continue
        column = _column(change.metric)
        lead = change.difference * change.metric.sign  # 0 too where neither direction is better
        ahead = DASH if lead == 0 else comparison.first if lead > 0 else comparison.second
        grid.append(
            [
                column.heading,
                ahead,
                share_text(change.reversals) if lead else DASH,
                column.text(abs(change.difference)),
                column.text(change.detectable),
                str(change.samples),
            ]
        )
    return grid


def to_markdown(comparison: Comparison) -> str:
    """Return the whole comparison as Markdown."""
    parts = [f"# {markdown_escaped(comparison.first)} against {markdown_escaped(comparison.second)}"]
    parts.append(markdown_escaped(comparison.caption))
    for scope, title in TITLES.items():
        changes = [change for change in comparison.changes if change.scope == scope and change.samples]
        if changes:
            grid = [heads(comparison, scope), *[cells(comparison, change) for change in changes]]
            parts += [f"## {title}", padded([[markdown_escaped(text) for text in row] for row in grid])]
    stability = stability_grid(comparison)
    if len(stability) > 1:
        texts = [[markdown_escaped(text) for text in row] for row in stability]
        parts += [f"## {STABILITY}", padded(texts), STABILITY_NOTE]
    parts.append("\n".join(f"- Untested: {markdown_escaped(text)}." for text in untested(comparison)))
    if comparison.apart:
        parts += ["## Samples furthest apart", padded(_gap_grid(comparison))]
    if comparison.only_one:
        parts.append(f"Scored in one run only, in no number above: {markdown_escaped(', '.join(comparison.only_one))}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _gap_grid(comparison: Comparison) -> list[list[str]]:
    grid = [["Metric", "Target", "Paired", comparison.first, comparison.second, "Sample"]]
    for gap in comparison.apart:
        column = _column(gap.metric)
        values = [column.text(gap.first), column.text(gap.second)]
        grid.append([column.heading, gap.label, gap.paired_label, *values, gap.sample])
    return [[markdown_escaped(text) for text in row] for row in grid]


def untested(comparison: Comparison) -> list[str]:
    """Return why tests are missing: one line per reason, with what it concerns."""
    concerned: dict[str, list[str]] = {}
    for change in comparison.changes:
        if change.p_value is None and change.reason:
            concerned.setdefault(change.reason, []).append(f"{change.metric.label} {change.name}".strip())
    return [f"{', '.join(dict.fromkeys(names))} ({reason})" for reason, names in concerned.items()]


def to_terminal(comparison: Comparison) -> Group:
    """Return the comparison for a terminal: everything but the labels of largest p-value."""
    from rich.console import Group
    from rich.text import Text

    shown: list[Any] = []
    for scope, title in TITLES.items():
        changes = [change for change in comparison.changes if change.scope == scope and change.samples]
        kept = _foremost(changes) if scope == "label" else changes
        rows = [heads(comparison, scope), *[cells(comparison, change) for change in kept]]
        shown += [_grid(title, rows, {place for place, change in enumerate(kept) if change.better})] if kept else []
        if len(kept) < len(changes):
            shown.append(
                Text(f"{len(changes) - len(kept)} more with larger p-values: write them all with --out.", style="dim")
            )
    stability = stability_grid(comparison)
    if len(stability) > 1:
        shown.append(_grid(STABILITY, stability))
    notes = [
        comparison.caption,
        STABILITY_NOTE if len(stability) > 1 else "",
        *[f"Untested: {text}." for text in untested(comparison)],
    ]
    return Group(*shown, *[Text(note, style="dim") for note in notes if note])


def _grid(title: str, rows: Sequence[Sequence[str]], bold: Collection[int] = ()) -> Table:
    """Return titles and rows of text as a table for a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=title, title_justify="left", title_style="italic", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(rows[0]):
        grid.add_column(Text(head), justify="left" if place == 0 else "right", overflow="fold")
    for place, row in enumerate(rows[1:]):
        grid.add_row(*[Text(text, style="bold" if place in bold else "") for text in row])
    return grid


def _foremost(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda change: (change.p_value is None, change.p_value or 0.0))[:MOST_LABELS]


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison for a program: numbers unrounded."""
    return {
        "first": comparison.first,
        "second": comparison.second,
        "caption": comparison.caption,
        **({"seeds": list(comparison.seeds)} if comparison.seeds else {}),
        "changes": [
            {
                "metric": change.metric.name,
                "scope": change.scope,
                "name": change.name,
                "samples": change.samples,
                "first": change.first,
                "second": change.second,
                "difference": change.difference,
                "interval": None if change.low is None else [change.low, change.high],
                "p_value": change.p_value,
                "p_corrected": change.corrected,
                "better": change.better,
                "reason": change.reason or None,
                "standard_error": change.error,
                "reversals": change.reversals,
                "smallest_detectable": change.detectable,
            }
            for change in comparison.changes
            if change.samples
        ],
        "apart": [
            {"metric": gap.metric.name, "sample": gap.sample, "first": gap.first, "second": gap.second}
            for gap in comparison.apart
        ],
        "only_one": list(comparison.only_one),
    }


def _column(metric: Metric) -> Column:
    """Return the column whose rounding a comparison shows: one place more than the tables, for small differences."""
    return Column(metric, metric.decimals + 1)
