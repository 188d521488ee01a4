"""Clips out of tar files: VGGSound is distributed as tars, some compressed, some tars within tars.

Only the clips asked for are written. A member's own path is never used: a clip goes to `<out>/<clip_id>.mp4` whatever
the archive calls it, links and devices are skipped, so an archive cannot write anywhere else.
"""

from __future__ import annotations

import json
import logging
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from foundation.files import PathLike, WriteFailed, replacing
from foundation.paths import fault_of_name, search
from foundation.records import read_bounded
from foundation.text import composed
from foundation.work import Progress
from vgg_monoaudio.collecting.clips import VIDEO_SUFFIXES
from vgg_monoaudio.selection.clip_ids import clip_id_from_file_name

log = logging.getLogger(__name__)

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_CLIP_BYTES = 2**31  # of one clip; VGGSound's have some 2 MB
DEEPEST = 4  # archives within archives; more is a mistake or an attack
INDEX_NAME = "archives.json"  # which clips each archive holds, so that an archive is read through once

_BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


class BadArchive(Exception):
    """No archive to read: the path does not exist, or the folder holds none."""


@dataclass(frozen=True)
class Extraction:
    """What an extraction found.

    Attributes:
        clips: clip id to file, of the clips asked for that are there now.
        missing: ids of the others, sorted.
        broken: archive to the reason why it could not be read to its end.
    """

    clips: dict[str, Path]
    missing: tuple[str, ...]
    broken: dict[Path, str]


def extract_clips(
    archives: PathLike, wanted: Collection[str], out: PathLike, *, progress: Progress | None = None
) -> Extraction:
    """Write the wanted clips of one archive, or of all in a folder and its subfolders, to `<out>/<clip_id><suffix>`.

    Archives are read once from front to back, as streams, in the order of their paths; of two clips with one id the
    first counts. What is in `out` already is not written again, and an archive that was read to its end before is
    opened only if it holds something that is missing, so a killed extraction resumes where it stopped. Of a
    broken archive what precedes the damage is taken; the others are read as usual.

    Args:
        archives: a tar file, or a folder that holds some.
        wanted: clip ids.
        out: folder for the clips; made when missing. It also keeps `archives.json`, the list of what is where.
        progress: called after each archive.

    Raises:
        BadArchive: no such file or folder, or no archive in it.
        WriteFailed: a clip cannot be written, for example because the disk is full; that is no fault of an archive.
    """
    files = find_archives(archives)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    index = _Index(folder / INDEX_NAME)
    job = _Job(folder, frozenset(map(composed, wanted)))
    broken: dict[Path, str] = {}
    for done, file in enumerate(files, start=1):
        known = index.clips_in(file)
        if job.open and (known is None or known & job.open):
            seen: set[str] = set()
            try:
                with file.open("rb") as stream:
                    whole = _read_archive(stream, job, seen, depth=1)
            except WriteFailed:
                raise  # the disk's fault, not the archive's
            except _BROKEN as error:
                broken[file] = str(error) or type(error).__name__
                whole = False
            if whole:
                index.keep(file, seen)
        if progress is not None:
            progress("archives", done, len(files))
    return Extraction(dict(sorted(job.found.items())), tuple(sorted(job.open)), broken)


def find_archives(path: PathLike) -> list[Path]:
    """Return the archive at `path`, or all below it, sorted.

    Raises:
        BadArchive: no such file or folder, or no archive in it.
    """
    root = Path(path)
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise BadArchive(f"{root}: no such archive or folder of archives")
    files = sorted(file for file in search(root) if _is_archive(file.name))
    if not files:
        raise BadArchive(f"{root}: no archive in it; expected files ending in {', '.join(ARCHIVE_SUFFIXES)}")
    return files


class _Job:
    """The clips asked for: which are there, which are still open."""

    def __init__(self, folder: Path, wanted: frozenset[str]) -> None:
        self.folder = folder
        there = {
            composed(path.stem): path for path in sorted(folder.iterdir()) if path.suffix.lower() in VIDEO_SUFFIXES
        }
        self.found = {clip: there[clip] for clip in wanted if clip in there}
        self.open = set(wanted - self.found.keys())

    def write(self, clip: str, suffix: str, stream: IO[bytes]) -> None:
        path = self.folder / f"{clip}{suffix}"
        with replacing(path) as temporary, temporary.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        self.found[clip] = path
        self.open.discard(clip)


class _Index:
    """Which clips each archive holds, kept beside the clips; an archive that has changed counts as unknown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, Any] = {}
        if path.is_file():
            try:
                found = json.loads(read_bounded(path).decode("utf-8"))
                self._entries = found if isinstance(found, dict) else {}
            except (ValueError, RecursionError):  # damaged, too large, or nested without end
                path.unlink()  # it only saves time: without it the archives are read again

    def clips_in(self, file: Path) -> set[str] | None:
        entry = self._entries.get(str(file.resolve()))
        if not isinstance(entry, Mapping) or entry.get("state") != _state(file):
            return None
        clips = entry.get("clips")
        return {str(clip) for clip in clips} if isinstance(clips, list) else None

    def keep(self, file: Path, clips: set[str]) -> None:
        self._entries[str(file.resolve())] = {"state": _state(file), "clips": sorted(clips)}
        with replacing(self._path) as temporary:
            temporary.write_text(json.dumps(self._entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _state(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]


def _read_archive(stream: IO[bytes], job: _Job, seen: set[str], *, depth: int) -> bool:
    """Write what is wanted, add every clip met to `seen`; return whether the archive was read to its end."""
    if depth > DEEPEST:
        raise tarfile.ReadError(f"archives within archives, more than {DEEPEST} deep")
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for member, content in _files(archive):
            name = PurePosixPath(member.name.replace("\\", "/")).name  # as programs on Windows may spell it
            if _is_archive(name):
                if not _read_archive(content, job, seen, depth=depth + 1):
                    return False
                continue
            clip = _clip_id(name)
            if clip is None or fault_of_name(clip):
                continue
            if member.size > MOST_CLIP_BYTES:
                log.warning(
                    "%s: skipped, %s bytes and no clip has more than %s", member.name, member.size, MOST_CLIP_BYTES
                )
                continue
            seen.add(clip)
            if clip in job.open:
                job.write(clip, PurePosixPath(name).suffix.lower(), content)
                if not job.open:
                    return False
    return True


def _files(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Yield the regular files of an archive with their content, which has to be read before the next is asked for."""
    for member in archive:
        content = archive.extractfile(member) if member.isreg() else None
        archive.members = []  # type: ignore[attr-defined]  # tarfile remembers every member, 200,000 of VGGSound's
        if content is not None:
            yield member, content


def _is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVE_SUFFIXES) and not name.startswith(".")


def _clip_id(name: str) -> str | None:
    """Return the clip id of a member's file name, its stem if the name is not VGGSound's; None if it is not a film."""
    if name.startswith(".") or PurePosixPath(name).suffix.lower() not in VIDEO_SUFFIXES:
        return None
    try:
        return clip_id_from_file_name(name)
    except ValueError:
        return composed(PurePosixPath(name).stem)
