"""Recorded sounds in the parquet files of a Hugging Face dataset."""

# pyarrow is not typed.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from baselines.recorded.sounds import PackedFiles
from foundation import media
from foundation.text import composed

NAME_COLUMNS = ("filename", "file_name", "sample_id", "id", "name")  # where the audio itself carries no path
AUDIO_COLUMN = "audio"
MOST_GROUP_BYTES = 2**33  # of a row group, which is read at once


class ParquetFiles(PackedFiles):
    """Rows of parquet files: a column `audio` of (bytes, path), named by the path or by a column of names."""

    def __init__(self, source: Path, paths: Iterable[Path]) -> None:
        """Index the rows; the sounds themselves stay on disk.

        Raises:
            ValueError: a file that is not parquet, or has no such column.
        """
        self._rows: dict[str, tuple[Path, int, int]] = {}
        self._numbered = ""  # a column whose names are numbers
        self._group: tuple[Path, int, Any] | None = None  # rows of a group lie together, so one is kept
        super().__init__(source, [named for path in paths for named in self._index(path)])

    def _index(self, path: Path) -> list[tuple[str, str]]:
        import pyarrow
        from pyarrow import parquet

        try:
            file = parquet.ParquetFile(path)
            schema = file.schema_arrow
        except pyarrow.ArrowInvalid as error:
            raise ValueError(f"folder: {path} is not parquet: {error}") from error
        sizes = [file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups)]
        if max(sizes, default=0) > MOST_GROUP_BYTES:
            size = f"{max(sizes):,} bytes in one row group, expected at most {MOST_GROUP_BYTES:,}"
            raise ValueError(f"folder: {path} has {size}; write it in smaller groups")
        kind = schema.field(AUDIO_COLUMN).type if AUDIO_COLUMN in schema.names else None
        if kind is None or not pyarrow.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
            raise ValueError(f"folder: {path} has no column {AUDIO_COLUMN!r} of bytes and path; {schema.names}")
        column = next((name for name in NAME_COLUMNS if name in schema.names), None)
        if column is None and kind.get_field_index("path") < 0:
            raise ValueError(f"folder: {path} names no sound: no audio.path and none of {', '.join(NAME_COLUMNS)}")
        found = []
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=[column or f"{AUDIO_COLUMN}.path"])
            for row, value in enumerate(table.column(0).to_pylist()):
                place = f"{path}, row {row} of group {group}"
                name = _text(value["path"] if isinstance(value, dict) else value, place)
                if isinstance(value, int | float):
                    self._numbered = column or ""
                self._rows[place] = (path, group, row)
                found.append((name, place))
        return found

    def near(self, sample_id: str) -> str:
        """Return what may have become of a name; as numbers, names lose the zeros that they begin with."""
        if self._numbered and sample_id.startswith("0"):
            return f"; the column {self._numbered!r} holds numbers, which begin with no zeros: store names as text"
        return super().near(sample_id)

    def content(self, name: str) -> bytes:
        """Return the bytes of a row's sound."""
        from pyarrow import parquet

        place = self.names[composed(name)]
        path, group, row = self._rows[place]
        if self._group is None or self._group[:2] != (path, group):
            table = parquet.ParquetFile(path).read_row_group(group, columns=[AUDIO_COLUMN])
            self._group = (path, group, table.column(0))
        content = self._group[2][row].as_py()["bytes"]
        if not isinstance(content, bytes):
            raise media.MediaError(place, "no bytes; save the dataset with its audio embedded")
        return content


def _text(name: object, place: str) -> str:
    """Return a row's name as text: whole numbers, which a table may have made of names, as their digits.

    Raises:
        ValueError: no name, or none that could be one; names the place.
    """
    if isinstance(name, bytes):
        try:
            name = name.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"folder: {place} has a name that is not UTF-8: {name!r}") from error
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    if isinstance(name, int) and not isinstance(name, bool):
        return str(name)
    if not isinstance(name, str) or not name:
        raise ValueError(f"folder: {place} has no name" + (f": {name!r}" if name else ""))
    return name
