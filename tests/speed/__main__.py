"""Run every measurement, or those named; keep the figures of each as `docs/performance/NAME.json`.

    PYTHONPATH=tests python -m speed [name ...] [--folder FOLDER]

`make docs-tables` writes the tables of docs/performance.md anew from what is kept.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from speed.board import FOLDER

SHARED = {"board", "keep"}  # no measurements
HEAVY = {"full_build", "large_sets"}  # many minutes to hours: only by name


def main(arguments: list[str]) -> int:
    """Run the measurements; return 2 where a name is unknown, 1 where a promised figure was missed."""
    parser = argparse.ArgumentParser(prog="python -m speed", description=__doc__)
    parser.add_argument("names", nargs="*", help="measurements; default: all but the longest")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the figures are kept")
    options = parser.parse_args(arguments)
    files = (path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    known = sorted(name for name in files if name not in SHARED)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"error: no measurement {unknown[0]!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    missed = 0
    for name in options.names or [name for name in known if name not in HEAVY]:
        print(f"== {name}", flush=True)
        missed += bool(measure(name, options.folder))
    return int(missed > 0)


def measure(name: str, folder: Path) -> int:
    """Run one measurement in a process: threads that torch leaves behind would be in the way of numpy's in the next."""
    run = (
        "import sys, pathlib, speed.board as board\n"
        f"import speed.{name} as measurement\n"
        f"sys.exit(board.keep({name!r}, measurement.measure(), pathlib.Path({os.fspath(folder)!r})))"
    )
    return subprocess.run([sys.executable, "-c", run]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
