"""What comes of scoring two folders: as a record for programs, as a table for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from benchmark.choices import CompleteRecord
from benchmark.runs import MetricValue, ScoringRecord, frame_of
from foundation.files import PathLike, write_text

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".csv", ".json")


class FolderCounts(CompleteRecord):
    """How many there were."""

    generated: int = Field(description="sounds in the one folder")
    reference: int = Field(description="sounds in the other")
    expected: int = Field(description="names that should be scored: of both folders where these are paired")
    scored: int


class FoldersRecord(CompleteRecord):
    """Two folders, scored."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    generated: str
    reference: str
    video: str | None
    paired: bool = Field(description="by name; false: compared as sets")
    seconds: float = Field(description="scored of each file, from its beginning")
    scoring: ScoringRecord
    counts: FolderCounts
    metrics: dict[str, MetricValue]
    samples: dict[str, dict[str, float | None]] = Field(description="name to the scores of metrics that are per sample")
    failures: dict[str, str] = Field(description="name, or file of an unpaired reference, to why it is not scored")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per metric, see `benchmark.runs.frame_of`; `attrs["failures"]` names what was not scored."""
        frame = frame_of(self.metrics, self.counts.expected)
        frame.attrs["failures"] = dict(self.failures)
        return frame

    def text(self) -> str:
        """Return the record as JSON."""
        content: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def write(self, file: PathLike) -> None:
        """Write the table as .csv or the whole record as .json, whole or not at all.

        Raises:
            ValueError: another ending.
        """
        check_format(file)
        as_json = Path(file).suffix.lower() == ".json"
        write_text(Path(file), self.text() if as_json else self.to_frame().to_csv(lineterminator="\n"))


def check_format(file: PathLike) -> None:
    """Refuse a file whose ending is not one of `FORMATS`.

    Raises:
        ValueError: gives the file.
    """
    if Path(file).suffix.lower() not in FORMATS:
        raise ValueError(f"--out: expected {' or '.join(FORMATS)}, got {str(file)!r}")
