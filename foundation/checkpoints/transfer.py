"""Downloading weights: resumed where it broke off, verified before the file gets its name.

Files of the Hugging Face hub come through its own client (`hub.py`), all others by what is here.
"""

from __future__ import annotations

import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from foundation.checkpoints.files import READ_BYTES, Located, WrongCheckpoint, note_of, verify, weights_folder
from foundation.checkpoints.hub import HubFailed, HubFile, place
from foundation.checkpoints.table import Checkpoint, get
from foundation.files import flush
from foundation.locks import Lock
from foundation.write_failures import naming_failures

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all (None if the server does not say)


class DownloadFailed(Exception):
    """A download that did not finish; its bytes are kept, and the next call resumes there."""


def download(
    name: str,
    *,
    weights_dir: Path | str | None = None,
    progress: Progress | None = None,
    url: str | None = None,
    attempts: int = 5,
    pause_seconds: float = 2.0,
) -> Located:
    """Fetch a checkpoint into the weights folder, verified, and return it.

    A file of the Hugging Face hub comes from the hub's cache, which is filled first, and is linked into the folder.
    Of any other origin bytes go to `<file>.part`; an interrupted download goes on where it stopped, in this call or the
    next. The file gets its name only when its hash is right. A file that is there and verified is not fetched again. Of
    two processes that want the same file one fetches it, and the other waits.

    Args:
        name: in the table.
        weights_dir: default $VGG_MONOAUDIO_WEIGHTS or ./weights; created if absent.
        progress: called with the bytes so far and in all, after every MiB.
        url: a mirror; the hash stays the published one.
        attempts: how often to connect before giving up.
        pause_seconds: between two attempts.

    Returns:
        The file; `verified` is False if no hash is published.

    Raises:
        ValueError: `name` is not in the table.
        WrongCheckpoint: the download has another hash (it is deleted), or the file that exists has (it is kept).
        DownloadFailed: the server refuses, the connection keeps breaking, or the disk is too full.
        WriteFailed: the disk became full meanwhile, or the folder may not be written to.
    """
    row = get(name)
    path = weights_folder(weights_dir) / row.filename
    if not path.is_file():
        part = path.with_name(path.name + ".part")
        with Lock(path), naming_failures(path, part):
            if not path.is_file():  # the process that was waited for may have fetched it
                hub_file = None if url else HubFile.of(row.url)
                if hub_file is not None:
                    return _from_hub(row, part, hub_file, progress, attempts, pause_seconds)
                return _fetched(row, part, url or row.url, progress, attempts, pause_seconds)
    return verify(name, path, allow_unverified=not row.verifiable)


def _fetched(
    row: Checkpoint, part: Path, url: str, progress: Progress | None, attempts: int, pause_seconds: float
) -> Located:
    """Fetch a part to its end, verify it and give it its name."""
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, attempts + 1):
        reason = _attempt(row.name, url, part, progress)
        if not reason:
            break
        if attempt == attempts:
            raise DownloadFailed(
                f'checkpoint "{row.name}": failed after {attempts} attempts at {url}: {reason}\n'
                f"  kept        {part}; the same command resumes there"
            )
        time.sleep(pause_seconds)
    return _named(row, part)


def _from_hub(
    row: Checkpoint, part: Path, file: HubFile, progress: Progress | None, attempts: int, pause_seconds: float
) -> Located:
    """Have a file fetched into the hub's cache, verify it and link it to its name."""
    for attempt in range(1, attempts + 1):
        try:
            cached = file.fetch(progress)
            break
        except HubFailed as error:
            if not error.passing or attempt == attempts:
                after = f" after {attempts} attempts" if error.passing else ""
                raise DownloadFailed(f'checkpoint "{row.name}": failed{after}: {error}') from error
        time.sleep(pause_seconds)
    part.parent.mkdir(parents=True, exist_ok=True)
    place(cached, part)
    try:
        return _named(row, part)
    except WrongCheckpoint as error:
        raise WrongCheckpoint(f"{error}\n  in the cache is still {cached}; delete it") from error


def _named(row: Checkpoint, part: Path) -> Located:
    """Verify a whole part and give it its name."""
    located = _verified_part(row, part)
    path = part.with_suffix("")
    flush(part)
    part.replace(path)
    note = note_of(part)
    if note.is_file():  # still true of the renamed file
        note.replace(note_of(path))
    return Located(row, path, located.verified, located.digests)


def _attempt(name: str, url: str, part: Path, progress: Progress | None) -> str:
    """Fetch what is missing of a part; return why it is not whole yet, "" where it is."""
    try:
        return "" if _fetch(url, part, progress) else "the connection closed early"
    except urllib.error.HTTPError as error:
        if error.code < 500:
            raise DownloadFailed(f'checkpoint "{name}": {error.url} answers {error.code} {error.reason}') from error
        return f"{error.code} {error.reason}"
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        return str(error) or type(error).__name__


def _verified_part(row: Checkpoint, part: Path) -> Located:
    try:
        return verify(row.name, part, allow_unverified=not row.verifiable)
    except WrongCheckpoint as error:
        part.unlink()
        note_of(part).unlink(missing_ok=True)
        raise WrongCheckpoint(f"{error}\n  deleted     the downloaded bytes; the next download starts over") from error


def _fetch(url: str, part: Path, progress: Progress | None) -> bool:
    """Append what is missing to `part`; return whether it is whole now."""
    have = part.stat().st_size if part.is_file() else 0
    with _response(url, have) as (response, start):
        if response is None:
            return True  # nothing is missing
        length = response.headers.get("Content-Length")
        total = start + int(length) if length is not None else None
        free = shutil.disk_usage(part.parent).free
        if total is not None and total - start > free:
            raise DownloadFailed(f"{part.parent} has {free:,} bytes free, {total - start:,} are needed")
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            while chunk := response.read(READ_BYTES):
                file.write(chunk)
                if progress is not None:
                    progress(file.tell(), total)
            return total is None or file.tell() == total


@contextmanager
def _response(url: str, have: int) -> Iterator[tuple[HTTPResponse | None, int]]:
    """Ask for the bytes after `have`; yield the answer and where it starts (0 if the server cannot resume).

    None in place of the answer: the server has no more than `have` bytes.
    """
    try:
        response = _open(url, {"Range": f"bytes={have}-"} if have else {})
    except urllib.error.HTTPError as error:
        whole = error.headers.get("Content-Range", "")
        if error.code != 416:
            raise
        if whole == f"bytes */{have}":
            yield None, have
            return
        response = _open(url, {})
    with response:
        resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        yield response, have if resumed else 0


def _open(url: str, headers: dict[str, str]) -> HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "vgg-monoaudio", **headers})
    response: HTTPResponse = urllib.request.urlopen(request, timeout=60)
    return response
