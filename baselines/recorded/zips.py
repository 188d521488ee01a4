"""Recorded sounds in a zip, whatever wrote it."""

from __future__ import annotations

import contextlib
import lzma
import stat
import zipfile
import zlib
from pathlib import Path

from baselines.recorded.sounds import PackedFiles, is_sound, stem
from foundation import media
from foundation.faults import machine_fault
from foundation.text import composed

MOST_SOUND_BYTES = 2**30  # of one sound, unpacked; 8 s in 8 channels of 32-bit floats at 192 kHz have 49 MB
MOST_ENTRIES = 1_000_000  # of a zip


class ZipFiles(PackedFiles):
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
        self._entries = {_place(path, name): info for info, name in names.items() if is_sound(name)}
        super().__init__(path, ((names[info], place) for place, info in self._entries.items()))
        for place, info in self._entries.items():  # a name of unknown code page is found under each of the usual ones
            for name in _other_names(info):
                self.names.setdefault(stem(name), place)

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
