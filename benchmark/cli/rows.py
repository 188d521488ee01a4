"""What a command over several models has in the end: the rows that there are, and the names of those that are not."""

from __future__ import annotations

import contextlib
import errno
import traceback
from collections.abc import Iterator, Sized
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.exits import for_the_user, tell

REPORT_ENDINGS = ("md", "csv", "tex", "html")
# What the world does to one row it does to the next: no room, no right, a disk that fails.
_OF_THE_WORLD = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})


@dataclass
class Rows:
    """The rows that were lost, by name, with the reason of each."""

    lost: dict[str, Exception] = field(default_factory=dict)

    @contextlib.contextmanager
    def losing(self, name: str) -> Iterator[None]:
        """Let whatever the block raises cost this row alone; a disk that is full or fails costs all.

        The traceback of a defect is shown at once: the line at the end would not do.
        """
        try:
            yield
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_WORLD:
                raise
            if not for_the_user(error):
                traceback.print_exception(error)
            self.lost[name] = error

    def check_any(self, rows: Sized) -> None:
        """Raise what the first row was lost for, where there is no row at all; name the others before."""
        if not len(rows) and self.lost:
            first, *others = self.lost
            for name in others:
                if str(self.lost[name]) != str(self.lost[first]):
                    tell(f"{name}: {self.lost[name]}", prefix="")
            raise self.lost[first]

    def tell(self) -> None:
        """Name the rows that are missing, each with its reason; nothing where none is."""
        if self.lost:
            tell(f"without scores, {len(self.lost)}:", prefix="")
        for name, error in self.lost.items():
            what = str(error) if for_the_user(error) else f"{type(error).__name__}: {error}"
            tell(f"  {name}: {what}", prefix="")


def check_report(out: Path) -> None:
    """Refuse a report that cannot be written, before the work that it is to show.

    Args:
        out: path without an ending.

    Raises:
        ValueError: names the file, and why.
    """
    from foundation.disk import check_file

    for ending in REPORT_ENDINGS:
        check_file(out.with_name(f"{out.name}.{ending}"))
