"""Media on their way to a browser: piece by piece from the disk, and only files that were listed beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.responses import FileResponse


class NoSuchFile(Exception):
    """No file of this name was listed, or it has gone or turned into something else."""


class MediaFiles:
    """A closed list of files by name; nothing that a request says becomes part of a path.

    A file is listed with the folder that it must lie in. A link that leads out of that folder is refused when it is
    listed and when it is sent.
    """

    def __init__(self, folder: Path, files: Mapping[str, Path]) -> None:
        """List the files.

        Args:
            folder: where all of them lie.
            files: name to path, absolute or seen from `folder`.

        Raises:
            NoSuchFile: a path leads out of the folder, or is no file there.
        """
        self._folder = folder.resolve()
        self._files = {name: self._there(self._folder / path) for name, path in files.items()}

    def response(self, name: str, *, media_type: str, changes: bool = False) -> FileResponse:
        """Return the answer that sends a file; it heeds `Range`, and reads 64 KiB at a time.

        Args:
            name: of the file.
            media_type: told to the browser.
            changes: another file may take its name: a browser must not show the one it has without asking.

        Raises:
            NoSuchFile: no such name, or no such file any more.
        """
        if name not in self._files:
            raise NoSuchFile("no such file")
        path = self._inside(self._files[name])
        if not path.is_file():
            raise NoSuchFile(f"{path}: has gone")
        kept = "private, no-cache" if changes else "private, max-age=86400, immutable"
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": kept})

    def _inside(self, path: Path) -> Path:
        found = path.resolve()
        if not found.is_relative_to(self._folder):
            raise NoSuchFile(f"{path}: leads out of {self._folder}")
        return found

    def _there(self, path: Path) -> Path:
        found = self._inside(path)
        if not found.is_file():
            raise NoSuchFile(f"{path}: no such file in {self._folder}")
        return found
