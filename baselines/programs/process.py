"""Running third-party programs: without a shell, watched, stopped when they hang, output logged."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from baselines.programs.log import Log

clock = time.monotonic  # of every time limit here; a test puts its own in its place
POLL_SECONDS = 0.1
CONDA_SECONDS = 120.0  # for the list of its environments
LARGEST_OUTPUT_BYTES = 1 << 24  # of a program whose words we read ourselves
GRACE_SECONDS = 5.0  # between asking a process to end and ending it
# Of our own interpreter: another one would look for its modules in our folders.
_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__")


class ProgramFailed(Exception):
    """A program could not be started, failed, or was stopped; the message ends with its last lines of output."""


class MissingProgram(Exception):
    """A program, or a part of it, is not where the settings say; the message says what to do."""


def find_interpreter(python: str) -> Path:
    """Return the interpreter that a setting names, without following links, which would lead out of a venv.

    Args:
        python: an executable, the folder of an environment, or "conda:NAME".

    Raises:
        MissingProgram: nothing executable there, or conda knows no such environment.
    """
    if python.startswith("conda:"):
        return find_interpreter(str(_conda_prefix(python.removeprefix("conda:"))))
    path = Path(python).expanduser()
    if path.is_dir():
        path = path / "bin" / "python"
    found = shutil.which(path if path.is_absolute() or os.sep in python else python)
    if found is None:
        raise MissingProgram(f"python: {path} is not an executable; give an interpreter, an environment or conda:NAME")
    return Path(found).absolute()


def find_tool(name: str, env: Mapping[str, str]) -> Path | None:
    """Return the executable that a program with this environment would find; None where there is none."""
    found = shutil.which(name, path=env.get("PATH", os.defpath))
    return None if found is None else Path(found)


def _conda_prefix(name: str) -> Path:
    """Ask conda where an environment is. `conda run` cannot be used: it writes a shell script and refuses newlines."""
    conda = os.environ.get("CONDA_EXE") or shutil.which("conda") or shutil.which("mamba") or shutil.which("micromamba")
    if not conda:
        raise MissingProgram(f"python: conda:{name}, but there is no conda here; give the environment's folder instead")
    try:
        _status, answer = captured([conda, "env", "list", "--json"], seconds=CONDA_SECONDS)
        prefixes = [Path(prefix) for prefix in json.loads(answer)["envs"]]
    except (ProgramFailed, ValueError, KeyError, TypeError) as error:
        raise MissingProgram(f"python: conda:{name}, but {conda} did not list its environments") from error
    for prefix in prefixes:
        if prefix.name == name:
            return prefix
    raise MissingProgram(f"python: conda knows no environment {name!r}; it has {', '.join(p.name for p in prefixes)}")


def environment(interpreter: Path | None, device: str | None, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program: ours without our interpreter's, its own folder first, one device visible.

    Args:
        interpreter: its folder goes in front of PATH, so that tools of the same environment are found.
        device: "cuda:1" makes only that one visible, under the number 0, which the programs have hard-coded; "cpu"
            none; "cuda" and None leave it.
        extra: set last.

    Raises:
        ValueError: another device.
    """
    result = {key: value for key, value in os.environ.items() if key not in _OURS}
    # UTF-8 whatever the locale: paths and prompts are not only ASCII. Unbuffered: the last lines reach the log.
    result |= {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    if interpreter is not None:
        result["PATH"] = os.pathsep.join([str(interpreter.parent), result.get("PATH", os.defpath)])
    if device is not None:
        match = re.fullmatch(r"cuda(?::(\d+))?|(cpu)", device)
        if match is None:
            raise ValueError(f"device: expected cuda, cuda:N or cpu, got {device!r}")
        if match[1] or match[2]:
            result["CUDA_VISIBLE_DEVICES"] = match[1] or ""
    return result | dict(extra)


def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    time_limit_seconds: float,
    finished: Callable[[], int] = lambda: 0,
    progress: Callable[[int], None] = lambda _count: None,
) -> None:
    """Run a program to its end; what it prints is appended to the log.

    Args:
        command: the program and its arguments, handed over as they are: no shell reads them.
        folder: its working directory.
        env: its whole environment.
        log: file.
        time_limit_seconds: longest time without another finished output.
        finished: how many outputs there are by now.
        progress: called when that number has grown.

    Raises:
        ProgramFailed: it could not be started, ended with another status than 0, or was stopped.
    """
    with Log(log, command) as words:
        process = started(
            command, folder=folder, env=env, stdin=subprocess.DEVNULL, stdout=words.file, stderr=words.file
        )
        try:
            reason = _watch(process, words, time_limit_seconds, finished, progress)
        finally:
            stop(process)
        if reason:
            raise ProgramFailed(f"{reason}{words.last_lines()}")


