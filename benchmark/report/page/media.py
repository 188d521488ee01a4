"""The media folder of the page: scenes, sources and answers, with a thumbnail or a spectrogram for each.

    <media>/scenes/<subset>/<sample>.mp4        links where the file system allows, copies elsewhere
    <media>/sources/<clip>.wav
    <media>/answers/<model>/<subset>/<sample>.wav
    <media>/pictures/<hash of the content>.jpg

Pictures are named by the content they show, so a second report draws only new ones, and equal sounds share one.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.report.spectrograms import jpeg, spectrogram_jpeg
from foundation.files import file_sha256, replacing
from foundation.media import MediaError, read_audio_native, read_video
from foundation.work import in_parallel

log = logging.getLogger(__name__)

THUMBNAIL_SIZE = (180, 320)  # height, width
PICTURE_VERSION = "2"  # part of a picture's name; moves when the drawing changes


@dataclass(frozen=True)
class Placed:
    """A file in the media folder and its picture.

    Attributes:
        file: path relative to the page; "" where the file is absent.
        picture: likewise; "" where none can be drawn.
        problem: why a file or its picture is missing.
    """

    file: str
    picture: str
    problem: str = ""


def place_media(media: Path, wanted: Mapping[str, Path], *, workers: int | None = None) -> dict[str, Placed]:
    """Link or copy files into the media folder and draw the pictures that are missing.

    Args:
        media: the folder; made when absent.
        wanted: path inside the folder, with "/", to the file it shows.
        workers: threads; one per available core by default.

    Returns:
        What was placed, by the same names; `problem` says why a file or picture is missing.
    """
    for folder in {(media / name).parent for name in wanted} | {media / "pictures"}:
        folder.mkdir(parents=True, exist_ok=True)
    names = list(wanted)
    placed = dict(in_parallel(lambda name: _place(media, name, wanted[name]), names, workers=workers))
    found = {name: placed[place] for place, name in enumerate(names)}
    _drop_unused(media, found.values())
    return found


def _place(media: Path, name: str, source: Path) -> Placed:
    if not source.is_file():
        return Placed("", "", f"{source.name}: no such file")
    link_or_copy(source, media / name)
    relative = f"{media.name}/{name}"
    digest = file_sha256(source)[:20]
    picture = media / "pictures" / f"{digest}-{PICTURE_VERSION}.jpg"
    if not picture.is_file():
        drawn = _picture(source)
        if isinstance(drawn, str):
            return Placed(relative, "", drawn)
        # Two threads may draw equal sounds at once: each writes under its own name, and the last one wins.
        temporary = picture.with_name(f".{hashlib.sha256(name.encode()).hexdigest()[:20]}.partial")
        temporary.write_bytes(drawn)
        temporary.replace(picture)
    return Placed(relative, f"{media.name}/pictures/{picture.name}")


def _picture(source: Path) -> bytes | str:
    """Return the picture of a file, or why there is none: one odd file must not cost the page."""
    try:
        return _thumbnail(source) if source.suffix == ".mp4" else _spectrogram(source)
    except MediaError as error:
        return error.reason
    except Exception as error:
        log.warning("%s: no picture of it\n%s", source, traceback.format_exc())
        return f"no picture: {type(error).__name__}: {error}"


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy where links are not possible."""
    real = source.resolve()
    if target.exists():
        if target.samefile(real):
            return
        there, wanted = target.stat(), real.stat()
        if (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(real)
    except OSError:  # another file system, or one without links
        with replacing(target) as temporary:
            shutil.copy2(real, temporary)


def _spectrogram(path: Path) -> bytes:
    audio = read_audio_native(path)
    return spectrogram_jpeg(audio.samples.mean(axis=0), audio.sample_rate)


def _thumbnail(path: Path) -> bytes:
    frame = read_video(path, fps=25, seconds=0.04, size=THUMBNAIL_SIZE)[0]
    return jpeg(np.ascontiguousarray(frame.transpose(1, 2, 0)))


def _drop_unused(media: Path, placed: Iterable[Placed]) -> None:
    """Remove files of an earlier report that this page does not use."""
    shown = {name for item in placed for name in (item.file, item.picture) if name}
    for path in [p for p in media.rglob("*") if p.is_file()]:
        if f"{media.name}/{path.relative_to(media).as_posix()}" not in shown:
            path.unlink()
