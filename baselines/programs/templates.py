"""Texts with places, as `--video={video}`: what a recipe says in general becomes what a program is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

Argument = str | tuple[str, ...]
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?::0([1-9]))?\}")  # {row:04}: with zeros in front, four digits


def places(texts: Iterable[Argument]) -> set[str]:
    """Return the names of all places in some arguments."""
    return {name for text in _flat(texts) for name, _digits in _PLACE.findall(text)}


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with every place replaced by its value; braces in a value are its own and stay."""
    return _PLACE.sub(lambda match: values[match[1]].zfill(int(match[2] or 0)), text)


def as_text(name: str, value: bool | int | float | str) -> str:
    """Return what stands for a parameter: its value; of one that is true or false its flag, or nothing."""
    if isinstance(value, bool):
        return f"--{name}" if value else ""
    return str(value)


def words(arguments: Sequence[Argument], values: Mapping[str, str]) -> list[str]:
    """Return a command's words.

    Args:
        arguments: a text is one word; a group of texts is left out where one of its places has an empty value.
        values: by the name of the place.
    """
    result: list[str] = []
    for argument in arguments:
        group = (argument,) if isinstance(argument, str) else argument
        if isinstance(argument, str) or all(values[name] for name in places(group)):
            result += [filled(text, values) for text in group]
    return result


def _flat(texts: Iterable[Argument]) -> Iterable[str]:
    for text in texts:
        yield from (text,) if isinstance(text, str) else text
