"""The line of questions: one is answered at a time, the others wait, and each says how far it is."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmark.answers import named
from benchmark.web.trying.answering import Answer, Part, Question, parts_of
from benchmark.web.trying.films import NoLongerKept
from benchmark.web.trying.models import Models

MOST_WAITING = 8
MOST_KEPT = 40  # questions; with one more the oldest that is done goes, with its answers
ENDING_SECONDS = 10.0  # that the end of the server waits for a part under way

log = logging.getLogger(__name__)

State = Literal["waiting", "working", "done", "stopped"]
Work = Callable[[Question, Part, Path], Answer]


class LineFull(Exception):
    """Too many questions wait; says how many."""


@dataclass
class Try:
    """A question and what has become of it so far.

    Attributes:
        key: by which its page asks for it; nobody can guess it.
        question: what was asked.
        parts: of the question, in order.
        folder: for the files of its answers.
        state: where it is.
        answers: to the first of the parts.
    """

    key: str
    question: Question
    parts: list[Part]
    folder: Path
    state: State = "waiting"
    answers: list[Answer] = field(default_factory=list)


@dataclass(frozen=True)
class Standing:
    """A try at one moment.

    Attributes:
        state: where it is.
        before: questions that are answered before it is.
        now: the part that is worked on; None: none is.
        parts: how many there are.
        answers: so far.
    """

    state: State
    before: int
    now: Part | None
    parts: int
    answers: list[Answer]


class Line:
    """A thread that works on one part of one question at a time."""

    def __init__(self, folder: Path, models: Models, work: Work) -> None:
        """Begin to wait for questions.

        Args:
            folder: for answers, a folder a question.
            models: that are asked.
            work: returns the answer to a part; what it raises costs that part.
        """
        self._folder, self._models, self._work = folder, models, work
        self._tries: OrderedDict[str, Try] = OrderedDict()
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._go_on, name="answers", daemon=True)
        self._thread.start()

    def ask(self, question: Question) -> str:
        """Put a question at the end of the line; return its key.

        Raises:
            LineFull: `MOST_WAITING` wait already.
        """
        key = secrets.token_urlsafe(16)
        with self._changed:
            waiting = sum(one.state == "waiting" for one in self._tries.values())
            if waiting >= MOST_WAITING:
                raise LineFull(f"the line is full, with {waiting} waiting; ask again when one of them is done")
            self._tries[key] = Try(key, question, parts_of(question, self._models), self._folder / key)
            gone = self._forgotten()
            self._changed.notify_all()
        for old in gone:
            shutil.rmtree(old.folder, ignore_errors=True)
        return key

    def standing(self, key: str) -> Standing:
        """Return how far a question is.

        Raises:
            benchmark.web.trying.films.NoLongerKept: there is none, or it is no longer kept.
        """
        with self._changed:
            one = self._found(key)
            unfinished = [other for other in self._tries.values() if other.state in ("waiting", "working")]
            before = unfinished.index(one) if one.state == "waiting" else 0
            left = one.parts[len(one.answers) :] if one.state == "working" else []
            return Standing(one.state, before, next(iter(left), None), len(one.parts), list(one.answers))

    def stop(self, key: str) -> None:
        """Let a question wait no longer; the part that is worked on is ended, and is the last.

        Raises:
            benchmark.web.trying.films.NoLongerKept: there is none, or it is no longer kept.
        """
        with self._changed:
            one = self._found(key)
            if one.state in ("waiting", "working"):
                one.state = "stopped"

    def close(self) -> None:
        """End; a part under way is waited for some seconds, since nothing can break it off."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(ENDING_SECONDS)

    def _found(self, key: str) -> Try:
        if key not in self._tries:
            raise NoLongerKept("these answers are no longer kept; ask again")
        return self._tries[key]

    def _forgotten(self) -> list[Try]:
        """Take out the oldest questions that nothing more is done for, until no more than `MOST_KEPT` are left."""
        over = len(self._tries) - MOST_KEPT
        ended = [one for one in self._tries.values() if one.state in ("done", "stopped")]
        return [self._tries.pop(one.key) for one in ended[: max(0, over)]]

    def _go_on(self) -> None:
        while (one := self._next()) is not None:
            for part in one.parts:
                if self._ended or one.state != "working":
                    break
                found = self._answer(one, part)
                with self._changed:
                    one.answers.append(found)
            with self._changed:
                one.state = "done" if one.state == "working" else one.state

    def _next(self) -> Try | None:
        """Return the question that has waited longest, now worked on, when there is one; None at the end."""
        with self._changed:
            while not self._ended:
                waiting = [one for one in self._tries.values() if one.state == "waiting"]
                if waiting:
                    waiting[0].state = "working"
                    return waiting[0]
                self._changed.wait()
        return None

    def _answer(self, one: Try, part: Part) -> Answer:
        try:
            return self._work(one.question, part, one.folder / str(len(one.answers)))
        except Exception as error:  # a defect costs one answer, and not the page with all who wait
            if not self._ended:
                log.exception("%s has no answer", part.model)
            return Answer(part, fault=f"{named(error)}; the server's terminal says more")
