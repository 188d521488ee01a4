"""One section in this process: `python -m speed.gpu.section NAME [option=value ...]`; a JSON line per row."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import import_module


def main(name: str, words: Sequence[str]) -> None:
    """Print what a section measures, row by row."""
    options = dict(word.split("=", 1) for word in words)
    for row in import_module(f"speed.gpu.{name}").measure(options):
        print(json.dumps({"section": name, **row}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
