"""Names: what a mistyped one may have meant, in which order they come, and what stands behind `module:object`."""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the known names that are spelled most like `name`, best first; empty where none is near."""
    return get_close_matches(name, list(known), n=most, cutoff=0.5)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return the sort key of a name by which the whole numbers in it count as numbers: 1, 3, 10 and not 1, 10, 3."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part), "") if at % 2 else (1, 0, part) for at, part in enumerate(parts) if part)


def joined(words: Iterable[str], last: str = "or") -> str:
    """Return words as a sentence lists them: "a", "a or b", "a, b or c"; "" for none.

    Args:
        words: in their order.
        last: what stands before the last one.
    """
    *first, end = list(words) or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def check_known(given: Iterable[str], known: Collection[str]) -> None:
    """Refuse an option that is not known, where `**options` would take it and say nothing.

    Raises:
        TypeError: names it, and near ones.
    """
    for name in given:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {joined(near)}?" if near else f"there are {joined(known, 'and')}"
            raise TypeError(f"there is no option {name!r}; {hint}")


def options_of(function: Callable[..., Any], handed_on: Iterable[str] = ()) -> list[str]:
    """Return the options that a function takes by name only, and those that it hands on by `**`, in their order."""
    taken = inspect.signature(function).parameters.values()
    return [*(one.name for one in taken if one.kind is one.KEYWORD_ONLY), *handed_on]


def load(target: str) -> Any:
    """Return the object that `package.module:object` names; imports the module.

    Raises:
        ValueError: the text is not of that form.
        ImportError: there is no such module.
        AttributeError: the module has no such object.
    """
    module, _, attribute = target.partition(":")
    if not module or not attribute:
        raise ValueError(f"expected package.module:object, got {target!r}")
    found: Any = import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


def lazy_exports(
    package: str, homes: Mapping[str, str], moved: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package whose public names are imported on first use.

    Args:
        package: its `__name__`.
        homes: public name to the module that holds it, or to a module that is itself meant (`"media:"`).
        moved: names that are served from another module now: name to that module; each warns where it is used.
    """
    elsewhere = moved or {}

    def __getattr__(name: str) -> Any:
        if name in homes:
            module, whole, _ = homes[name].partition(":")
            found = import_module(module)
            return found if whole else getattr(found, name)
        if name in elsewhere:
            warnings.warn(
                f"{package}.{name} moved to {elsewhere[name]}; the old address will go", FutureWarning, stacklevel=2
            )
            return getattr(import_module(elsewhere[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__, public_dir(package, homes)


def public_dir(package: str, names: Iterable[str]) -> Callable[[], list[str]]:
    """Return `__dir__` of a package: its public names and the submodules that are loaded, not what it imports itself.

    Args:
        package: its `__name__`.
        names: the public ones.
    """
    public = list(names)

    def __dir__() -> list[str]:
        here = vars(sys.modules[package])
        modules = [name for name in here if f"{package}.{name}" in sys.modules and not name.startswith("_")]
        return sorted({*public, *modules, *(name for name in here if name.startswith("__"))})

    return __dir__
