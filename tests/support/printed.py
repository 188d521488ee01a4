"""Printed tables of a test's own: files that `reproduce --published` reads."""

import csv
from pathlib import Path

from benchmark.report.tables.published import FACTS, MODEL, SAMPLES
from metrics.registry import list_metrics

HEADLINE = [metric.name for metric in list_metrics(headline=True)]


def write_printed(path: Path, rows, *, table="T", source="a test", samples="") -> Path:
    """Write rows (printed name, subset, model, metric to its digits) as a file of printed numbers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*FACTS, MODEL, SAMPLES, *HEADLINE])
        writer.writeheader()
        for row, subset, model, texts in rows:
            facts = {"table": table, "row": row, "subset": subset, "source": source, MODEL: model, SAMPLES: samples}
            writer.writerow({**facts, **dict.fromkeys(HEADLINE, ""), **texts})
    return path
