"""Where recorded sounds lie: a folder, a zip, or the parquet files of a Hugging Face dataset."""

from __future__ import annotations

from pathlib import Path

from baselines.recorded.sounds import FolderFiles, RecordedFiles, is_sound
from baselines.recorded.tables import ParquetFiles
from baselines.recorded.zips import ZipFiles
from foundation.paths import search


def open_recorded(source: Path) -> RecordedFiles:
    """Return the sounds of a folder, a zip or a dataset.

    Raises:
        ValueError: it is none of these, or holds no sound.
    """
    if source.is_file() and source.suffix.lower() == ".zip":
        return ZipFiles(source)
    if source.is_file() and source.suffix.lower() == ".parquet":
        return ParquetFiles(source, [source])
    if not source.is_dir():
        raise ValueError(
            f"folder: {source} is not a folder; give one that holds <sample id>.wav files, or such a zip or parquet"
        )
    found = sorted(search(source))
    tables, names = [path for path in found if path.suffix == ".parquet"], [path.name for path in found]
    if any(name.endswith(".arrow") for name in names) and not tables and not any(is_sound(name) for name in names):
        raise ValueError(
            f"folder: {source} is a dataset saved as arrow; dataset.to_parquet(...) writes what is read here"
        )
    return ParquetFiles(source, tables) if tables else FolderFiles(source, found)
