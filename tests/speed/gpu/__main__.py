"""Run every section, or those named, each in a process with a time limit; print JSON lines.

    PYTHONPATH=tests python -m speed.gpu [section ...] [option=value ...]

Options: `official`, a checkout of jnwnlee/selva, to time its own modules beside ours; `device`, cuda by default. A
section that fails or runs out of time says so in a line of its own; then the exit status is 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module

SECTIONS = (
    "machine",
    "kernels",
    "compiled",
    "eager",
    "files",
    "precision",
    "scoring",
    "set_scores",
    "training",
    "official",
)
WITHIN_SECONDS = 480.0


def main(arguments: Sequence[str]) -> int:
    """Run the sections; return 2 where one is unknown, 1 where one failed."""
    options = [word for word in arguments if "=" in word]
    names = [word for word in arguments if "=" not in word]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"error: no section {unknown[0]!r}; there are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    failed, began = False, time.monotonic()
    for name in names or SECTIONS:
        left = WITHIN_SECONDS - (time.monotonic() - began)
        limit = min(import_module(f"speed.gpu.{name}").SECONDS, left)
        failed |= not _run(name, options, limit)
    return int(failed)


def _run(name: str, options: Sequence[str], limit: float) -> bool:
    """Run one section; tell whether it came to its end."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "speed.gpu.section", name, *options], text=True)
    try:
        status = process.wait(timeout=max(limit, 1.0))
        fault = None if status == 0 else f"left with status {status}"
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        fault = f"not done within {limit:.0f} s"
    row = {"section": name, "took": round(time.monotonic() - began, 1), **({"failed": fault} if fault else {})}
    print(json.dumps(row), flush=True)
    return fault is None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
