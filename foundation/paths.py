"""Names that become paths, links that lead elsewhere, and folders that are searched with their links.

Names come from manifests, records, archives and the command line, and some of these were written by others. A name is
that of one file or folder: `check_name` is the one rule. A user's folder may hold links, which `search` follows
and `inside` judges.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from foundation.files import PathLike

log = logging.getLogger(__name__)

_DRIVE = re.compile(r"[A-Za-z]:")
# Separators of folders; control characters; separators of lines and paragraphs; lone surrogates
_FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def fault_of_name(text: str) -> str:
    """Return why a text cannot name one file or folder inside another; "" where it can.

    Refused: nothing, `.` and `..`, `/` and `\\`, a drive (`C:`), control characters and line breaks (NUL is one), and
    blanks at either end, which people do not see and some systems drop. Words that Windows keeps for devices (`con`,
    `nul`) are names like any other here: they lead nowhere on the systems that this suite runs on.
    """
    if not text:
        return "it is empty"
    if text in (".", ".."):
        return "it is a folder's word for itself or the one above"
    if found := _FORBIDDEN.search(text):
        return f"it holds {'' if found[0] in '/' + chr(92) else 'the control character '}{found[0]!r}"
    if _DRIVE.match(text):
        return "it begins like a drive"
    return "it begins or ends with a blank" if text != text.strip() else ""


def check_name(text: str, kind: Literal["file", "folder"] = "file") -> str:
    """Return a text that can name one file or folder inside another, and leads nowhere else.

    Raises:
        ValueError: see `fault_of_name`; gives the text and what is wrong with it.
    """
    fault = fault_of_name(text)
    if fault:
        raise ValueError(f"expected the name of one {kind}, got {text!r}: {fault}")
    return text


# Fields of records that are parts of paths: what leads elsewhere is refused where the record is read.
FileName = Annotated[str, AfterValidator(check_name)]
FolderName = Annotated[str, AfterValidator(partial(check_name, kind="folder"))]


def inside(path: PathLike, *folders: PathLike) -> bool:
    """Tell whether a path, all links followed, lies in one of these folders or is one, their links followed too."""
    real = os.path.realpath(path)
    return any(Path(real).is_relative_to(os.path.realpath(folder)) for folder in folders)


def search(folder: PathLike, *, closed_by: str = "") -> Iterator[Path]:
    """Yield the regular files of a folder and its subfolders, those behind links too, each real folder once.

    Folders come in the order of their names, real ones before those behind links. What is passed over is named by a
    warning: a link to a folder that was searched already, which would be an endless loop or count everything twice; a
    link to nothing; a folder that may not be read; and a file that is none, such as a pipe, which would never end.

    Args:
        folder: where to look; nothing is found in one that is not there.
        closed_by: links to folders are not followed in and below a folder that holds a file of this name.
    """
    searching = _Search(closed_by)
    if Path(folder).is_dir():
        yield from searching.below(Path(folder), follow=True)
    while searching.links:
        link = searching.links.pop(0)
        if searching.knows(link):
            log.warning("%s: skipped, a link to %s, which is searched already", link, os.path.realpath(link))
        else:
            yield from searching.below(link, follow=True)


class _Search:
    """What a search has seen, and the links to folders that it has yet to follow."""

    def __init__(self, closed_by: str) -> None:
        self.links: list[Path] = []
        self._closed_by = closed_by
        self._seen: set[tuple[int, int]] = set()

    def knows(self, folder: Path) -> bool:
        status = folder.stat()
        return (status.st_dev, status.st_ino) in self._seen

    def below(self, folder: Path, *, follow: bool) -> Iterator[Path]:
        """Yield the files of a folder and of the real folders in it; keep its links to folders for later."""
        if self.knows(folder):
            return
        status = folder.stat()
        self._seen.add((status.st_dev, status.st_ino))
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except PermissionError as error:
            log.warning("%s: skipped, %s", folder, error.strerror)
            return
        follow = follow and self._closed_by not in {entry.name for entry in entries}
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self.below(path, follow=follow)
            elif entry.is_file(follow_symlinks=False) or path.is_file():  # the latter also bears a link to itself
                yield path
            elif follow and path.is_dir():
                self.links.append(path)
            else:
                log.warning("%s: skipped, %s", path, self._fault(path))

    def _fault(self, path: Path) -> str:
        if path.is_dir():
            return f"a link to {os.path.realpath(path)} in a folder that links may not leave"
        return f"a link to nothing ({path.readlink()})" if path.is_symlink() else "neither a file nor a folder"
