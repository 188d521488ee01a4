"""Missing clips, downloaded from YouTube one at a time; each failure is recorded with its reason.

Needs the extra `download` (yt-dlp). Many of VGGSound's videos are gone for good; `failures.csv` in their folder says
which and why, and those are not tried again.
"""

from __future__ import annotations

import csv
import io
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from foundation import media
from foundation.extras import command_for
from foundation.faults import machine_fault, machine_fault_told
from foundation.files import PathLike, WriteFailed, replacing
from foundation.text import read_text
from foundation.work import Progress
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.selection.clip_ids import WINDOW_SECONDS, split_clip_id

Kind = Literal["removed", "private", "region", "age", "members", "rights", "throttled", "network", "broken", "other"]

FAILURES_NAME = "failures.csv"
PAUSE_SECONDS = 5.0  # between two videos
LASTING: frozenset[Kind] = frozenset({"removed", "private", "region", "age", "members", "rights"})

Fetch = Callable[[str, Path], None]  # clip id, file to write; raises FetchFailed


class MissingDownloader(Exception):
    """yt-dlp is not installed."""


class WriteStopped(Exception):
    """A clip that could not be written, which says nothing of the clip."""


class FetchFailed(Exception):
    """A video that could not be downloaded; the message is what the site or the downloader said."""


@dataclass(frozen=True)
class Failure:
    """A clip that could not be had.

    Attributes:
        clip_id: as VGGSound names it.
        kind: why the download failed; `LASTING` kinds are not tried again unless asked for.
        reason: in the words of the site or the downloader.
    """

    clip_id: str
    kind: Kind
    reason: str


@dataclass(frozen=True)
class Download:
    """What a download came to.

    Attributes:
        clips: clip id to file, of the clips asked for that are there now.
        failures: those that are not, tried now or earlier, sorted by clip id.
        not_tried: ids left for the next call, because the site asked us to slow down; sorted.
    """

    clips: dict[str, Path]
    failures: tuple[Failure, ...]
    not_tried: tuple[str, ...]


def download_clips(
    wanted: Iterable[str],
    out: PathLike,
    *,
    fetch: Fetch | None = None,
    retry: bool = False,
    pause_seconds: float = PAUSE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress | None = None,
) -> Download:
    """Fetch the 10 s of every clip that is not in `out` yet, one after the other in the order of their ids.

    A clip counts when it has picture and sound. When the site asks to slow down, the rest is left for another call.

    Args:
        wanted: clip ids, such as `3qesirWAGt4_000020`.
        out: folder of clips; made when missing. It also keeps `failures.csv`.
        fetch: downloads one clip; yt-dlp if not given.
        retry: ask again for clips that failed for good.
        pause_seconds: between two videos.
        sleep: called with `pause_seconds`.
        progress: called after each clip.

    Raises:
        MissingDownloader: `fetch` is not given and yt-dlp is not installed.
        ValueError: a malformed clip id, a negative pause, or a `failures.csv` of another form.
        WriteStopped: a clip cannot be written, for example because the disk is full; that is no failure of the clip.
    """
    if pause_seconds < 0:
        raise ValueError(f"pause_seconds: expected 0 or more, got {pause_seconds}")
    ids = sorted(set(wanted))
    for clip in ids:
        split_clip_id(clip)
    get = fetch or with_yt_dlp()
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    log = _FailureLog(folder / FAILURES_NAME)
    there = find_clips(folder)
    clips = {clip: there[clip] for clip in ids if clip in there}
    tasks = [clip for clip in ids if clip not in clips and (retry or not log.lasting(clip))]
    not_tried: list[str] = []
    for done, clip in enumerate(tasks, start=1):
        if done > 1:
            sleep(pause_seconds)
        failure = _fetch_one(clip, folder / f"{clip}.mp4", get)
        if failure is None:
            clips[clip] = folder / f"{clip}.mp4"
        else:
            log.add(failure)
        if progress is not None:
            progress("clips", done, len(tasks))
        if failure is not None and failure.kind == "throttled":
            not_tried = tasks[done:]
            break
    failures = [log.last[clip] for clip in ids if clip not in clips and clip in log.last and clip not in not_tried]
    return Download(dict(sorted(clips.items())), tuple(failures), tuple(not_tried))


def with_yt_dlp() -> Fetch:
    """Return a fetch that cuts VGGSound's 10 s out of the video with yt-dlp and ffmpeg.

    Raises:
        MissingDownloader: yt-dlp is not installed.
    """
    if find_spec("yt_dlp") is None:
        raise MissingDownloader(f"downloads need yt-dlp; to get it: {command_for('download')}")

    def fetch(clip: str, path: Path) -> None:
        yt_dlp = import_module("yt_dlp")
        youtube_id, start = split_clip_id(clip)
        try:
            with yt_dlp.YoutubeDL(yt_dlp_options(start, path)) as session:
                session.download([f"https://www.youtube.com/watch?v={youtube_id}"])
        except yt_dlp.utils.YoutubeDLError as error:
            raise FetchFailed(_plain(str(error))) from error

    return fetch


