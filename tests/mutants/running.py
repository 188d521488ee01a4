"""Runs every planted fault against its test, in copies of the checkout, two at a time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

from mutants.faults import Fault
from mutants.worker import FAILED, PASSED

LIMIT_SECONDS = 600.0  # for one test; they take seconds, and more on a busy machine


@dataclass(frozen=True)
class Verdict:
    """What became of a fault; `problem` is empty where its test noticed."""

    fault: Fault
    problem: str
    seconds: float


def run_faults(
    faults: Sequence[Fault],
    tree: Path,
    *,
    workers: int = 2,
    common: bool = True,
    said: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """Plant each fault alone and run its test; return a verdict for each, in the order given.

    The checkout is copied and never changed. Tests of one file are first run without any fault: one that fails anyway
    would prove nothing.

    Args:
        faults: what to plant.
        tree: the checkout.
        workers: how many at a time, each in a copy of its own.
        common: import the packages that tests use once for all.
        said: called with each verdict as it comes.
    """
    groups = [list(group) for _, group in groupby(sorted(faults, key=_file), key=_file)]
    groups.sort(key=len, reverse=True)  # what takes longest begins first
    verdicts: dict[str, Verdict] = {}
    with TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as ending:
        trees: SimpleQueue[_Tree] = SimpleQueue()
        for place in range(workers):
            trees.put(ending.enter_context(closing(_Tree(tree, Path(folder) / str(place), common))))

        def work(group: list[Fault]) -> None:
            place = trees.get()
            try:
                for verdict in place.verdicts(group):
                    verdicts[verdict.fault.name] = verdict
                    if said:
                        said(verdict)
            finally:
                trees.put(place)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, groups))
    return [verdicts[fault.name] for fault in faults]


def _file(fault: Fault) -> str:
    return fault.test_file


def _left_out(tree: Path) -> Callable[[str, list[str]], set[str]]:
    """Return which entries of a folder are not copied: what git does not keep."""

    def choose(folder: str, names: list[str]) -> set[str]:
        hidden = {name for name in names if name.startswith(".") or name == "__pycache__" or name.endswith(".egg-info")}
        if Path(folder) == tree:
            return hidden | {"data", "weights", "build", "dist"}
        return hidden | (set(names) - {"published"} if Path(folder) == tree / "results" else set())

    return choose


class _Tree:
    """A copy of the checkout and the process that works in it."""

    def __init__(self, tree: Path, copy: Path, common: bool) -> None:
        self._tree, self._copy = tree, copy
        shutil.copytree(tree, copy, ignore=_left_out(tree))
        environment = {
            **os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'tests'}", "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(copy.with_name(copy.name + "-tmp")),
        }  # fmt: skip
        Path(environment["TMPDIR"]).mkdir()
        worker = Path(__file__).with_name("worker.py")
        command = [sys.executable, str(worker), str(copy), str(LIMIT_SECONDS), "common" if common else "none"]
        self._process = subprocess.Popen(
            command, cwd=copy, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def verdicts(self, group: Sequence[Fault]) -> Iterator[Verdict]:
        """Yield what becomes of faults whose tests lie in one file."""
        tests = list(dict.fromkeys(fault.test for fault in group))
        sound = self._ask(tests=tests)
        if sound["status"] != PASSED:
            problem = f"the tests do not pass without a fault (pytest ended with {sound['status']}): {sound['said']}"
            yield from (Verdict(fault, problem, 0.0) for fault in group)
            return
        for fault in group:
            try:
                planted = fault.planted(self._tree)
            except ValueError as error:
                yield Verdict(fault, str(error), 0.0)
                continue
            answer = self._ask(tests=[fault.test], file=fault.file, planted=planted)
            yield Verdict(fault, _problem(answer), answer["seconds"])

    def _ask(self, **asked: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that plants faults has died; its messages stand above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


def _problem(answer: dict[str, Any]) -> str:
    if answer["status"] == FAILED:
        return ""
    if answer["status"] == PASSED:
        return "the test passes with the fault: nobody notices" + (", it skips" if "skipped" in answer["said"] else "")
    if answer["status"] is None:
        return f"the test did not end within {LIMIT_SECONDS:g} s"
    return f"the test did not run (pytest ended with {answer['status']}): {answer['said'][-500:]}"
