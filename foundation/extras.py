"""Packages of an extra, imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_OURS = ("", "baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio")


class MissingPackage(Exception):
    """A package of an extra is not installed; the message says how to get it."""


def command_for(extra: str) -> str:
    """Return the command that brings the packages of an extra; the suite is installed from its checkout alone."""
    return f"pip install -e '.[{extra}]' (in the suite's checkout)"


def load_extra(name: str, extra: str, *, needed_by: str) -> Any:
    """Return a module that needs an extra: one of its packages, or one of ours that imports them.

    Args:
        name: of the module.
        extra: as `pyproject.toml` calls it.
        needed_by: what cannot be done without it, for the message.

    Raises:
        MissingPackage: a package is not installed.
        ModuleNotFoundError: a module of ours is not there, which no installation mends.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in _OURS:
            raise
        raise MissingPackage(f"{needed_by} needs the package {package}; to get it: {command_for(extra)}") from error
