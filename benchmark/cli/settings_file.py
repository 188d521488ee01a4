"""`--config FILE`: options of a verb from a TOML file. They are checked before anything begins; the command line wins.

Keys are names of options, with dashes or underscores. What stands at the top is for every verb that is given the file;
a table named for a verb, [eval], is for that verb alone and goes before what stands at the top.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.exits import refusal
from benchmark.runs import SettingsRecord
from foundation.files import file_sha256
from foundation.names import joined, nearest
from foundation.records import read_bounded

MOST_BYTES = 1 << 20  # of a settings file; one with every option has less than 4 KB
_NOT_IN_A_FILE = frozenset({"config", "help-all", "help"})


def read_settings(context: typer.Context, _parameter: typer.CallbackParam, file: Path | None) -> SettingsRecord | None:
    """Take what a settings file says as the defaults of a verb's options; return what it said.

    Raises:
        ValueError: a file that cannot be read, a key that is no option of the verb, a value that the option does not
            take; names file and key.
    """
    if file is None or context.resilient_parsing:
        return None
    options = dict(_options(context))
    chosen = _chosen(file, _parsed(file), context, options)
    values = {}
    for key, (where, value) in chosen.items():
        given = _as_typed(f"{file}: {where}", value, options[key])
        _check(f"{file}: {where}", given, value, options[key], context)
        values[options[key].name] = given
    context.default_map = {**(context.default_map or {}), **values}
    said = {key: value for key, (_, value) in chosen.items()}
    return SettingsRecord(file=file.name, sha256=file_sha256(file), options=said)


ConfigOption = Annotated[
    Any,
    typer.Option(
        "--config", metavar="FILE", parser=Path, callback=read_settings, is_eager=True,
        help="Options from a TOML file, by their names; the command line wins.",
    ),
]  # fmt: skip


def _options(context: typer.Context) -> Iterator[tuple[str, Any]]:
    """Yield the options of a verb that a file may set, by name without dashes in front."""
    for parameter in context.command.params:
        for name in parameter.opts:
            if name.startswith("--") and name[2:] not in _NOT_IN_A_FILE:
                yield name[2:], parameter


def _verbs(context: typer.Context) -> list[str]:
    """Return the verbs that take settings files."""
    commands: Mapping[str, Any] = getattr(context.find_root().command, "commands", {})
    taking = [name for name, one in commands.items() if any("--config" in param.opts for param in one.params)]
    return taking or [str(context.command.name)]


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_bounded(file, MOST_BYTES).decode("utf-8-sig"))  # an editor may write a mark in front
    except OSError as error:
        raise ValueError(f"--config: {file}: {error.strerror}") from error
    except ValueError as error:  # also of TOML and UTF-8
        raise ValueError(f'--config: {file}: {error}; expected TOML, as in: profile = "signal"') from error


def _chosen(
    file: Path, content: Mapping[str, Any], context: typer.Context, options: Mapping[str, Any]
) -> dict[str, tuple[str, Any]]:
    """Return what is meant for a verb: option to the key's place in the file, and its value.

    Raises:
        ValueError: a key that is no option, or given twice; a table that is no verb.
    """
    verb, verbs = str(context.command.name), _verbs(context)
    chosen: dict[str, tuple[str, Any]] = {}
    tables = {key: value for key, value in content.items() if isinstance(value, dict) and key in verbs}
    top = {key: value for key, value in content.items() if key not in tables}
    for prefix, table in (("", top), (f"{verb}.", tables.get(verb, {}))):
        seen: dict[str, str] = {}
        for key, value in table.items():
            name = key.replace("_", "-")
            if name not in options:
                raise ValueError(f"{file}: {prefix}{key}: {_unknown(name, value, verb, options, verbs)}")
            if name in seen:
                raise ValueError(f"{file}: {prefix}{key}: the same option as {seen[name]}; give it once")
            seen[name] = key
            chosen[name] = (f"{prefix}{key}", value)
    return chosen


def _unknown(name: str, value: object, verb: str, options: Mapping[str, Any], verbs: list[str]) -> str:
    known = verbs if isinstance(value, dict) else list(options)
    what = "no verb that takes a settings file" if isinstance(value, dict) else f"no option of {verb}"
    near = nearest(name, known)
    if near:
        return f"{what}; did you mean {joined(near)}?"
    return f"{what}; there are {', '.join(verbs)}" if isinstance(value, dict) else f"{what}; see {verb} --help-all"


def _as_typed(where: str, value: object, option: Any) -> bool | str | list[str]:
    """Return a value as the command line would give it, which converts and checks it from there on.

    Raises:
        ValueError: a value of a kind that no command line can give this option.
    """
    if option.is_flag:
        if isinstance(value, bool):
            return value
        raise ValueError(f"{where}: expected true or false, got {value!r}")
    if option.multiple:
        if isinstance(value, dict):  # of options that take key=value
            return [f"{key}={_text(f'{where}.{key}', one, truth=True)}" for key, one in value.items()]
        return [_text(where, one) for one in (value if isinstance(value, list) else [value])]
    if isinstance(value, list) and (option.metavar or "").endswith(",..."):  # names in one text, as in --metrics a,b
        return ",".join(_text(where, one) for one in value)
    return _text(where, value)


def _text(where: str, value: object, *, truth: bool = False) -> str:
    if isinstance(value, bool) and truth:
        return str(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{where}: expected text or a number, got {value!r}")
    return str(value)


def _check(where: str, given: bool | str | list[str], value: object, option: Any, context: typer.Context) -> None:
    """Refuse what the option refuses, under the name that it has in the file and with the value that stands there."""
    try:
        option.process_value(context, given)
    except typer.BadParameter as error:
        raise ValueError(f"{where}: {refusal(error)}, got {value!r}") from error
    except ValueError as error:
        raise ValueError(f"{where}: {str(error).removeprefix(f'{option.opts[0]}: ')}") from error
