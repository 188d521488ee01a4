"""The media folder of the page: scenes, sources and answers, with a spectrogram for each; scenes have a thumbnail too.

    <media>/scenes/<subset>/<sample>.mp4        links where the file system allows, copies elsewhere
    <media>/sources/<clip>.wav
    <media>/answers/<model>/<subset>/<sample>.wav
    <media>/pictures/<hash of the content>.jpg

Pictures are named by the content they show, so a second report draws only new ones, and equal sounds share one. A
report into another folder takes them from the cache, where they lie as <cache>/pictures/<two digits>/<the same name>.
"""

from __future__ import annotations

import logging
import os
import shutil
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from benchmark.report.spectrograms import jpeg, spectrogram_jpeg
from foundation.files import WriteFailed, content_sha256, replacing
from foundation.media import MediaError, is_whole, read_audio_native, read_video
from foundation.partials import partial_name
from foundation.work import in_parallel

log = logging.getLogger(__name__)

PARTS = ("scenes", "sources", "answers", "pictures")  # what the folder holds
LEADS_OUT = "a link leads out of the benchmark's or the run's folder; copy it with the files themselves: cp -rL"
THUMBNAIL_SIZE = (180, 320)  # height, width
PICTURE_VERSION = "2"  # part of a picture's name; moves when the drawing changes


@dataclass(frozen=True)
class Placed:
    """A file in the media folder and its picture.

    Attributes:
        file: path relative to the page; "" where the file is absent.
        picture: likewise: a film's thumbnail, a sound's spectrogram; "" where none can be drawn.
        problem: why a file or its picture is missing.
        soundtrack: path of the spectrogram of a film's own sound; "" where it has none, or none can be drawn.
    """

    file: str
    picture: str
    problem: str = ""
    soundtrack: str = ""


def check_report_place(out: Path) -> None:
    """Refuse a place for a report whose folder is something else's: a report removes from it what it does not show.

    Args:
        out: path of the report without an ending, which is also the folder of its media.

    Raises:
        ValueError: the path ends in no name, or there is a file, or a folder that holds what no report has; names it.
    """
    if out.name in ("", ".."):
        raise ValueError(f"out: expected a path that ends in the name of the report, got {str(out)!r}")
    if out.exists() and not out.is_dir():
        raise ValueError(f"out: {out} is a file; give a path without an ending, for the report and its folder")
    foreign = (
        [path.name for path in out.iterdir() if path.name not in PARTS and path.name[0] != "."] if out.is_dir() else []
    )
    if foreign:
        raise ValueError(
            f"out: {out} is a folder that holds {min(foreign)}, which no report has; give another path, such as "
            f"{out / 'report'}"
        )


def place_media(
    media: Path,
    wanted: Mapping[str, Path],
    homes: Sequence[Path],
    *,
    cache: Path | None = None,
    workers: int | None = None,
) -> dict[str, Placed]:
    """Link or copy files into the media folder and draw the pictures that are missing.

    What an earlier report left there stays until `drop_unused`: its page needs it as long as no other takes its place.

    Args:
        media: the folder; made when absent.
        wanted: path inside the folder, with "/", to the file it shows.
        homes: folders of the benchmark and the runs; a file that a link brings in from elsewhere is not shown, and a
            warning names the first.
        cache: where pictures are kept for other folders too; one that may not be written to is only read.
        workers: threads; one per available core by default.

    Returns:
        What was placed, by the same names; `problem` says why a file or picture is missing.
    """
    for folder in {(media / name).parent for name in wanted} | {media / "pictures"}:
        folder.mkdir(parents=True, exist_ok=True)
    names = list(wanted)
    real = _real_files(wanted.values())
    at_home = [home.resolve() for home in homes]
    pictures = _Pictures.of(media, cache)

    def place(name: str) -> Placed:
        return _place(media, name, wanted[name], real[wanted[name]], at_home, pictures)

    placed = dict(in_parallel(place, names, workers=workers))
    found = {name: placed[place] for place, name in enumerate(names)}
    strays = [wanted[name] for name in names if found[name].problem == LEADS_OUT]
    if strays:
        log.warning("%s: not on the page, %s (%d files in all)", strays[0], LEADS_OUT, len(strays))
    return found


def _real_files(paths: Iterable[Path]) -> dict[Path, Path]:
    """Return where each file really is; a folder that many of them lie in is asked once."""
    folders: dict[Path, Path] = {}
    real = {}
    for path in paths:
        if path.is_symlink():
            real[path] = Path(os.path.realpath(path))  # a link to itself stays what it is
            continue
        if path.parent not in folders:
            folders[path.parent] = Path(os.path.realpath(path.parent))
        real[path] = folders[path.parent] / path.name
    return real


def _place(media: Path, name: str, source: Path, real: Path, homes: Sequence[Path], pictures: _Pictures) -> Placed:
    """Place one file. `source` says what it is called and of what kind it is; it may be a link to the `real` one."""
    if not real.is_file():
        return Placed("", "", f"{source.name}: no such file")
    if not any(real.is_relative_to(home) for home in homes):
        return Placed("", "", LEADS_OUT)
    digest = content_sha256(real)[:20]  # before the link, which changes the file's times
    link_or_copy(real, media / name)
    relative = f"{media.name}/{name}"
    is_film = source.suffix == ".mp4"
    picture, problem = pictures.place(digest, source, _thumbnail if is_film else _spectrogram)
    # A thumbnail and a spectrogram of the same bytes need two names.
    soundtrack = pictures.place(f"{digest}-sound", source, _spectrogram)[0] if is_film else ""
    return Placed(relative, picture, problem, soundtrack)


