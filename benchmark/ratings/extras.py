"""Packages of the extra `web` that parts of the analysis need, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

EXTRA = "web"


class MissingPackage(Exception):
    """A package that an analysis needs is not installed; says how to get it."""


def load_extra(name: str) -> Any:
    """Return a module of a package in the extra `web`.

    Raises:
        MissingPackage: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
            raise
        package = error.name.partition(".")[0]
        raise MissingPackage(
            f"the analysis of ratings needs the package {package}; to get it: pip install 'vgg-monoaudio[{EXTRA}]'"
        ) from error
