"""Drivers as tasks of a Slurm array: each runs the very same command, and the run's ledger does the rest.

Nothing of Slurm is needed to write the script; `sbatch` alone submits it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foundation.files import PathLike, write_text

VERBS = ("generate", "evaluate", "eval")
_REFUSED = {  # options of a command that is run by many tasks at once
    "--fresh": "every task, and each that is started again, would remove what the others have made; "
    "name another run with --run-name, or remove the old one before",
    "--trace": "every task would write the same file",
    "--ray-address": "a task is a driver by itself; leave it out",
    "--readers": "a task decodes on its own cores; give it more with --cpus",
}
_TIME = re.compile(r"\d+(:\d{1,2}){0,2}|\d+-\d{1,2}(:\d{1,2}){0,2}")


class SubmissionFailed(Exception):
    """sbatch is missing, or refuses the script."""


@dataclass(frozen=True)
class SlurmJob:
    """An array job whose tasks are drivers of one command.

    Attributes:
        words: the command after `python -m benchmark`: generate, evaluate or eval, and its arguments.
        tasks: how many drivers.
        at_once: how many of them may run at the same time; None: all.
        gpus: of each task; 0 asks for none.
        cpus: cores of each task, on which it decodes.
        time: limit of each task as Slurm writes it, for example 04:00:00 or 1-12; None: that of the partition.
        partition: where to run; None: the default one.
        name: of the job.
        requeue: start a task again whose node failed or was taken away.
        extra: more options of sbatch, such as --account=sound.
        folder: where the command is run.
        python: the interpreter that runs it.

    Raises:
        ValueError: no command that tasks can share, or an option that Slurm could not read.
    """

    words: Sequence[str]
    tasks: int = 1
    at_once: int | None = None
    gpus: int = 1
    cpus: int = 16
    time: str | None = None
    partition: str | None = None
    name: str = "vgg-monoaudio"
    requeue: bool = True
    extra: Sequence[str] = ()
    folder: str = ""
    python: str = sys.executable

    def __post_init__(self) -> None:
        if not self.words or self.words[0] not in VERBS:
            raise ValueError(
                f"expected {', '.join(VERBS[:-1])} or {VERBS[-1]} with its arguments after --, "
                f"got {shlex.join(self.words) or 'nothing'}"
            )
        for option, reason in _REFUSED.items():
            if any(word == option or word.startswith(f"{option}=") for word in self.words):
                raise ValueError(f"{option}: {reason}")
        if any("ray" in pair for pair in _executors(self.words)):
            raise ValueError(
                "--executor ray: a task is a driver by itself; leave it out, or start Ray in a job of its own"
            )
        self._check_options()

    def _check_options(self) -> None:
        for name, least in (("tasks", 1), ("at_once", 1), ("gpus", 0), ("cpus", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"--{name.replace('_', '-')}: expected {least} or more, got {value}")
        if self.time is not None and not _TIME.fullmatch(self.time):
            raise ValueError(f"--time: expected minutes, hours:minutes:seconds or days-hours, got {self.time!r}")
        for name in ("partition", "name"):
            value = getattr(self, name)
            if value is not None and not re.fullmatch(r"[\w.,+-]+", value):
                raise ValueError(f"--{name}: expected letters, digits and . , + - _, got {value!r}")
        for line in self.extra:
            if not line.startswith("-") or not line.isprintable():
                raise ValueError(f"--sbatch: expected one option of sbatch such as --account=sound, got {line!r}")

    def script(self) -> str:
        """Return the batch script."""
        limit = f"%{self.at_once}" if self.at_once is not None else ""
        options = [f"--job-name={self.name}", f"--array=0-{self.tasks - 1}{limit}", "--ntasks=1"]
        options.append(f"--cpus-per-task={self.cpus}")
        options += [f"--gpus-per-task={self.gpus}"] if self.gpus else []
        options += [f"--time={self.time}"] if self.time else []
        options += [f"--partition={self.partition}"] if self.partition else []
        options += ["--requeue", "--open-mode=append"] if self.requeue else ["--no-requeue"]
        options += [f"--output={self.name}-%A_%a.log", *self.extra]
        # Installed, the suite is not to be shadowed by a folder benchmark/ or metrics/ in the folder of the job.
        apart = [] if Path(__file__).resolve().parents[2] == Path(self.folder or Path.cwd()).resolve() else ["-P"]
        command = shlex.join([self.python, *apart, "-m", "benchmark", *self.words])
        lines = [
            "#!/bin/bash",
            *(f"#SBATCH {option}" for option in options),
            "",
            "# Every task is a driver of the same run: it takes what no other has taken, until nothing is left.",
            "set -euo pipefail",
            f"cd {shlex.quote(self.folder or os.fspath(Path.cwd()))}",
            f'exec srun --cpus-per-task="${{SLURM_CPUS_PER_TASK:-{self.cpus}}}" {command}',
        ]
        return "\n".join(lines) + "\n"

    def write(self, path: PathLike) -> Path:
        """Write the batch script and return its path."""
        file = Path(path)
        write_text(file, self.script())
        return file


def submit(script: PathLike) -> str:
    """Hand a batch script to Slurm; return the number of the job.

    Raises:
        SubmissionFailed: sbatch is not on the PATH, or says no; with its words.
    """
    program = shutil.which("sbatch")
    if program is None:
        raise SubmissionFailed(
            f"sbatch is not here; submit {script} where it is: sbatch {shlex.quote(os.fspath(script))}"
        )
    done = subprocess.run([program, "--parsable", os.fspath(script)], capture_output=True, text=True)
    if done.returncode:
        raise SubmissionFailed(f"sbatch refuses {script}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout.strip().partition(";")[0]


def _executors(words: Sequence[str]) -> list[Sequence[str]]:
    """Return each `--executor` with its value."""
    return [
        word.split("=") if "=" in word else words[place : place + 2]
        for place, word in enumerate(words)
        if word == "--executor" or word.startswith("--executor=")
    ]
