"""The test's side of `support.command_server`: command lines, disturbed, and what they left behind."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status (below 0: a signal), its words, and the steps it took, if it lived."""

    status: int
    out: str
    err: str
    steps: int | None


class Commands:
    """Runs command lines one after the other or side by side, each in a process of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        tests = os.fspath(Path(__file__).resolve().parents[1])
        path = os.pathsep.join([tests, environment.get("PYTHONPATH", "")])
        self._server = subprocess.Popen(
            [sys.executable, "-m", "support.command_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**environment, "PYTHONPATH": path, "MPLBACKEND": "agg"},
        )  # fmt: skip
        assert self._server.stdout is not None
        assert json.loads(self._server.stdout.readline()) == "ready"

    def close(self) -> None:
        self._server.communicate()

    def _ask(self, **asked):
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def start(self, folder: Path, *arguments, at: int | str | None = None, what: str = "kill", first: str = "") -> int:
        """Start a command that is disturbed before a step, see `command_server.disturbance`; return its process.

        `at` is its number, or part of the name of a file that it makes.
        """
        words = list(map(str, arguments))
        return self._ask(do="start", folder=str(folder), arguments=words, at=at, what=what, first=first)

    def until(self, process: int, text: str) -> str:
        """Wait until a command has said this on stderr; return all that it said."""
        return self._ask(do="until", process=process, text=text)

    def until_stopped(self, process: int) -> None:
        """Wait until a command has come to the step where it stops."""
        self._ask(do="until stopped", process=process)

    def go_on(self, process: int) -> None:
        """Let a stopped command go on."""
        os.kill(process, signal.SIGCONT)

    def ended(self, process: int) -> Ended:
        """Wait for the end of a command."""
        told = self._ask(do="end", process=process)
        return Ended(told["status"], told["out"], told["err"], int(told["steps"]) if told["steps"] else None)

    def run(self, folder: Path, *arguments, **how) -> Ended:
        """Start a command and wait for its end."""
        return self.ended(self.start(folder, *arguments, **how))
