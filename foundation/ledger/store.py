"""Where a ledger is kept: small records by name, shared by processes of one machine or of many.

All that is asked of the place is that a record can be made where there is none, by one of several who try, and that
its bytes come whole. Files do that, and so do the object stores of today; neither renaming nor locking is needed.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from foundation.flushing import make_folder
from foundation.partials import is_partial, partial_name
from foundation.write_failures import naming_failures


class Store(Protocol):
    """Small records by name; a name is that of one file, without folders."""

    def create(self, name: str, data: bytes) -> bool:
        """Make a record, whole or not at all; return False where there is one of that name, of whoever."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Put bytes in the place of a record, whole or not at all; only whoever made it does so.

        Raises:
            FileNotFoundError: it is there no more.
        """
        ...

    def read(self, name: str) -> bytes | None:
        """Return a record; None where there is none."""
        ...

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        ...

    def clear(self) -> None:
        """Remove all records."""
        ...


class FolderStore:
    """Records as files of a folder, which is there as long as it holds any."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    def create(self, name: str, data: bytes) -> bool:
        """Make a record; see `Store`.

        Raises:
            foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
        """
        final = self._folder / name
        temporary = final.with_name(partial_name(name))
        with naming_failures(final, temporary):
            make_folder(self._folder)
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                return _linked(temporary, final, data)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def replace(self, name: str, data: bytes) -> None:
        """Put bytes in the place of a record; see `Store`.

        Raises:
            FileNotFoundError: it is there no more.
            foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
        """
        final = self._folder / name
        temporary = final.with_name(partial_name(name))
        if not final.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(final))
        with naming_failures(final, temporary):
            try:
                temporary.write_bytes(data)
                temporary.replace(final)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def read(self, name: str) -> bytes | None:
        """Return a record; None where there is none."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        try:
            entries = list(self._folder.iterdir())
        except FileNotFoundError:
            return []
        return sorted(entry.name for entry in entries if not is_partial(entry))

    def clear(self) -> None:
        """Remove all records and the folder, at one stroke: nobody finds a part of them."""
        leaving = self._folder.with_name(partial_name(self._folder.name))
        with suppress(FileNotFoundError):
            self._folder.rename(leaving)
        for folder in self._folder.parent.glob(f".{glob.escape(self._folder.stem)}.*"):  # of who was killed here, too
            if is_partial(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _linked(temporary: Path, final: Path, data: bytes) -> bool:
    """Give a file its name unless there is one; where the file system has no hard links, by making it anew."""
    try:
        os.link(temporary, final)
    except FileExistsError:
        return False
    except OSError:
        try:
            with final.open("xb") as file:
                file.write(data)
        except FileExistsError:
            return False
    return True
