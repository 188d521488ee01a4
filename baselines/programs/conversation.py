"""A program that runs and is talked to: lines go to its standard input, answers come from its standard output."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from baselines.programs.log import Log
from baselines.programs.process import POLL_SECONDS, Deadline, ProgramFailed, ended, started, stop
from baselines.programs.settings import Settings

SHOWN_CHARACTERS = 120
LONGEST_LINE_BYTES = 1 << 20
ENDING_SECONDS = 5.0  # a program whose input ends has so long to end by itself
_PIECE_BYTES = 1 << 16


class Conversation:
    """A program from its start to its end; what it prints to standard error is logged.

    Nothing here waits for the end of its output alone: a child that outlives the program may keep that open for ever.

    Raises:
        ProgramFailed: it cannot be started.
    """

    def __init__(self, command: Sequence[str], settings: Settings, env: Mapping[str, str]) -> None:
        self._limit = settings.time_limit_seconds
        self._log = Log(settings.log_path, command)
        try:
            self._process = started(
                command, folder=settings.checkout or Path.cwd(), env=env,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log.file,
            )  # fmt: skip
        except ProgramFailed:
            self._log.close()
            raise
        self._output: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        os.set_blocking(self._output.fileno(), False)
        self._ready = select.poll()
        self._ready.register(self._output, select.POLLIN)
        self._said = bytearray()  # what has been read of its output and is not an answer yet
        self._end = weakref.finalize(self, _finish, self._process, self._log)  # also when the interpreter ends

    def ask(self, lines: Sequence[str]) -> None:
        """Send requests, from a thread: a program that reads nothing must not stop us from noticing it."""
        content = "".join(f"{line}\n" for line in lines).encode()
        threading.Thread(target=_write, args=(self._process.stdin, content), daemon=True).start()

    def answer(self, waiting: Iterable[str]) -> dict[str, Any]:
        """Return the next answer to one of the requests waited for, by their ids.

        The time limit is for the whole answer: bytes that come singly do not prolong it.

        Raises:
            ProgramFailed: the program ended, took too long, or said something that is not an answer.
        """
        line = self._line()
        try:
            answer = json.loads(line, parse_int=float)  # int refuses thousands of digits; no number here is ours
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or not _is_answer(answer) or answer["id"] not in waiting:
            shown = line.decode("utf-8", "replace").strip()[:SHOWN_CHARACTERS]
            raise self._failed(f"the program's line {shown!r} is not an answer; write anything else to stderr")
        return answer

    def close(self) -> None:
        """Close the program's input and wait for its end, or make it end."""
        self._end()

    def abandon(self) -> None:
        """Make the program end now."""
        stop(self._process)
        self._end()

    def _line(self) -> bytes:
        """Wait for the next line that is not blank, or for as much of one as is too long to be an answer."""
        deadline = Deadline(self._limit)
        line = self._whole_line()
        while not line:
            self._log.cut()
            over = self._process.poll() is not None  # asked before the output is looked at: nothing is written after
            self._ready.poll(0 if over else 1000 * POLL_SECONDS)
            piece = self._output.read(_PIECE_BYTES)  # None: there is nothing now; b"": there will never be
            if piece:
                self._said += piece
                line = self._whole_line()
            elif piece == b"" or over:
                if self._said.strip():  # a last line that it did not end
                    line, self._said = bytes(self._said), bytearray()
                    return line
                raise self._failed(f"{self._ending() or 'the program ended'} before it had answered")
            if not line and deadline.passed:  # asked after each piece: blank lines may come for ever
                raise self._failed(f"the program answered nothing for {self._limit:g} s and was stopped")
        return line

    def _whole_line(self) -> bytes:
        """Take from what has been read the next line that `_line` waits for; b"" where there is none yet."""
        while (end := self._said.find(b"\n")) >= 0 or len(self._said) >= LONGEST_LINE_BYTES:
            line = bytes(self._said[: end + 1 or LONGEST_LINE_BYTES])
            del self._said[: len(line)]
            if line.strip():
                return line
        return b""

    def _ending(self) -> str:
        try:
            return ended(self._process.wait(ENDING_SECONDS))
        except subprocess.TimeoutExpired:
            return "the program closed its output"

    def _failed(self, reason: str) -> ProgramFailed:
        stop(self._process)
        return ProgramFailed(f"{reason}{self._log.last_lines()}")


def _is_answer(answer: Mapping[str, Any]) -> bool:
    """Tell whether there is an id, and a path or an error; a member that is null counts as absent."""
    given = [answer.get("error"), answer.get("path")]
    texts = [member for member in given if member is not None]
    return isinstance(answer.get("id"), str) and bool(texts) and all(isinstance(member, str) for member in texts)


def _write(stream: IO[bytes], content: bytes) -> None:
    left = memoryview(content)
    with contextlib.suppress(OSError, ValueError):  # it has ended, or was stopped: the reader will see that
        while left:
            left = left[stream.write(left) :]


def _finish(process: subprocess.Popen[bytes], log: Log) -> None:
    """End a program politely: no more input, some time, then the signals."""
    if process.stdin is not None:
        with contextlib.suppress(OSError, ValueError):
            process.stdin.close()
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)
    finally:
        stop(process)
        if process.stdout is not None:
            process.stdout.close()
        log.close()