@dataclass(frozen=True)
class _Pictures:
    """Pictures by their names: those of the page, and those that are kept for every page.

    Attributes:
        shown: the page's folder of them.
        kept: the cache's; None where there is none.
        writable: more may be kept.
    """

    shown: Path
    kept: Path | None
    writable: bool

    @classmethod
    def of(cls, media: Path, cache: Path | None) -> Self:
        """Return those of a media folder and a cache; the cache's folder is made where that is possible."""
        kept = None if cache is None else cache / "pictures"
        if kept is not None:
            with suppress(OSError):
                kept.mkdir(parents=True, exist_ok=True)
        return cls(media / "pictures", kept, kept is not None and os.access(kept, os.W_OK))

    def place(self, content: str, source: Path, draw: Callable[[Path], bytes]) -> tuple[str, str]:
        """Put a picture of a file on the page unless it is there.

        Args:
            content: what names the picture: another text for other bytes, or for another kind of picture of them.
            source: the file.
            draw: makes the picture.

        Returns:
            The picture's path relative to the page, "" where there is none; and why there is none, or "".
        """
        name = f"{content}-{PICTURE_VERSION}.jpg"
        problem = self._problem_with(name, source, draw)
        return ("" if problem else f"{self.shown.parent.name}/{self.shown.name}/{name}"), problem

    def _problem_with(self, name: str, source: Path, draw: Callable[[Path], bytes]) -> str:
        shown, kept = self.shown / name, None if self.kept is None else self.kept / name[:2] / name
        if is_whole(shown):
            return ""
        if kept is None or not _is_jpeg(kept):
            drawn = _picture(source, draw)
            if isinstance(drawn, str):
                return drawn
            problem = None if kept is None or not self.writable else _problem_with_keeping(kept, drawn)
            if kept is None or not self.writable or problem:
                with replacing(
                    shown, lasting=False
                ) as temporary:  # two threads may draw equal sounds; the last one wins
                    temporary.write_bytes(drawn)
                if problem:
                    log.warning("%s: cannot be kept for other pages: %s", kept, problem)
                kept = shown
        if kept is not shown:
            link_or_copy(kept, shown)
        return ""


def _problem_with_keeping(path: Path, drawn: bytes) -> OSError | None:
    """Keep a picture; return why that was not possible. A cache that is another's costs no report.

    Raises:
        foundation.files.WriteFailed: the disk is full.
    """
    try:
        with replacing(path, lasting=False) as temporary:
            temporary.write_bytes(drawn)
    except OSError as error:
        if isinstance(error, WriteFailed) and error.no_room:
            raise
        return error
    return None


def _is_jpeg(path: Path) -> bool:
    """Tell whether a file begins and ends as a JPEG does: it was not emptied, cut or overwritten."""
    try:
        with path.open("rb") as file:
            begin = file.read(2)
            file.seek(-2, os.SEEK_END)
            return (begin, file.read(2)) == (b"\xff\xd8", b"\xff\xd9")
    except OSError:  # absent, or too short
        return False


def _picture(source: Path, draw: Callable[[Path], bytes]) -> bytes | str:
    """Return the picture of a file, or why there is none: one odd file must not cost the page."""
    try:
        return draw(source)
    except MediaError as error:
        return error.reason
    except Exception as error:
        log.warning("%s: no picture of it\n%s", source, traceback.format_exc())
        return f"no picture: {type(error).__name__}: {error}"


def link_or_copy(real: Path, target: Path) -> None:
    """Make `target` a hard link to a real file, or a copy where links are not possible."""
    if target.exists():
        if target.samefile(real):
            return
        there, wanted = target.stat(), real.stat()
        if (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    second_name = target.with_name(partial_name(target.name))  # nothing to flush: the bytes are there already
    try:
        second_name.hardlink_to(real)
        second_name.replace(target)
    except OSError:  # another file system, or one without links
        with replacing(target, lasting=False) as temporary:
            shutil.copy2(real, temporary)
    finally:
        second_name.unlink(missing_ok=True)  # a rename between two names of one file leaves both


def _spectrogram(path: Path) -> bytes:
    audio = read_audio_native(path)
    return spectrogram_jpeg(audio.samples.mean(axis=0), audio.sample_rate)


def _thumbnail(path: Path) -> bytes:
    frame = read_video(path, fps=25, seconds=0.04, size=THUMBNAIL_SIZE)[0]
    return jpeg(np.ascontiguousarray(frame.transpose(1, 2, 0)))


def drop_unused(media: Path, placed: Iterable[Placed]) -> None:
    """Remove files of an earlier report, and what killed writers left, once the new page is in its place.

    Args:
        media: the folder; held by the caller, see `foundation.locks`.
        placed: what the page uses.
    """
    shown = {name for item in placed for name in (item.file, item.picture, item.soundtrack) if name}
    folders = [media / part for part in PARTS if not (media / part).is_symlink()]
    for path in [p for folder in folders for p in folder.rglob("*") if p.is_file()]:
        if f"{media.name}/{path.relative_to(media).as_posix()}" not in shown:
            path.unlink(missing_ok=True)
