"""Records that are kept as JSON: a strict base class, what is wrong with a file in one line, and JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from foundation.files import PathLike

MOST_BYTES = 64 * 2**20  # of a record; one of 15,000 clips or failures has some 5 MB
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
    """Return the first thing wrong with a record: where, and what was expected."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole file"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"  # what pydantic puts before our own words


def schema_text(kind: type[BaseModel], mode: Literal["validation", "serialization"] = "serialization") -> str:
    """Return the JSON Schema of a record as the text of a file."""
    return json.dumps({"$schema": DIALECT, **kind.model_json_schema(mode=mode)}, indent=2) + "\n"
