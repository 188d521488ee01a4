"""`metrics.json` and `samples.parquet`, which belong together: written as a pair, and read as one.

`samples.parquet` carries the fingerprint of the `metrics.json` that it belongs to. Each of the two replaces its older
version by one rename, so neither is ever missing once a run has been scored; a process that is killed between the two
renames leaves a pair that does not fit, which every reader refuses and the next scoring makes again.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.runs import DamagedRecord, MetricsRecord, RunDirectory, UnusableRun, check_file
from foundation.files import PathLike, flush, replacing

if TYPE_CHECKING:
    import pandas as pd  # `runs` and what shows a table alone do without it

_FINGERPRINT = b"vgg_monoaudio.fingerprint"  # among the metadata of samples.parquet
_AGAIN = "score the run again with `python -m benchmark evaluate`"


def write_scored(directory: RunDirectory, record: MetricsRecord, samples: pd.DataFrame) -> None:
    """Write both files; where one cannot be written, what was there before stays.

    Args:
        directory: the run.
        record: its metrics.
        samples: one row per sample of the manifest.

    Raises:
        foundation.files.WriteFailed: the disk is full, or the folder may not be written to.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(samples, preserve_index=False)
    marked = table.replace_schema_metadata({**(table.schema.metadata or {}), _FINGERPRINT: record.fingerprint.encode()})
    with replacing(directory.samples_parquet) as temporary:
        pq.write_table(marked, temporary, write_page_checksum=True)
        flush(temporary)  # both are whole on the disk before the first of them is renamed
        directory.write(record)


def read_samples(run: RunDirectory | PathLike) -> pd.DataFrame:
    """Return the scores of each sample of a run that was scored, one row per sample of the benchmark.

    Columns are those of `Benchmark.to_frame` that say what was asked for, then status (scored or failed), the reason,
    and every metric that samples have a value of.

    Args:
        run: the run, or its folder.

    Raises:
        UnusableRun: it was not scored, or its scores cannot be read.
    """
    return read_samples_table(run if isinstance(run, RunDirectory) else RunDirectory(Path(run)))


def read_samples_table(directory: RunDirectory, record: MetricsRecord | None = None) -> pd.DataFrame:
    """Return `samples.parquet` of a run, after comparing it with the run's metrics.

    Args:
        directory: the run.
        record: its `metrics.json`, where that was read already.

    Raises:
        UnusableRun: one of the two is absent or cannot be read, or they belong to two scorings of the run.
    """
    from benchmark.bounded import read_parquet

    path = directory.samples_parquet
    if not path.is_file():
        raise UnusableRun(f"{path}: no such file; {_AGAIN}")
    check_file(path)
    try:
        samples, notes = read_parquet(path)
    except (OSError, ValueError) as error:
        raise DamagedRecord(f"{path}: {error}; {_AGAIN}") from error
    mark = notes.get(_FINGERPRINT)
    # Version 0.2 and earlier left no mark.
    if mark is not None and mark.decode("utf-8", "replace") != (record or directory.read_metrics()).fingerprint:
        raise DamagedRecord(f"{path}: belongs to another scoring of the run than metrics.json beside it; {_AGAIN}")
    return samples


def scored_before(directory: RunDirectory, fingerprint: str) -> tuple[MetricsRecord | None, str]:
    """Return the record on disk if it has a fingerprint and both files are whole, and fit.

    Returns:
        The record, or None; and what is damaged, "" where nothing is.

    Raises:
        UnusableRun: a record that this version does not read.
    """
    if not (directory.metrics_json.is_file() and directory.samples_parquet.is_file()):
        return None, ""
    try:
        record = directory.read_metrics()
        if record.fingerprint != fingerprint:
            return None, ""
        read_samples_table(directory, record)
    except DamagedRecord as error:
        return None, str(error)
    return record, ""
