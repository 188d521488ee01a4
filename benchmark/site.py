"""Where a run lives, and how several drivers of it share that: on this machine, or on a store that many reach.

The suite works on files of this machine. A run elsewhere has a copy here: `pull` brings it up to date, `push` sends
what was written.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmark.runs import RunDirectory
from foundation.ledger.ledger import Ledger, Plan
from foundation.ledger.store import FolderStore, Store
from foundation.locks import POLL_SECONDS, Lock, lock_path

ORDINARY_SECONDS = 10.0  # that a driver may wait for another to begin or end a run, without a word

log = logging.getLogger(__name__)


class Site(Protocol):
    """The place of one run.

    Attributes:
        directory: where its files are on this machine.
    """

    @property
    def directory(self) -> RunDirectory:
        """The run's files on this machine."""
        ...

    @property
    def address(self) -> str:
        """Where the run lives, as others name it: a path, or the address of an object store."""
        ...

    def lock(self) -> AbstractContextManager[Any]:
        """Hold the run, for as long as its records are read and written; whoever else wants that waits."""
        ...

    def ledger(self, of: str = "ledger") -> Store:
        """Return where a ledger of the run is kept: of its drivers, or another by its name."""
        ...

    def pull(self) -> None:
        """Bring what others have written to this machine, and remove here what is gone there."""
        ...

    def push(self, *paths: Path) -> None:
        """Send files of the run that were written or removed here to where it lives."""
        ...


@dataclass(frozen=True)
class LocalSite:
    """A run in a folder of this machine, or of a file system that several machines mount."""

    directory: RunDirectory

    @property
    def address(self) -> str:
        """The folder's path."""
        return os.fspath(self.directory.path)

    def lock(self) -> AbstractContextManager[Any]:
        """Hold the run."""
        return Lock(self.directory.path, tells_after=ORDINARY_SECONDS)

    def ledger(self, of: str = "ledger") -> Store:
        """Return a folder beside the run, hidden as its lock is."""
        path = lock_path(self.directory.path)  # the same for every way that leads there
        return FolderStore(path.with_suffix(f".{of}"))

    def pull(self) -> None:
        """Do nothing: what others write is here."""

    def push(self, *paths: Path) -> None:
        """Do nothing: what is written is where it lives."""


@contextmanager
def hold(site: Site, ledger: Ledger | None = None, *, joining: Collection[str] = ()) -> Iterator[Plan | None]:
    """Hold a run that no driver is at, for the length of a block; wait for the end of those that are.

    Yields the plan that drivers are at which this process is to join; None where there are none.

    Args:
        site: of the run.
        ledger: of its drivers; None makes one.
        joining: marks of plans whose drivers are no hindrance, since this process is to be one more.
    """
    ledger, told = ledger or Ledger(site.ledger()), ""
    while True:
        with site.lock():
            at_work = ledger.at_work()
            plan = ledger.plan() if at_work else None
            if not at_work or (plan is not None and plan.mark in joining):
                yield plan
                return
        if str(at_work[0]) != told:
            told = str(at_work[0])
            log.warning("%s: %s is at work on it; waiting for its end", site.directory.path.resolve(), told)
        time.sleep(POLL_SECONDS)
