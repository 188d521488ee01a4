"""Records that are kept as JSON: a strict base class, what is wrong with a file in one line, and JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from foundation.files import PathLike

MOST_BYTES = 64 * 2**20  # of a record; one of 15,000 clips or failures has some 5 MB
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Record(BaseModel):
    """A record of known fields that does not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def content(self) -> dict[str, Any]:
        """Return what JSON holds of it: the fields that were given, by the names that files use, in their order."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


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
