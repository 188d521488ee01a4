"""Models in any language: a program that reads requests and writes answers, one JSON object per line."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from baselines.generator import GenerationError, Request, Waveform
from baselines.programs.conversation import Conversation
from baselines.programs.outputs import naming_disk_errors, read_sound, work_folder
from baselines.programs.process import MissingProgram, ProgramFailed, environment, find_interpreter, find_tool
from baselines.programs.retries import Answer, Attempt, answer_with_retries, only_answer
from baselines.programs.settings import ProgramOptions, Settings, read_settings

PROTOCOL = 1
TIME_LIMIT_SECONDS = 600.0  # of silence, where neither models.toml nor an option says otherwise


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

    def _abandon(self) -> None:
        if self._conversation is not None:
            self._conversation.abandon()
            self._conversation = None

    def _attempt(self, requests: Sequence[Request]) -> Attempt:
        answers: dict[str, Answer] = {}
        crash = ""
        try:
            with work_folder(self._settings) as folder, naming_disk_errors():
                try:
                    if self._conversation is None:
                        self._conversation = Conversation(self._command, self._settings, self._env)
                    lines = [self._line(request, folder, index) for index, request in enumerate(requests)]
                    self._conversation.ask(lines)
                    waiting = {request.sample_id: request for request in requests}
                    while waiting:
                        answer = self._conversation.answer(waiting)
                        request = waiting.pop(answer["id"])
                        answers[request.sample_id] = self._sound(answer, request)
                        self.on_progress(self._batch - len(waiting))
                except ProgramFailed as error:
                    crash = str(error)
                    self.close()
                except BaseException:  # we are to end: nobody waits for what the program would still say
                    self._abandon()
                    raise
        except GenerationError as error:
            return Attempt({request.sample_id: error for request in requests} | answers)
        return Attempt(answers, crash)

    def _line(self, request: Request, folder: Path, index: int) -> str:
        """Return a request as JSON, all ASCII: a line break in a prompt is escaped and ends no line."""
        return json.dumps(self._question(request, folder, index))

    def _question(self, request: Request, folder: Path, index: int) -> dict[str, Any]:
        """Return the members of a request; docs/external-models.md explains them."""
        return {
            "protocol": PROTOCOL,
            "id": request.sample_id,
            "video": str(Path(request.video).absolute()),
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "duration_seconds": request.duration,
            "seed": request.seed,
            "output": str(folder / f"{index:05d}.wav"),
        }

    def _sound(self, answer: Mapping[str, Any], request: Request) -> Answer:
        if answer.get("error") or answer.get("path") is None:  # an error of null or "" beside a path is none
            return GenerationError(f"the program says: {answer['error'] or 'nothing, and names no path'}")
        path = Path(self._settings.checkout or Path.cwd(), answer["path"])
        try:
            return read_sound(path, request.duration, sample_rate=self.sample_rate)
        except GenerationError as error:
            return error


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
