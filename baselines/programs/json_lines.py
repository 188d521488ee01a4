"""Models in any language: a program that reads requests and writes answers, one JSON object per line."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shlex
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Unpack

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.outputs import naming_disk_errors, read_sound, work_folder
from baselines.programs.process import (
    MissingProgram,
    ProgramFailed,
    ended,
    environment,
    find_interpreter,
    find_tool,
    last_lines,
    started,
    stop,
)
from baselines.programs.retries import Answer, Attempt, answer_with_retries, only_answer
from baselines.programs.settings import ProgramOptions, Settings, read_settings

PROTOCOL = 1
SHOWN_CHARACTERS = 120
LONGEST_LINE_BYTES = 1 << 20
TIME_LIMIT_SECONDS = 600.0  # of silence, where neither models.toml nor an option says otherwise
ENDING_SECONDS = 5.0  # a program whose input ends has so long to end by itself


class JsonLines:
    """A program of your own; the protocol is in docs/external-models.md.

    It is started once and asked until the run ends. Requests of a batch are all written before their answers are
    read, so that it may work on several at once.

    Args:
        command: the program and its arguments: a list, or a text that is split at blanks as a shell would, though no
            shell runs it.
        sample_rate: Hz that every answer must have; by default each file may have its own.
        settings: the table of models.toml where absent program options are looked up.
        program: how to run it. `checkout` is its working directory, the current one by default; the folder of
            `python` is put in front of PATH; it is started again when it answers nothing for `time_limit_seconds`,
            600 by default; `log` gets what it prints to stderr.

    Raises:
        ValueError: a setting that cannot be.
        MissingProgram: no such program, working directory or interpreter.
    """

    def __init__(
        self,
        *,
        command: str | Sequence[str],
        sample_rate: int | None = None,
        settings: str = "external",
        **program: Unpack[ProgramOptions],
    ) -> None:
        self._command = split_command(command)
        self._settings = read_settings(settings, default_time_limit_seconds=TIME_LIMIT_SECONDS, **program)
        if self._settings.checkout is not None and not self._settings.checkout.is_dir():
            raise MissingProgram(f"checkout: {self._settings.checkout} is not a folder")
        self.sample_rate = sample_rate
        self.notes = [f"answers of a program: {shlex.join(self._command)}"]
        self._env = environment(
            find_interpreter(self._settings.python) if self._settings.python else None,
            self._settings.device,
            self._settings.env,
        )
        if find_program(self._command[0], self._settings, self._env) is None:
            raise MissingProgram(
                f"command: {self._command[0]} is not an executable; give its path, or an interpreter first"
            )
        self.on_progress: Callable[[int], None] = lambda _count: None  # the harness puts its own here
        self._batch = 0
        self._conversation: Conversation | None = None

    def generate(self, request: Request) -> Waveform | tuple[Waveform, int]:
        """Return the program's sound, float32 (round(duration * rate),), and its rate in Hz.

        Raises:
            GenerationError: the program refused the request, failed twice, or its sound cannot be used.
        """
        return only_answer(self.generate_batch([request]))

    def generate_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """Return an answer or a `GenerationError` for each request; all are sent before the first answer is read."""
        self._batch = len(requests)
        return answer_with_retries(requests, self._attempt)

    def close(self) -> None:
        """Let the program end: its input is closed, and if that does not do, it is stopped."""
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None

    def _attempt(self, requests: Sequence[Request]) -> Attempt:
        answers: dict[str, Answer] = {}
        crash = ""
        try:
            with work_folder(self._settings) as folder, naming_disk_errors():
                try:
                    if self._conversation is None:
                        self._conversation = Conversation(self._command, self._settings, self._env)
                    self._conversation.ask([_line(request, folder, index) for index, request in enumerate(requests)])
                    waiting = {request.sample_id: request for request in requests}
                    while waiting:
                        answer = self._conversation.answer(waiting)
                        request = waiting.pop(answer["id"])
                        answers[request.sample_id] = self._sound(answer, request)
                        self.on_progress(self._batch - len(waiting))
                except ProgramFailed as error:
                    crash = str(error)
                    self.close()
        except GenerationError as error:
            return Attempt({request.sample_id: error for request in requests} | answers)
        return Attempt(answers, crash)

    def _sound(self, answer: Mapping[str, Any], request: Request) -> Answer:
        if "error" in answer:
            return GenerationError(f"the program says: {answer['error']}")
        path = Path(self._settings.checkout or Path.cwd(), answer["path"])
        try:
            return read_sound(path, request.duration, sample_rate=self.sample_rate)
        except GenerationError as error:
            return error


class Conversation:
    """A program that runs, with a thread that reads what it says, so that neither side waits for the other for ever."""

    def __init__(self, command: Sequence[str], settings: Settings, env: Mapping[str, str]) -> None:
        self._limit = settings.time_limit_seconds
        self._log = settings.log_path
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as words:
            words.write(f"\n$ {shlex.join(command)}\n".encode("utf-8", "backslashreplace"))
            words.flush()
            self._log_start = words.tell()
            self._process = started(
                command, folder=settings.checkout or Path.cwd(), env=env,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words,
            )  # fmt: skip
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True).start()
        self._end = weakref.finalize(self, _finish, self._process)  # also when the interpreter ends

    def ask(self, lines: Sequence[str]) -> None:
        """Send requests, from a thread: a program that reads nothing must not stop us from noticing it."""
        content = "".join(f"{line}\n" for line in lines).encode()
        threading.Thread(target=_write, args=(self._process.stdin, content), daemon=True).start()

    def answer(self, waiting: Mapping[str, Request]) -> dict[str, Any]:
        """Return the next answer to one of the requests waited for.

        Raises:
            ProgramFailed: the program ended, said nothing for too long, or something that is not an answer.
        """
        try:
            line = self._lines.get(timeout=self._limit)
        except queue.Empty:
            raise self._failed(f"the program answered nothing for {self._limit:g} s and was stopped") from None
        if line is None:
            reason = self._ending() or "the program ended"
            raise self._failed(f"{reason} before it had answered")
        try:
            answer = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not _is_answer(answer) or answer["id"] not in waiting:
            shown = line.decode("utf-8", "replace").strip()[:SHOWN_CHARACTERS]
            raise self._failed(f"the program's line {shown!r} is not an answer; write anything else to stderr")
        return answer

    def close(self) -> None:
        """Close the program's input and wait for its end, or make it end."""
        self._end()

    def _ending(self) -> str:
        try:
            return ended(self._process.wait(ENDING_SECONDS))
        except subprocess.TimeoutExpired:
            return "the program closed its output"

    def _failed(self, reason: str) -> ProgramFailed:
        stop(self._process)
        return ProgramFailed(f"{reason}{last_lines(self._log, self._log_start)}")


