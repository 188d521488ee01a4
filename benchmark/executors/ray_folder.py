"""The folder that a command was given in, on other nodes of a cluster: whether they have it, and the same in it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from foundation.files import file_sha256

_FOLDER, _NOTHING = "a folder", "nothing"


class FolderMissing(Exception):
    """A node of the cluster does not have the folder that the command was given in."""


def enter(folder: str) -> None:
    """Make a folder the current one.

    Raises:
        FolderMissing: this node does not have it.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise FolderMissing(
            f"{socket.gethostname()} does not have {folder}, which the command was given in: {error.strerror}; give it "
            "in a folder that all nodes of the cluster share"
        ) from error


def sight_of(places: Iterable[str]) -> dict[str, str]:
    """Return what this node sees at each place: a file's SHA-256, or that it is a folder, or nothing."""
    return {place: _seen(Path(place)) for place in places}


def difference(seen: Mapping[str, str]) -> str:
    """Return, as a sentence, where this node sees something else than another did; empty where it sees the same."""
    for place, found in sight_of(seen).items():
        if found == _NOTHING != seen[place]:
            return f"{socket.gethostname()} does not have {Path(place).absolute()}"
        if found != seen[place]:
            return f"{socket.gethostname()} has another {Path(place).absolute()} than the driver's node"
    return ""


def _seen(path: Path) -> str:
    try:
        return _FOLDER if path.is_dir() else file_sha256(path)
    except OSError:
        return _NOTHING
