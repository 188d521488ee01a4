"""Keep what `python -m speed.gpu` printed as `docs/performance/NAME.json`.

    PYTHONPATH=.:tests python -m speed.gpu > lines
    PYTHONPATH=.:tests python -m speed.keep gpu-h100 [--settings "SELVA-S-16k, 8 s"] < lines

Lines that are no figure, such as what a section took, are left out; sections that failed are named. The section
`machine` must be among them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from foundation.measurements import Figure, Machine, Measurements, measured_now
from speed.board import FOLDER, written


def record_of(name: str, lines: Iterable[str], settings: str | None = None) -> Measurements:
    """Return the record of a run's lines.

    Raises:
        ValueError: no line says what the machine is, or there is no figure.
    """
    machine, figures = None, []
    for row in map(json.loads, filter(str.strip, lines)):
        section = row.pop("section")
        if "machine" in row:
            machine = Machine.model_validate(row["machine"])
        elif "figure" in row:
            figures.append(Figure.model_validate(row))
        elif "failed" in row:
            print(f"section {section} failed: {row['failed']}", file=sys.stderr)
    if machine is None or not figures:
        raise ValueError("no machine or no figure among the lines; run the section machine with the others")
    return measured_now(name, figures, machine, settings)


def main(arguments: list[str]) -> int:
    """Read lines from stdin and keep them."""
    parser = argparse.ArgumentParser(prog="python -m speed.keep", description=__doc__)
    parser.add_argument("name", help="of the record, such as gpu-h100")
    parser.add_argument("--settings", help="what holds for all figures")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where records are kept")
    options = parser.parse_args(arguments)
    print(written(record_of(options.name, sys.stdin, options.settings), options.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