class Deadline:
    """The time when something must be over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Count from now."""
        self._end = clock() + self._seconds

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return clock() >= self._end


def captured(
    command: Sequence[str], *, seconds: float, folder: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Run a program to its end; return its exit status and the beginning of what it prints to standard output.

    That goes through a file: of a pipe the end would be waited for, and a child left behind may keep it open for ever.

    Args:
        command: the program and its arguments.
        seconds: it is stopped after so long.
        folder: its working directory; ours by default.
        env: its whole environment; ours by default.

    Raises:
        ProgramFailed: it cannot be started, or takes too long.
    """
    with tempfile.TemporaryFile() as words:
        process = started(
            command, folder=folder or Path.cwd(), env=os.environ if env is None else env, stdin=subprocess.DEVNULL,
            stdout=words, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProgramFailed(f"{command[0]} took more than {seconds:g} s and was stopped") from None
        finally:
            stop(process)
        words.seek(0)
        return status, words.read(LARGEST_OUTPUT_BYTES)


def started(
    command: Sequence[str], *, folder: Path, env: Mapping[str, str], stdin: int, stdout: object, stderr: object
) -> subprocess.Popen[bytes]:
    """Start a program in its own process group, so that `stop` reaches its children too.

    Raises:
        ProgramFailed: there is no such program or folder, or it may not be run.
    """
    try:
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            list(command), cwd=folder, env=dict(env), stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
            bufsize=0,  # a pipe that is closed while a thread still writes to it must not wait for that thread
        )  # fmt: skip
    except (OSError, ValueError) as error:  # ValueError: a null byte in an argument
        raise ProgramFailed(f"the program cannot be started: {error}") from error


def _watch(
    process: subprocess.Popen[bytes],
    words: Log,
    limit: float,
    finished: Callable[[], int],
    progress: Callable[[int], None],
) -> str:
    """Wait for the end; return what was wrong, or nothing."""
    done, deadline = 0, Deadline(limit)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
        words.cut()
        now = finished()
        if now > done:
            done = now
            deadline.renew()
            progress(done)
        if process.returncode is not None:
            return ended(process.returncode)
        if deadline.passed:
            return f"the program finished nothing for {limit:g} s and was stopped"


def ended(status: int) -> str:
    """Return what an exit status means, nothing for 0."""
    if status == 0:
        return ""
    if status > 0:
        return f"the program ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"the program was killed by {name}" + (", as the system does when memory is full" if status == -9 else "")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started: asked first, then made to, at once if we ourselves are told to hurry.

    A child that has gone into a session of its own, as a daemon does, is left alone.
    """
    try:
        _send(process, signal.SIGTERM)
    finally:
        _send(process, signal.SIGKILL)


def _send(process: subprocess.Popen[bytes], word: signal.Signals) -> None:
    try:
        os.killpg(process.pid, word)
    except (ProcessLookupError, PermissionError):  # all of the group has ended, or it has left the group
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(word)
    with contextlib.suppress(subprocess.TimeoutExpired):  # after SIGKILL: it hangs in the system itself
        process.wait(GRACE_SECONDS)
