"""Rows that the paper prints, to compare runs with: marked as published, digits as printed."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.report.results import MixedRuns, Results, Row
from benchmark.report.tables.presets import PRESETS, PresetName
from foundation.names import joined
from metrics.registry import list_metrics

_SUITE = Path(__file__).resolve().parents[2]
_INSTALLED = _SUITE / "published"  # where a wheel has them, see setup.py
FOLDER = _INSTALLED if _INSTALLED.is_dir() else _SUITE.parent / "results" / "published"
FACTS = ("table", "row", "subset", "source")
MODEL, SAMPLES = "model", "samples"  # columns that a file of one's own may have
PROFILE = "paper"  # of what the paper prints
_PAPER = "2512.02650"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


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
            name of the model that makes the row, and `samples`, how many samples its numbers are over.
        table: rows of this table alone; None: of all.

    Raises:
        ValueError: no such file, another encoding, other columns, no row, none of this table, a row of a subset twice
            or without any number, or a field that is not a number.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected a CSV of printed numbers, as those in {FOLDER}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet writes a mark in front
            head, *lines = [[cell.strip() for cell in line] for line in csv.reader(file) if any(line)] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV in UTF-8 ({error}); save it as such") from error
    metrics = [metric.name for metric in list_metrics(headline=True)]
    _check_columns(path, head, [*FACTS, *metrics])
    rows = [dict(zip(head, _whole(path, number, line, head), strict=True)) for number, line in enumerate(lines, 1)]
    if not rows:
        raise ValueError(f"{path}: a header and no row")
    _check_rows(path, rows, metrics)
    tables = list(dict.fromkeys(row["table"] for row in rows))
    if table is not None and table not in tables:
        raise ValueError(f"{path}: no row of table {table!r}; its rows are of table {joined(tables, 'and')}")
    return [_row(path, row, metrics) for row in rows if table in (None, row["table"])]


def of_paper(row: Row) -> bool:
    """Tell whether a row was printed in the paper, whatever file it stands in."""
    return _PAPER in (row.source or "")


def _check_columns(path: Path, head: Sequence[str], expected: Sequence[str]) -> None:
    doubled = [name for name, count in Counter(head).items() if count > 1]
    missing = [name for name in expected if name not in head]
    unknown = [name for name in head if name not in {*expected, MODEL, SAMPLES}]
    if doubled or missing or unknown:
        wrong = [("there twice", doubled), ("missing", missing), ("unknown", unknown)]
        told = "; ".join(f"{what}: {', '.join(map(repr, names))}" for what, names in wrong if names)
        raise ValueError(
            f"{path}: columns {told}; expected the columns {', '.join(expected)}, and perhaps {MODEL}, {SAMPLES}"
        )


def _whole(path: Path, number: int, line: Sequence[str], head: Sequence[str]) -> Sequence[str]:
    if len(line) != len(head):
        raise ValueError(f"{path}: row {number} has {len(line)} cells, the header {len(head)}")
    return line


def _check_rows(path: Path, rows: Sequence[Mapping[str, str]], metrics: Sequence[str]) -> None:
    names = Counter((row["table"], row["row"], row["subset"]) for row in rows)
    for (table, name, subset), count in names.items():
        if not (table and name and subset):
            raise ValueError(
                f"{path}: table {table!r}, row {name!r}, subset {subset!r}: none of the three may be empty"
            )
        if count > 1:
            raise ValueError(f"{path}: row {name!r} of table {table!r} is there {count} times for {subset}")
    for row in rows:
        if not any(row[name] for name in metrics):
            raise ValueError(f"{path}: row {row['row']!r}, {row['subset']}: no number in it")


def _row(path: Path, row: Mapping[str, str], metrics: list[str]) -> Row:
    texts = {name: row[name] for name in metrics if row[name]}
    for name, text in texts.items():
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise ValueError(f"{path}: row {row['row']}, {name}: expected a number, got {text!r}")
    samples = row.get(SAMPLES) or None
    if samples is not None and not re.fullmatch("[1-9][0-9]{0,8}", samples):
        raise ValueError(f"{path}: row {row['row']}, {SAMPLES}: expected how many, got {samples!r}")
    return Row(
        subset=row["subset"],
        key=f"published-{row['table']}-{row['row']}".replace(" ", "-"),
        model=row["row"],
        kind="published",
        values={},
        scored=None,
        expected=None if samples is None else int(samples),
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
    if scoring is not None and scoring.profile != PROFILE:
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
