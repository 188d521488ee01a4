"""Packages of the extra `web` that parts of the analysis need, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

EXTRA = "web"


class MissingPackage(Exception):
    """A package that an analysis needs is not installed; says how to get it."""


def load_extra(name: str) -> Any:
    """Return a module that needs the extra `web`: one of its packages, or one of ours that imports them.

    Raises:
        MissingPackage: a package is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "benchmark"):  # a mistake in our own imports is no missing package
            raise
        raise MissingPackage(
            f"the analysis of ratings needs the package {package}; to get it: pip install 'vgg-monoaudio[{EXTRA}]'"
        ) from error
