"""Reading a table that somebody else may have written: its size is bounded before it is read."""

# pyarrow is not typed.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

MOST_FILE_BYTES = 64 * 2**20  # samples.parquet of 15,000 samples has some 2 MB
MOST_ROWS = 1_000_000
MOST_COLUMNS = 1_000
MOST_BYTES = 512 * 2**20  # unpacked; a few bytes on disk may stand for a text a million times


def read_parquet(path: Path) -> tuple[pd.DataFrame, dict[bytes, bytes]]:
    """Return a table of texts and numbers, and what its writer noted beside it.

    Raises:
        ValueError: not a parquet file, a damaged one, one that is too large, or a column of anything but texts and
            numbers; says which.
    """
    size = path.stat().st_size
    if size > MOST_FILE_BYTES:
        raise ValueError(f"{size:,} bytes, expected at most {MOST_FILE_BYTES:,}")
    from pyarrow import parquet

    try:
        _check_unpacked(path)
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
        return table.to_pandas(), table.schema.metadata or {}
    except _TooLarge:
        raise
    except Exception as error:  # damaged bytes lead pyarrow and pandas into errors of any kind
        raise ValueError(f"not a parquet file ({next(iter(str(error).splitlines()), type(error).__name__)})") from error


class _TooLarge(ValueError):
    pass


def _check_unpacked(path: Path) -> None:
    """Raise where a table would take more room than any of samples; texts are counted before they are copied."""
    import pyarrow
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        found, schema = file.metadata, file.schema_arrow
    texts = [field.name for field in schema if _is_text(field.type)]
    for field in schema:
        if not (_is_text(field.type) or pyarrow.types.is_primitive(field.type) or pyarrow.types.is_null(field.type)):
            raise _TooLarge(f"column {field.name} holds {field.type}, expected texts or numbers")
    declared = sum(found.row_group(group).total_byte_size for group in range(found.num_row_groups))
    for what, count, most in (
        ("rows", found.num_rows, MOST_ROWS),
        ("columns", found.num_columns, MOST_COLUMNS),
        ("bytes when unpacked", declared, MOST_BYTES),
    ):
        if count > most:
            raise _TooLarge(f"{count:,} {what}, expected at most {most:,}")
    with parquet.ParquetFile(path, read_dictionary=texts) as file:
        unpacked = sum(_text_bytes(column) for column in file.read(columns=texts).columns)
    if unpacked > MOST_BYTES:
        raise _TooLarge(f"{unpacked:,} bytes when unpacked, expected at most {MOST_BYTES:,}")


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or (types.is_dictionary(kind) and _is_text(kind.value_type))
    )


def _text_bytes(column: Any) -> int:
    """Return how many bytes the texts of a column have, each as often as it stands there."""
    import pyarrow.compute
    from pyarrow import types

    compute: Any = pyarrow.compute  # its functions are made when it is imported

    total = 0
    for chunk in column.chunks:
        if types.is_dictionary(chunk.type):
            lengths = compute.take(compute.binary_length(chunk.dictionary), chunk.indices)
        else:
            lengths = compute.binary_length(chunk)
        total += compute.sum(compute.cast(lengths, "int64")).as_py() or 0
    return total
