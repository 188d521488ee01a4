"""Packages of an extra, imported when they are used."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

_OURS = ("", "baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio")
# Built for one release and one build of torch each: beside another they are installed and cannot be loaded.
_BUILT_FOR_TORCH = ("torchaudio", "torchvision")


class MissingPackage(Exception):
    """A package of an extra is not installed, or cannot be loaded; the message says how to get it."""


def command_for(extra: str) -> str:
    """Return the command that brings the packages of an extra.

    Where the suite is installed, pip takes them from what is installed and asks no index for the suite, which is on
    none; where its checkout is only on the path, it must be installed from there.
    """
    try:
        metadata.distribution("vgg-monoaudio")
    except metadata.PackageNotFoundError:
        return f"pip install -e '.[{extra}]' (in the suite's checkout)"
    return f"pip install 'vgg-monoaudio[{extra}]'"


def missing(package: str, extra: str, *, needed_by: str) -> MissingPackage:
    """Return the error that says which package is not installed, who needs it, and how to get it."""
    return MissingPackage(f"{needed_by} needs the package {package}; to get it: {command_for(extra)}")


def load_extra(name: str, extra: str, *, needed_by: str) -> Any:
    """Return a module that needs an extra: one of its packages, or one of ours that imports them.

    Args:
        name: of the module.
        extra: as `pyproject.toml` calls it.
        needed_by: what cannot be done without it, for the message.

    Raises:
        MissingPackage: a package is not installed, or is installed and cannot be loaded.
        ModuleNotFoundError: a module of ours is not there, which no installation mends.
    """
    root = name.partition(".")[0]
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in _OURS:
            raise
        raise missing(package, extra, needed_by=needed_by) from error
    except (ImportError, OSError, RuntimeError) as error:  # what libraries that do not fit one another raise
        if root in _OURS:
            raise
        raise MissingPackage(f"{needed_by} needs the package {root}, {_unloadable(root, error)}") from error


def require(packages: Iterable[str], extra: str, *, needed_by: str) -> None:
    """See that packages are there, before work begins; only those that may not fit this torch are imported.

    Args:
        packages: top-level names.
        extra: that brings them.
        needed_by: what cannot be done without them, for the message.

    Raises:
        MissingPackage: one is not installed, or was built for another torch; says how to get it.
    """
    for package in packages:
        if not is_installed(package):
            raise missing(package, extra, needed_by=needed_by)
        if package in _BUILT_FOR_TORCH:
            load_extra(package, extra, needed_by=needed_by)


def is_installed(package: str) -> bool:
    """Tell whether a top-level package can be found, without importing it."""
    try:
        return find_spec(package) is not None
    except (ModuleNotFoundError, ValueError):  # ValueError: in sys.modules, and None or without a spec there
        return False


def _unloadable(package: str, error: BaseException) -> str:
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    told = f"which is installed and cannot be loaded ({reason})"
    if package not in _BUILT_FOR_TORCH:
        return told
    return f"{told}; it must be the build for this torch: torch {_version('torch')}, {package} {_version(package)}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of no known version"