def split_command(command: str | Sequence[str]) -> list[str]:
    """Return the words of a command.

    Raises:
        ValueError: nothing in it, or a quote that is not closed.
    """
    try:
        words = shlex.split(command) if isinstance(command, str) else [os.fspath(word) for word in command]
    except (ValueError, TypeError) as error:
        raise ValueError(f"command: {command!r}: {error}") from error
    if not words:
        raise ValueError("command: empty; give the program and its arguments")
    return words


def _line(request: Request, folder: Path, index: int) -> str:
    """Return a request as JSON, all ASCII: a line break in a prompt is escaped and ends no line."""
    return json.dumps(
        {
            "protocol": PROTOCOL,
            "id": request.sample_id,
            "video": str(Path(request.video).absolute()),
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "duration_seconds": request.duration,
            "seed": request.seed,
            "output": str(folder / f"{index:05d}.wav"),
        }
    )


def find_program(name: str, settings: Settings, env: Mapping[str, str]) -> Path | None:
    """Return the executable that a command begins with, as it will be found when it is started; None if there is none.

    Args:
        name: the command's first word; with a folder in it, it counts from the working directory.
        settings: where that is.
        env: the program's environment, with its PATH.
    """
    if os.sep in name:
        return find_tool(str(Path(settings.checkout or Path.cwd(), name)), env)
    return find_tool(name, env)


def _is_answer(answer: Mapping[str, Any]) -> bool:
    return isinstance(answer.get("id"), str) and isinstance(answer.get("error", answer.get("path")), str)


def _read(stream: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    with contextlib.suppress(OSError, ValueError):  # the stream was closed, because the program was stopped
        while line := stream.readline(LONGEST_LINE_BYTES):  # a program may write for ever and never end a line
            if line.strip():
                lines.put(line)
    lines.put(None)


def _write(stream: IO[bytes], content: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # it has ended, or was stopped: the reader will see that
        stream.write(content)
        stream.flush()


def _finish(process: subprocess.Popen[bytes]) -> None:
    """End a program politely: no more input, some time, then the signals."""
    if process.stdin is not None:
        with contextlib.suppress(OSError, ValueError):
            process.stdin.close()
    deadline = time.monotonic() + ENDING_SECONDS
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, deadline - time.monotonic()))
    stop(process)
    if process.stdout is not None:
        process.stdout.close()
