"""Time limits that are over when a program has done something, however long that takes."""

from pathlib import Path

import pytest

from baselines.programs import conversation, process


class Limits:
    """Every time limit of a program is over once for each line that it has written to a file."""

    def __init__(self) -> None:
        self._file, self._over, self._from_start = None, 0, False

    def end_at(self, file: Path, *, from_start: bool = False) -> None:
        """Name the file; `from_start`: a limit that has been prolonged is never over."""
        self._file, self._from_start = file, from_start

    def is_over(self, renewed: bool) -> bool:
        lines = self._file.read_text().count("\n") if self._file is not None and self._file.is_file() else 0
        if lines <= self._over or (renewed and self._from_start):
            return False
        self._over += 1
        return True


@pytest.fixture
def limits(monkeypatch):
    """The time limits of all programs."""
    made = Limits()

    class Deadline:
        def __init__(self, seconds: float) -> None:
            self._renewed = False

        def renew(self) -> None:
            self._renewed = True

        @property
        def passed(self) -> bool:
            return made.is_over(self._renewed)

    for module in (process, conversation):
        monkeypatch.setattr(module, "Deadline", Deadline)
    return made
