"""The files of a reproduced table: what a reader reads, and what a program does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.reproducing.records import CellRecord, ReproductionRecord, RowRecord
from foundation.files import write_text
from foundation.markup import markdown_escaped
from metrics.registry import get_metric

HEADINGS = ("row", "subset", "metric", "printed", "measured", "interval", "n", "verdict")


@dataclass(frozen=True)
class Written:
    """Where the files are."""

    markdown: Path
    json: Path


def files_of(table: str, folder: Path) -> Written:
    """Return where the files of a table are; whatever it is called, they lie in this folder."""
    name = re.sub(r"[^\w.-]+", "-", table).strip("-.") or "table"
    return Written(folder / f"{name}.md", folder / f"{name}.json")


def write_reproduction(record: ReproductionRecord, folder: Path) -> Written:
    """Write a table's verdicts, each file whole; return where.

    Args:
        record: the verdicts.
        folder: made where it is not there.
    """
    files = files_of(record.table, folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(files.json, record.model_dump_json(by_alias=True, indent=2) + "\n")
    write_text(files.markdown, markdown(record))
    return files


def lines_of(record: ReproductionRecord) -> Iterator[tuple[str, ...]]:
    """Yield what stands under `HEADINGS`, a line for each number."""
    for row in record.rows:
        for cell in row.cells:
            yield (row.row, row.subset, get_metric(cell.metric).label, cell.printed, *_measured(cell), _verdict(cell))


def _measured(cell: CellRecord) -> tuple[str, str, str]:
    places = len(cell.printed.partition(".")[2]) + 1  # one more than in print, so that rounding hides nothing
    value = "–" if cell.value is None else f"{cell.value:.{places}f}"
    ends = "–" if cell.ci95 is None else f"{cell.ci95[0]:.{places}f} to {cell.ci95[1]:.{places}f}"
    return value, ends, "–" if cell.n is None else str(cell.n)


def _verdict(cell: CellRecord) -> str:
    return f"{cell.verdict}: {cell.reason}" if cell.reason else cell.verdict


def summary_of(record: ReproductionRecord) -> str:
    """Return how many numbers have which verdict, and how many would be outside though nothing is wrong."""
    counts = ", ".join(f"{record.count(word)} {word}" for word in ("inside", "outside", "cannot be told"))
    if record.scoring is None or not record.count("inside") + record.count("outside"):
        return f"{counts}."
    chance = f"about {record.outside_by_chance:.1f} of those judged fall outside by chance alone"
    return f"{counts}. If the printed numbers are over other clips of the same kind, {chance}."


def notes_of(record: ReproductionRecord) -> list[str]:
    """Return what a reader must know of the rows: those without a run, those that lack samples, weights unverified."""
    notes = [f"Not made: {line}." for line in record.left_out]
    for row in record.rows:
        notes += _of_row(row)
    return list(dict.fromkeys(notes))


def _of_row(row: RowRecord) -> list[str]:
    who = f"{row.row}, {row.subset} ({row.model})"
    if row.run is None:
        return [f"{who}: {row.lost or 'not made yet'}."]
    short = [f"{who}: {row.scored} of {row.expected} samples are scored."] if row.scored != row.expected else []
    return [*short, *([f"{who}: the hash of a checkpoint was not verified."] if row.unverified else [])]


def markdown(record: ReproductionRecord) -> str:
    """Return the table, the choices that the paper leaves open, and what was found of usual causes of a difference."""
    scored = f", profile {record.scoring.profile}" if record.scoring else ""
    parts = [
        f"# Table {markdown_escaped(record.table)}, reproduced",
        f"Printed: {'; '.join(map(markdown_escaped, record.sources))} ({markdown_escaped(record.published)}){scored}.",
        summary_of(record),
        _grid(HEADINGS, list(lines_of(record))),
        "\n".join(f"- {markdown_escaped(note)}" for note in notes_of(record)),
    ]
    if record.open_choices:
        rows = [(choice.name, choice.chosen, choice.about) for choice in record.open_choices]
        parts += ["## Left open by the paper", _grid(("choice", "here", "about"), rows)]
    if record.findings:
        found = [(finding.cause, finding.found, finding.detail) for finding in record.findings]
        parts += ["## Usual causes of a difference", _grid(("cause", "found", "detail"), found)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *([markdown_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
