"""Records that are kept as JSON: a strict base class, what is wrong with a file in one line, and JSON Schemas."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Record(BaseModel):
    """A record of known fields that does not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def content(self) -> dict[str, Any]:
        """Return what JSON holds of it: the fields that were given, by the names that files use, in their order."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def what_is_wrong(error: ValidationError) -> str:
    """Return the first thing wrong with a record: where, and what was expected."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole file"
    return f"{where}: {first['msg']}"


def schema_text(kind: type[BaseModel], mode: Literal["validation", "serialization"] = "serialization") -> str:
    """Return the JSON Schema of a record as the text of a file."""
    return json.dumps({"$schema": DIALECT, **kind.model_json_schema(mode=mode)}, indent=2) + "\n"
