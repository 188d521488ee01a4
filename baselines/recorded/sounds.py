"""Recorded sounds by name: what every kind of place offers, and files in a folder."""

from __future__ import annotations

import logging
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from foundation import media
from foundation.text import composed

log = logging.getLogger(__name__)

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".mkv", ".webm")


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
            sample = stem(name)
            other = self.names.setdefault(sample, place)
            if other != place:
                raise ValueError(f"folder: two files for sample {sample!r}: {other} and {place}; keep one")
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
            if is_sound(path.name):
                other = places.setdefault((stem(path.name), os.path.realpath(path)), path)
                if other != path:
                    log.warning("%s: skipped, the same file as %s", path, other)
        super().__init__(folder, ((path.name, str(path)) for path in places.values()))

    def read(self, name: str) -> Recording:
        """Return a file's sound."""
        return Recording.of(self.names[composed(name)])


class PackedFiles(RecordedFiles):
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


def is_sound(name: str) -> bool:
    """Tell by its name whether a file is a sound that counts; hidden ones and what macOS adds to zips do not."""
    path = PurePosixPath(name)
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and "__MACOSX" not in path.parts


def stem(name: str) -> str:
    """Return a name without folders, and without an ending if that is a sound's: names may hold dots."""
    path = PurePosixPath(composed(name))
    return path.stem if path.suffix.lower() in AUDIO_SUFFIXES else path.name
