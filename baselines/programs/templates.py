"""Texts with places, as `--video={video}`: what a recipe says in general becomes what a program is told.

A brace that begins or ends no place is written twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

Argument = str | tuple[str, ...]
# {row:04}: with zeros in front, four digits
_PLACE = re.compile(r"(\{\{|\}\})|\{([a-z][a-z0-9_]*)(?::0([1-9]))?\}")


def places(texts: Iterable[Argument]) -> set[str]:
    """Return the names of all places in some arguments."""
    return {name for text in _flat(texts) for _brace, name, _digits in _PLACE.findall(text) if name}


def stray_brace(texts: Iterable[Argument]) -> str | None:
    """Return the first text with a brace that is part of no place and not written twice; None where there is none."""
    return next((text for text in _flat(texts) if set("{}") & set(_PLACE.sub("", text))), None)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with every place replaced by its value; braces in a value are its own and stay."""
    return _PLACE.sub(lambda match: match[1][0] if match[1] else values[match[2]].zfill(int(match[3] or 0)), text)


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
