"""Folders on object stores: through `fsspec`, copied here to be worked on, locked without renaming."""

from __future__ import annotations

import os


def is_remote(place: str | os.PathLike[str]) -> bool:
    """Tell whether a place is an address such as `s3://bucket/runs`, and not a path of this machine."""
    return "://" in os.fspath(place)
