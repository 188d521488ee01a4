"""Plants faults one by one in the tree that it lies in, and runs the test of each in a process of its own.

Run by `mutants.running`, in a copy of the checkout: faults come as lines of JSON, verdicts go back as lines of
JSON. The packages that tests import are imported once, before the processes are forked, so that a fault costs its test
and not the start of an interpreter; the product's own modules are imported by each process anew.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

COMMON = (
    "numpy", "pandas", "scipy.stats", "torch", "torchaudio", "torchvision.transforms.v2", "transformers", "sklearn",
    "av", "soundfile", "pydantic", "safetensors.torch", "matplotlib.pyplot", "typer", "hypothesis", "pytest",
)  # fmt: skip
PASSED, FAILED = 0, 1  # pytest's exit statuses; all others mean that the test did not run


def main() -> None:
    """Answer the faults that come, until there are no more."""
    tree, limit, common = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "common"
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.dont_write_bytecode = True
    for name in COMMON if common else ():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        file, planted = asked.get("file"), asked.get("planted")
        original = (tree / file).read_text(encoding="utf-8") if file else None
        if file:
            (tree / file).write_text(planted, encoding="utf-8")
        try:
            status, seconds, said = tried(tree, asked["tests"], limit)
        finally:
            if file and original is not None:
                (tree / file).write_text(original, encoding="utf-8")
        answers.write(json.dumps({"status": status, "seconds": round(seconds, 1), "said": said}) + "\n")
        answers.flush()


def tried(tree: Path, tests: Sequence[str], limit: float) -> tuple[int | None, float, str]:
    """Run tests in a forked process; return pytest's exit status (None: killed at the limit), seconds, last output."""
    log, began = tree / ".mutant.log", time.monotonic()
    child = os.fork()
    if child == 0:
        _run(tree, tests, log)
    status = None
    while time.monotonic() - began < limit:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
            break
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # the test, if it hangs, and what it may have left behind
    if status is None:
        os.waitpid(child, 0)
    return status, time.monotonic() - began, log.read_text(errors="replace")[-2000:]


def _run(tree: Path, tests: Sequence[str], log: Path) -> None:
    os.setpgid(0, 0)
    with log.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    status = 70
    try:
        import pytest

        options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", f"--rootdir={tree}"]
        status = int(pytest.main([*options, *tests]))
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
