"""Records that are kept as JSON: a strict base class, what is wrong with a file in one line, and JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from foundation.files import PathLike

MOST_BYTES = 64 * 2**20  # of a record; one of 15,000 clips or failures has some 5 MB
SHOWN_CHARACTERS = 60  # of a value that is refused
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Record(BaseModel):
    """A record of known fields that does not change once it is made; every text in it can be written as UTF-8."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _writable(cls, content: Any) -> Any:
        """Escape what a program, a file name or a reason may hold and no file can: it must not keep us from writing."""
        return _escaped(content)

    def content(self) -> dict[str, Any]:
        """Return what JSON holds of it: the fields that were given, by the names that files use, in their order."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def escaped(text: str) -> str:
    r"""Return a text that UTF-8 can hold: lone surrogates, as in a file name that is not UTF-8, become \udcff."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _escaped(content: Any) -> Any:
    if isinstance(content, str):
        return content if content.isascii() else escaped(content)
    if type(content) is dict:
        return {_escaped(name): _escaped(value) for name, value in content.items()}
    if type(content) is list:
        return [_escaped(value) for value in content]
    return content


def read_bounded(path: PathLike, most: int = MOST_BYTES) -> bytes:
    """Return a file's bytes, for files that others may have written.

    Raises:
        ValueError: it has more bytes than that; nothing beyond them is read.
    """
    with Path(path).open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"more than {most:,} bytes, which no file of this kind has")
    return content


def what_is_wrong(error: ValidationError) -> str:
    """Return the first thing wrong with a record: where, what was expected, and what is there."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole file"
    return f"{where}: {in_words(first)}"


# What is expected, by pydantic's name of the fault; braces take from its context.
_EXPECTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "path_type": "a path",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "too_short": "{min_length} or more values",
    "too_long": "{max_length} or fewer values",
}


def in_words(fault: Mapping[str, Any], *, with_value: bool = True) -> str:
    """Return a fault that pydantic found in the words of this project: what was expected, and what is there.

    Args:
        fault: one of `ValidationError.errors()`.
        with_value: whether what is there is said; not where it may be somebody's own.
    """
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"no such key, got {shown(fault['input'])}" if with_value else "no such key"
    if kind == "json_invalid":
        return f"not JSON: {context['error']}"
    expected = expected_of(fault)
    if expected is None:
        return str(fault["msg"]).removeprefix("Value error, ")  # what pydantic puts before our own words
    if not with_value:
        return f"expected {expected}"
    given = context["actual_length"] if kind in ("too_short", "too_long") else shown(fault["input"])
    return f"expected {expected}, got {given}"


def expected_of(fault: Mapping[str, Any]) -> str | None:
    """Return what a fault says was expected; None where it is no fault of a value's kind or size."""
    if fault["type"] == "string_too_short" and fault["ctx"]["min_length"] == 1:
        return "a text that is not empty"
    numbers = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in fault.get("ctx", {}).items()
    }
    expected = _EXPECTED.get(fault["type"])
    return None if expected is None else expected.format(**numbers)


def shown(value: object) -> str:
    """Return a value as its file has it, at most so much of it as fits a line."""
    if isinstance(value, dict | list | tuple | BaseModel):
        return "an object" if isinstance(value, dict | BaseModel) else "a list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def schema_text(kind: type[BaseModel], mode: Literal["validation", "serialization"] = "serialization") -> str:
    """Return the JSON Schema of a record as the text of a file."""
    return json.dumps({"$schema": DIALECT, **kind.model_json_schema(mode=mode)}, indent=2) + "\n"