def yt_dlp_options(start_seconds: int, path: Path) -> dict[str, Any]:
    """Return yt-dlp's options for the 10 s from `start_seconds` on, at most 720 lines, as an mp4 at `path`."""
    section = (start_seconds, start_seconds + WINDOW_SECONDS)
    return {
        "format": "bestvideo[height<=720][ext=mp4]+bestaudio[ext=m4a]/best[height<=720]/best",
        "merge_output_format": "mp4",
        "download_ranges": import_module("yt_dlp.utils").download_range_func(None, [section]),
        "force_keyframes_at_cuts": True,  # else the cut begins at the key frame before, seconds early
        "outtmpl": {"default": str(path).replace("%", "%%")},
        "ffmpeg_location": media.ffmpeg_executable(),
        "noplaylist": True,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silent(),
        "retries": 2,
        "socket_timeout": 30,
        "sleep_interval_requests": 1,
    }


def kind_of(reason: str) -> Kind:
    """Return why a download failed, from the message of YouTube or yt-dlp."""
    text = reason.lower()
    return next((kind for kind, words in _WORDS.items() if any(re.search(word, text) for word in words)), "other")


def failure_counts(failures: Sequence[Failure]) -> dict[Kind, int]:
    """Return how many clips failed for each kind of reason, most first."""
    kinds = [failure.kind for failure in failures]
    return dict(sorted(((kind, kinds.count(kind)) for kind in set(kinds)), key=lambda pair: (-pair[1], pair[0])))


# In this order: YouTube says "video unavailable" of nearly all of them, so the more specific words come first.
_WORDS: dict[Kind, tuple[str, ...]] = {
    "throttled": (r"http error 429", r"too many requests", r"not a bot", r"rate.?limit"),
    "private": (r"private video", r"video is private"),
    "region": (r"in your (country|location|region)", r"geo.?restrict", r"blocked it in"),
    "age": (r"confirm your age", r"age.?restricted", r"inappropriate for some users"),
    "members": (r"members.?only", r"join this channel", r"requires payment", r"requires purchase"),
    "rights": (r"copyright", r"violat(es|ing|ion)", r"terms of service"),
    "network": (
        r"timed? ?out", r"connection", r"getaddrinfo", r"name resolution", r"unable to download", r"http error 5\d\d",
        r"ssl",
    ),
    "removed": (
        r"removed by", r"has been removed", r"no longer available", r"account .*terminated", r"does not exist",
        r"unavailable", r"not available",
    ),
}  # fmt: skip


class _Silent:
    """Takes what yt-dlp would print; the exception carries the same words."""

    def debug(self, message: str) -> None:
        """Drop a message."""

    warning = error = info = debug


class _FailureLog:
    """`failures.csv`: one row per attempt that failed, appended as it happens; the last on a clip counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.last: dict[str, Failure] = {}
        if path.is_file():
            self._read()

    def lasting(self, clip: str) -> bool:
        return clip in self.last and self.last[clip].kind in LASTING

    def add(self, failure: Failure) -> None:
        before = self._path.stat().st_size if self._path.is_file() else None
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                if before is None:
                    writer.writerow([field.name for field in fields(Failure)])
                writer.writerow(astuple(failure))
        except OSError as error:  # half a row would stop the next call
            with suppress(OSError):
                os.truncate(self._path, before or 0)
            raise WriteFailed(error.errno, error.strerror, str(self._path)) from error
        self.last[failure.clip_id] = failure

    def _read(self) -> None:
        rows = list(csv.reader(io.StringIO(read_text(self._path), newline="")))
        for line, row in enumerate(rows[1:], start=2):
            if len(row) != 3 or row[1] not in get_args(Kind):
                raise ValueError(f"{self._path}:{line}: expected clip_id,kind,reason, found {','.join(row)!r}")
            self.last[row[0]] = Failure(row[0], row[1], row[2])  # type: ignore[arg-type]  # checked above


def _fetch_one(clip: str, path: Path, fetch: Fetch) -> Failure | None:
    """Fetch a clip under a temporary name and rename it; return the failure, None when it is there."""
    try:
        with replacing(path) as temporary:
            try:
                fetch(clip, temporary)
                _check(temporary)
            finally:
                _remove_leavings(temporary)
    except FetchFailed as error:
        fault = machine_fault(error) or machine_fault_told(str(error))
        if fault is not None:  # it would be the same for every clip
            raise WriteStopped(f"{path}: {fault}; the same command goes on from here") from error
        return Failure(clip, kind_of(str(error)), str(error))
    except media.MediaError as error:
        return Failure(clip, "broken", error.reason)
    return None


def _check(path: Path) -> None:
    if not path.is_file():
        raise FetchFailed("the downloader reported success and left no file")
    info = media.probe(path)
    if info.video is None or info.audio is None:
        raise media.MediaError(path, "no video stream" if info.video is None else "no audio stream")


def _remove_leavings(temporary: Path) -> None:
    """Remove what a downloader leaves next to the file it was told to write: parts, single streams."""
    for path in temporary.parent.iterdir():
        if path.name.startswith(f"{temporary.stem}.") and path != temporary:
            path.unlink()


def _plain(message: str) -> str:
    """Return a yt-dlp message on one line, without colour codes and its prefix."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", message).split())
    return re.sub(r"^ERROR: (\[[^\]]+\] )?([A-Za-z0-9_-]{11}: )?", "", text)
