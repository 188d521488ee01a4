"""Runs on an object store: a working copy here, the run's lock and ledger beside it there; and which place is which.

<url>/<benchmark>/<subset>/<model>/...              the run, as in a folder
<url>/<benchmark>/<subset>/.<model>.lock/lock.<n>   claims on the run as a whole
<url>/<benchmark>/<subset>/.<model>.ledger/...      which parts of it are whose, and done
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from benchmark.places import DEFAULT_COPIES
from benchmark.runs import RunDirectory
from benchmark.site import ORDINARY_SECONDS, LocalSite, Site
from foundation.files import PathLike
from foundation.ledger.store import Store
from foundation.paths import check_name
from foundation.remote import is_remote
from foundation.remote.copies import WorkingCopy
from foundation.remote.locks import StoreLock
from foundation.remote.store import FsspecStore

_sites: dict[Path, RemoteSite] = {}  # by the working copies that this process has


class RemoteSite:
    """A run on an object store.

    Attributes:
        url: its address.
    """

    def __init__(self, url: str) -> None:
        """Name a run by its address; no request is made.

        Raises:
            foundation.remote.places.UnusableAddress: an address that leads nowhere.
        """
        self._copy = WorkingCopy(url, DEFAULT_COPIES)
        self.url = self._copy.url
        self._above, _, self._name = self.url.rpartition("/")
        _sites[self._copy.path.resolve()] = self

    @property
    def directory(self) -> RunDirectory:
        """The run's working copy, as the last `pull` and the work since have left it."""
        return RunDirectory(self._copy.path)

    @property
    def address(self) -> str:
        """The run's URL."""
        return self.url

    def lock(self) -> AbstractContextManager[Any]:
        """Hold the run, on all machines; see `foundation.remote.locks.StoreLock`."""
        return StoreLock(FsspecStore(f"{self._above}/.{self._name}.lock"), self.url, tells_after=ORDINARY_SECONDS)

    def ledger(self, of: str = "ledger") -> Store:
        """Return a folder beside the run, hidden as its lock is."""
        return FsspecStore(f"{self._above}/.{self._name}.{of}")

    def pull(self) -> None:
        """Bring the working copy up to date.

        Raises:
            foundation.remote.places.RemoteFailed: the store cannot be read; names the address and the way out.
        """
        self._copy.pull()

    def push(self, *paths: Path) -> None:
        """Send files that were written; remove there what was removed here. A folder means all below it.

        Raises:
            foundation.remote.places.RemoteFailed: the store does not take one; names its address and the way out.
        """
        self._copy.push(*paths)


def site_of(runs: PathLike, benchmark: str, subset: str, name: str) -> Site:
    """Return the place of a run, whether it exists or not.

    Args:
        runs: root of the run directories: a folder, or the address of one.
        benchmark: name of the benchmark.
        subset: part of it.
        name: of the run.

    Raises:
        ValueError: one of the three is not the name of one folder, or an address leads nowhere.
    """
    if not is_remote(runs):
        return LocalSite(RunDirectory.locate(Path(runs), benchmark, subset, name))
    parts = [check_name(part, "folder") for part in (benchmark, subset, name)]
    return RemoteSite("/".join([os.fspath(runs).rstrip("/"), *parts]))


def site_at(run: RunDirectory | PathLike) -> Site:
    """Return the place of a run by its directory or address; that of a working copy is where it was copied from.

    Raises:
        foundation.remote.places.UnusableAddress: an address that leads nowhere.
    """
    if isinstance(run, RunDirectory):
        return _sites.get(run.path.resolve()) or LocalSite(run)
    return RemoteSite(os.fspath(run)) if is_remote(run) else LocalSite(RunDirectory(Path(run)))


def brought_here(run: RunDirectory | PathLike) -> RunDirectory:
    """Return the directory of a run that can be read here; one on an object store is pulled first.

    Raises:
        foundation.remote.places.RemoteFailed: the store cannot be read.
    """
    site = site_at(run)
    site.pull()
    return site.directory


def folder_here(runs: PathLike) -> Path:
    """Return a folder of runs, or a run, that can be read here; one on an object store is pulled first.

    Raises:
        foundation.remote.places.RemoteFailed: the store cannot be read.
    """
    if not is_remote(runs):
        return Path(runs)
    copy = WorkingCopy(os.fspath(runs), DEFAULT_COPIES)
    copy.pull()
    return copy.path
