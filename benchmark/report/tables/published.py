"""Rows that the paper prints, to compare runs with: marked as published, digits as printed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmark.report.results import MixedRuns, Results, Row
from benchmark.report.tables.presets import PRESETS, PresetName
from metrics.registry import list_metrics

FOLDER = Path(__file__).resolve().parents[3] / "results" / "published"
FACTS = ("table", "row", "subset", "source")
MODEL = "model"  # column that a file of one's own may have


def read_published(table: str, folder: Path = FOLDER) -> list[Row]:
    """Return the rows of one printed table, in its order.

    Args:
        table: A1, D3, D4 or D5; the file `<table>.csv` has the columns table, row, subset, one per metric, source.
        folder: where the files are; a checkout has them, an installed package does not.

    Raises:
        ValueError: no such file, columns other than facts and headline metrics, or a field that is not a number.
    """
    path = folder / f"{table}.csv"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.csv"))) or "none"
        raise ValueError(f"{path}: no such published table; there are: {known}")
    return read_published_file(path)


def read_published_file(path: Path, table: str | None = None) -> list[Row]:
    """Return the rows of a file of printed numbers, in its order.

    Args:
        path: CSV with the columns table, row, subset, one per headline metric, source; and, if it likes, `model`, the
            name of the model that makes the row.
        table: rows of this table alone; None: of all.

    Raises:
        ValueError: no such file, other columns, no row, none of this table, or a field that is not a number.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected a CSV of printed numbers, as those in {FOLDER}")
    with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet writes a mark in front
        rows = list(csv.DictReader(file))
    metrics = [metric.name for metric in list_metrics(headline=True)]
    expected = {*FACTS, *metrics}
    if not rows or set(rows[0]) - {MODEL} != expected:
        raise ValueError(f"{path}: expected the columns {', '.join(sorted(expected))}, and perhaps {MODEL}")
    tables = list(dict.fromkeys(row["table"] for row in rows))
    if table is not None and table not in tables:
        raise ValueError(f"{path}: no row of table {table!r}; its rows are of table {' and '.join(tables)}")
    return [_row(path, row, metrics) for row in rows if table in (None, row["table"])]


def _row(path: Path, row: Mapping[str, str], metrics: list[str]) -> Row:
    texts = {name: row[name] for name in metrics if row[name]}
    for name, text in texts.items():
        try:
            float(text)
        except ValueError as error:
            raise ValueError(f"{path}: row {row['row']}, {name}: expected a number, got {text!r}") from error
    return Row(
        subset=row["subset"],
        key=f"published-{row['table']}-{row['row']}".replace(" ", "-"),
        model=row["row"],
        kind="published",
        values={},
        scored=None,
        expected=None,
        texts=texts,
        source=row["source"],
        model_name=row.get(MODEL) or "",
    )


def with_published(results: Results, preset: PresetName, folder: Path = FOLDER) -> Results:
    """Return the results with the printed rows of the same table, for the subsets that the runs have.

    Printed rows are based on the authors' own list of clips, so they are kept apart and not ranked with the runs.

    Raises:
        MixedRuns: the runs were scored by a profile other than the paper's, or one of them has random weights.
    """
    untrained = [row.model for row in results.rows if row.untrained]
    if untrained:
        raise MixedRuns(
            f"{untrained[0]} has random weights: its numbers are for timing only and cannot be compared with "
            "published ones; leave out --published, or that run"
        )
    scoring = results.scoring
    if scoring is not None and scoring.profile != "paper":
        raise MixedRuns(
            f"published rows were scored by profile paper, these runs by profile {scoring.profile}; "
            "they cannot share a table: leave out --published, or score with --profile paper"
        )
    rows = read_published(PRESETS[preset].published, folder)
    if results.rows:
        rows = [row for row in rows if row.subset in results.subsets]
    return replace(results, rows=(*results.rows, *rows))


def published_alone(preset: PresetName, folder: Path = FOLDER) -> Results:
    """Return the printed rows of a table alone, without runs."""
    return with_published(Results((), {}, None), preset, folder)
