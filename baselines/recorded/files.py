"""Where recorded sounds lie: a folder, a zip, or the parquet files of a Hugging Face dataset."""

# pyarrow is not typed.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import contextlib
import logging
import lzma
import os
import stat
import tempfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from foundation import media
from foundation.faults import machine_fault
from foundation.paths import search
from foundation.text import composed

log = logging.getLogger(__name__)

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".mkv", ".webm")
NAME_COLUMNS = ("filename", "file_name", "sample_id", "id", "name")  # where the audio itself carries no path
AUDIO_COLUMN = "audio"
MOST_SOUND_BYTES = 2**30  # of one sound, unpacked; 8 s in 8 channels of 32-bit floats at 192 kHz have 49 MB
MOST_ENTRIES = 1_000_000  # of a zip
MOST_GROUP_BYTES = 2**33  # of a row group, which is read at once


@dataclass(frozen=True)
class Recording:
    """A sound as its file has it.

    Attributes:
        audio: at its own rate.
        fine: stored without loss in more than 16 bits, or as floats.
    """

    audio: media.Audio
    fine: bool

    @classmethod
    def of(cls, path: media.PathLike) -> Recording:
        """Read a file.

        Raises:
            foundation.media.MediaError: it cannot be decoded.
        """
        return cls(media.read_audio_native(path), media.keeps_more_than_16_bits(path))


class RecordedFiles(ABC):
    """Sounds by name.

    Names count in the Unicode form NFC, whichever form a file system or an archive has them in.

    Attributes:
        names: sample id to where its sound is, for messages.
    """

    def __init__(self, source: Path, places: Iterable[tuple[str, str]]) -> None:
        """Index pairs of (file name, place).

        Raises:
            ValueError: there is none, or two have one name.
        """
        self.source = source
        self.names: dict[str, str] = {}
        for name, place in places:
            stem = _stem(name)
            other = self.names.setdefault(stem, place)
            if other != place:
                raise ValueError(f"folder: two files for sample {stem!r}: {other} and {place}; keep one")
        if not self.names:
            raise ValueError(f"folder: {source} holds no sound ({', '.join(AUDIO_SUFFIXES)})")

    def place(self, sample_id: str) -> str | None:
        """Return where a sample's sound is; None where there is none."""
        return self.names.get(composed(sample_id))

    def near(self, sample_id: str) -> str:
        """Return what a name that is not there may have become, as the end of a message; "" where nothing is near."""
        alike = [place for name, place in self.names.items() if name.casefold() == composed(sample_id).casefold()]
        if alike:
            return f"; {alike[0]} differs in capital letters alone, and these count"
        return ""

    @abstractmethod
    def read(self, name: str) -> Recording:
        """Return a sound at its own rate.

        Raises:
            foundation.media.MediaError: it cannot be decoded; names it.
        """


class FolderFiles(RecordedFiles):
    """Files in a folder and its subfolders, those behind links too."""

    def __init__(self, folder: Path, found: Iterable[Path]) -> None:
        """Index those of the files found there whose ending is a sound's, hidden ones aside."""
        places: dict[tuple[str, str], Path] = {}
        for path in found:
            if _is_sound(path.name):
                other = places.setdefault((_stem(path.name), os.path.realpath(path)), path)
                if other != path:
                    log.warning("%s: skipped, the same file as %s", path, other)
        super().__init__(folder, ((path.name, str(path)) for path in places.values()))

    def read(self, name: str) -> Recording:
        """Return a file's sound."""
        return Recording.of(self.names[composed(name)])


class _PackedFiles(RecordedFiles):
    """Sounds inside of other files; each is unpacked for as long as it is read."""

    @abstractmethod
    def content(self, name: str) -> bytes:
        """Return the bytes of a sound's file."""

    def read(self, name: str) -> Recording:
        """Return a packed file's sound."""
        with tempfile.TemporaryDirectory(prefix="recorded-") as folder:
            path = Path(folder, "sound")
            path.write_bytes(self.content(name))
            try:
                return Recording.of(path)
            except media.MediaError as error:
                raise media.MediaError(self.names[composed(name)], error.reason) from error


class ZipFiles(_PackedFiles):
    """Files in a zip, whatever its folders."""

    def __init__(self, path: Path) -> None:
        """Index the entries whose ending is a sound's."""
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"folder: {path} is not a zip: {error}") from error
        if (count := len(self._zip.infolist())) > MOST_ENTRIES:
            raise ValueError(f"folder: {path} has {count:,} entries, expected at most {MOST_ENTRIES:,}")
        names = {info: _entry_name(info) for info in self._zip.infolist()}
        self._entries = {_place(path, name): info for info, name in names.items() if _is_sound(name)}
        super().__init__(path, ((names[info], place) for place, info in self._entries.items()))
        for place, info in self._entries.items():  # a name of unknown code page is found under each of the usual ones
            for name in _other_names(info):
                self.names.setdefault(_stem(name), place)

    def content(self, name: str) -> bytes:
        """Return an entry, checked against its sum; no more is unpacked than it declares."""
        place = self.names[composed(name)]
        info = self._entries[place]
        if stat.S_ISLNK(info.external_attr >> 16):
            raise media.MediaError(place, "a link, not a sound; zip the files themselves")
        if info.file_size > MOST_SOUND_BYTES:
            size = f"{info.file_size:,} bytes when unpacked, expected at most {MOST_SOUND_BYTES:,}"
            raise media.MediaError(place, size)
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise media.MediaError(place, f"cannot be unpacked: {error}") from error
        except OSError as error:  # bzip2 has no error of its own
            if machine_fault(error) is not None:
                raise
            raise media.MediaError(place, f"cannot be unpacked: {error}") from error


class ParquetFiles(_PackedFiles):
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
    if any(name.endswith(".arrow") for name in names) and not tables and not any(_is_sound(name) for name in names):
        raise ValueError(
            f"folder: {source} is a dataset saved as arrow; dataset.to_parquet(...) writes what is read here"
        )
    return ParquetFiles(source, tables) if tables else FolderFiles(source, found)


def _is_sound(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and "__MACOSX" not in path.parts


def _stem(name: str) -> str:
    """Return a name without folders, and without an ending if that is a sound's: names may hold dots."""
    path = PurePosixPath(composed(name))
    return path.stem if path.suffix.lower() in AUDIO_SUFFIXES else path.name


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


def _entry_name(info: zipfile.ZipInfo) -> str:
    """Return the name of a zip's entry, with its folders, as it was meant.

    Programs on Windows put backslashes between folders. Where an entry does not say that its name is UTF-8 it is
    nevertheless in most zips made elsewhere; what is not valid UTF-8 is in the code page of DOS, as the format has it.
    """
    name = info.filename
    if _is_unmarked(info):
        with contextlib.suppress(UnicodeError):
            name = info.orig_filename.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _other_names(info: zipfile.ZipInfo) -> list[str]:
    """Return an entry's name in the other code pages of Windows, where it may be meant in one of them."""
    names = []
    if _is_unmarked(info) and not _entry_name(info).isascii():
        for page in ("cp850", "cp1252"):
            with contextlib.suppress(UnicodeError):
                names.append(info.orig_filename.encode("cp437").decode(page).replace("\\", "/"))
    return names


def _is_unmarked(info: zipfile.ZipInfo) -> bool:
    """Tell whether an entry leaves open in which code page its name is."""
    return not info.flag_bits & 0x800 and info.filename == info.orig_filename


def _place(archive: Path, entry: str) -> str:
    return f"{archive}: {entry}"
