"""One section in this process: `python -m speed.gpu.section NAME [option=value ...]`; a JSON line per figure."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from foundation.measurements import Machine
from speed.gpu.figures import figures_of


def main(name: str, words: Sequence[str]) -> None:
    """Print what a section measures, figure by figure; see `foundation.measurements.Figure`."""
    options = dict(word.split("=", 1) for word in words)
    for row in import_module(f"speed.gpu.{name}").measure(options):
        for content in lines_of(row):
            print(json.dumps({"section": name, **content}), flush=True)


def lines_of(row: Mapping[str, Any] | Machine) -> Iterator[dict[str, Any]]:
    """Yield the contents of the lines of a row: a machine, figures, or why there are none."""
    if isinstance(row, Machine):
        yield {"machine": row.content()}
        return
    figures = [figure.content() for figure in figures_of(row)]
    yield from figures or [dict(row)]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
