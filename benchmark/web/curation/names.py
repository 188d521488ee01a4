"""Names of reviewers: in one form, in one spelling, and no person's by accident."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from foundation.text import composed
from vgg_monoaudio.selection.decisions import is_program

LONGEST_NAME = 60  # characters


class NameKnown(Exception):
    """Somebody has this name here, and whoever gives it has not said to be that person.

    Attributes:
        name: in its one form.
        decided: whether there are decisions under it.
    """

    def __init__(self, name: str, *, decided: bool) -> None:
        """Take the name."""
        super().__init__(name)
        self.name, self.decided = name, decided


class Names:
    """Who decided here, and who came in since the server began.

    A name is believed, but two people under one undo one another's decisions, and one person under two spellings counts
    twice: so a known name is taken on purpose only, and the first spelling is the only one.
    """

    def __init__(self, decided: Callable[[], Collection[str]]) -> None:
        """Take what tells the names under which there are decisions."""
        self._decided = decided
        self._here: set[str] = set()
        self._deciding: set[str] = set()
        self._lock = threading.Lock()

    def seen(self, name: str) -> None:
        """Note somebody who came in with a name, maybe before this server began."""
        with self._lock:
            self._here.add(name)

    def take(self, given: str, *, before: str | None, is_me: bool) -> str:
        """Return a name in its one form; from now on it is known.

        Args:
            given: as it was typed.
            before: name of the same browser until now, which it gives back.
            is_me: whether a known one was said to be one's own.

        Raises:
            ValueError: no name for a person, or a known one spelled in another way.
            NameKnown: it is known, and `is_me` is false.
        """
        name = checked_name(given)
        with self._lock:
            decided = set(self._decided()) | self._deciding
            known = decided | (self._here - {before})
            check_spelling(name, known)
            if name in known and name != before and not is_me:
                raise NameKnown(name, decided=name in decided)
            self._here = (self._here - {before}) | {name}
        return name

    def decides(self, name: str) -> None:
        """Check a name again that is about to decide: of two spellings that both came in, the first one stays.

        Raises:
            ValueError: there are decisions under another spelling, and none under this one.
        """
        with self._lock:
            check_spelling(name, set(self._decided()) | self._deciding)
            self._deciding.add(name)


def check_spelling(name: str, known: Collection[str]) -> None:
    """Refuse a name that differs from a known one by small and capital letters alone: its decisions would count twice.

    Raises:
        ValueError: gives the known spelling.
    """
    same = sorted(other for other in known if other.casefold() == name.casefold())
    if same and name not in same:
        raise ValueError(f"name: {same[0]!r} is a reviewer here; if that is you, spell it so, else take another name")


def checked_name(name: str) -> str:
    """Return a reviewer's name in its one form.

    Raises:
        ValueError: empty, too long, unprintable, or that of a program.
    """
    name = composed(" ".join(name.split()))
    if not name:
        raise ValueError("name: expected one, got none")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"name: expected at most {LONGEST_NAME} characters, got {len(name)}")
    if not name.isprintable():
        raise ValueError("name: expected characters that can be shown")
    if is_program(name):
        raise ValueError(f"name: {name!r} is kept for programs")
    return name
