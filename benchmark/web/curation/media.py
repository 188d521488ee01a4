"""Clips as the page plays them: which are there, which a browser can play, and what their sound looks like."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from starlette.responses import FileResponse

from benchmark.web.files import MediaFiles, NoSuchFile
from benchmark.web.playing import PLAYED_TYPES, is_played, write_preview
from foundation import media
from foundation.files import content_sha256, once_a_file, write_text
from vgg_monoaudio import stretch

PEAKS = 1000  # columns of the drawn sound; a wide screen shows about as many
PREVIEWS = 1  # made at once: each keeps a core busy for seconds


@dataclass(frozen=True)
class Footage:
    """What the page has to know of a clip's file.

    Attributes:
        missing: why it cannot be shown; "" where it can.
        seconds: its length.
        frames_per_second: of its picture, for steps of one frame.
        has_sound: whether it has a soundtrack.
        is_preview: whether the browser gets a copy in codecs that every browser plays.
        unusable: why `build` would leave it out wherever its 8 s begin; "" where it would not.
    """

    missing: str
    seconds: float = 0.0
    frames_per_second: float = 25.0
    has_sound: bool = False
    is_preview: bool = False
    unusable: str = ""


class Unusable(ValueError):
    """A clip is to be accepted that `build` would leave out; says why."""


@dataclass(frozen=True)
class Peaks:
    """The outline of a clip's sound, in `PEAKS` columns of equal length.

    Attributes:
        seconds: how much sound there is.
        low: lowest sample of each column, -127 to 127 for full scale.
        high: highest likewise.
    """

    seconds: float
    low: tuple[int, ...]
    high: tuple[int, ...]


_probed = once_a_file(media.probe)  # a film is asked for in many pieces


class Clips:
    """The clips of one folder, by id; what is made of them (previews, outlines) is made once and kept apart."""

    def __init__(self, folder: Path, files: Mapping[str, Path], wanted: Iterable[str], kept: Path) -> None:
        """Look which of the clips are there; nothing is opened.

        Args:
            folder: of the clips.
            files: clip id to file, as `vgg_monoaudio.collecting.clips.find_clips` makes it.
            wanted: the clips that may be asked for.
            kept: folder for what is made of them, by content.
        """
        self._missing = {clip: _why_missing(folder, files.get(clip)) for clip in wanted}
        self._files = {clip: files[clip] for clip, why in self._missing.items() if not why}
        self._sent = MediaFiles(folder, {clip: path.absolute() for clip, path in self._files.items()})
        self._kept = kept
        self._looked: dict[str, Footage] = {}  # clips that were looked into, as they were then
        self._making = threading.Semaphore(PREVIEWS)

    def why_missing(self, clip: str) -> str:
        """Return why a clip cannot be shown, "" where its file is there.

        Raises:
            NoSuchFile: a clip that is not asked about here.
        """
        if clip not in self._missing:
            raise NoSuchFile("no such clip")
        return self._missing[clip]

    def known(self, clip: str) -> Footage | None:
        """Return what is known of a clip without opening its file; None where nobody has looked into it yet.

        Raises:
            NoSuchFile: a clip that is not asked about here.
        """
        why = self.why_missing(clip)
        return Footage(why) if why else self._looked.get(clip)

    def look_into_all(self) -> None:
        """Look into every file, so that the list shows which cannot be used before a reviewer has come to them."""
        for clip in self._files:
            self.footage(clip)

    def check_usable(self, clip: str, start: float) -> None:
        """Check that `build` would take a clip.

        Args:
            clip: its id.
            start: seconds, where what it contributes begins.

        Raises:
            NoSuchFile: a clip that is not asked about here.
            Unusable: it would not.
        """
        why = self.why_missing(clip)
        if not why:
            footage = self._look(self._files[clip], start)
            why = footage.missing or footage.unusable
        if why:
            raise Unusable(f"build would leave this clip out: {why}")

    def footage(self, clip: str) -> Footage:
        """Return what the page has to know of a clip.

        Raises:
            NoSuchFile: a clip that is not asked about here.
        """
        why = self.why_missing(clip)
        if why:
            return Footage(why)
        found = self._looked[clip] = self._look(self._files[clip])
        return found

    @staticmethod
    def _look(path: Path, start: float = 0.0) -> Footage:
        try:
            info = _probed(path)
        except media.MediaError as error:
            return Footage(f"its file cannot be read: {error.reason}")
        except OSError as error:
            return Footage(f"its file cannot be opened: {error.strerror}")
        if info.video is None:
            return Footage("its file has no picture")
        return Footage(
            missing="",
            seconds=info.duration_seconds,
            frames_per_second=info.video.frames_per_second or 25.0,
            has_sound=info.audio is not None,
            is_preview=not is_played(path, info),
            unusable=_why_unusable(info, path, start),
        )

    def film(self, clip: str, *, preview: bool) -> FileResponse:
        """Return the answer that sends a clip, or the copy of it that every browser plays.

        Args:
            clip: its id.
            preview: send the copy also where browsers should play the file: this one could not.

        Raises:
            NoSuchFile: no such clip, or its file has gone.
            foundation.media.MediaError: no copy can be made of it.
            vgg_monoaudio.encoding.EncodingStopped: no copy can be made of anything.
        """
        footage = self.footage(clip)
        if footage.missing:
            raise NoSuchFile(footage.missing)
        path = self._files[clip]
        if not preview and not footage.is_preview:
            return self._sent.response(clip, media_type=PLAYED_TYPES[path.suffix.lower()], changes=True)
        name = self._preview(path)
        return MediaFiles(self._kept, {clip: Path(name)}).response(clip, media_type="video/mp4", changes=True)

    def peaks(self, clip: str) -> Peaks:
        """Return the outline of a clip's sound.

        Raises:
            NoSuchFile: no such clip.
            foundation.media.MediaError: its sound cannot be read.
        """
        why = self.why_missing(clip)
        if why:
            raise NoSuchFile(why)
        path = self._files[clip]
        kept = self._kept / f"{content_sha256(path)}.peaks-{PEAKS}.json"
        if kept.is_file():
            outline = json.loads(kept.read_text(encoding="utf-8"))
            return Peaks(outline["seconds"], tuple(outline["low"]), tuple(outline["high"]))
        audio = media.read_audio_native(path)
        found = _outline(audio.samples.mean(axis=0), audio.sample_rate)
        write_text(kept, json.dumps(asdict(found)))
        return found

    def _preview(self, path: Path) -> str:
        """Make the copy of a file unless it is there; return its name."""
        name = f"{content_sha256(path)}.preview.mp4"
        made = self._kept / name
        if not made.is_file():
            with self._making:
                if not made.is_file():  # made while this request waited
                    write_preview(path, made)
        return name


def _why_missing(folder: Path, path: Path | None) -> str:
    if path is None:
        return f"no file of this clip in the folder {folder.name}"
    if not path.resolve().is_relative_to(folder.resolve()):
        return f"its file is a link that leads out of the folder {folder.name}"
    return ""


def _why_unusable(info: media.MediaInfo, path: Path, start: float) -> str:
    try:
        stretch.checked_streams(info, path, stretch.on_frame_grid(start), stretch.SECONDS)
    except media.MediaError as error:
        return error.reason
    return ""


def _outline(samples: NDArray[np.float32], sample_rate: int) -> Peaks:
    """Return lowest and highest sample of each column; a column without samples is silent."""
    edges = np.linspace(0, samples.size, PEAKS + 1).round().astype(int)
    scaled = np.clip(samples * 127, -127, 127)
    columns = [scaled[start:stop] for start, stop in pairwise(edges)]
    return Peaks(
        seconds=samples.size / sample_rate,
        low=tuple(int(column.min()) if column.size else 0 for column in columns),
        high=tuple(int(column.max()) if column.size else 0 for column in columns),
    )
