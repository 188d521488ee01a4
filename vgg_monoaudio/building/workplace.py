"""Where a benchmark is made: a folder next to the final one, which takes its place by one rename when all is done.

`<out>.building` carries the fingerprint of what it is made from, so a build that was killed resumes where it stopped,
and one of other inputs, or under another rule for the time line, starts from nothing. `<out>` itself is never
half-built, also not while an older one is replaced.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from foundation.files import PathLike, remove_partials, write_text
from foundation.media import FRAME_RULE
from vgg_monoaudio.record import RECORD_NAME

_MARKER = "inputs"


def destination(out: PathLike, workers: int | None) -> Path:
    """Return the benchmark directory to come; a link is followed, so that it keeps pointing there.

    Raises:
        ValueError: fewer than one worker.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    return Path(out).resolve() if Path(out).is_symlink() else Path(out)


def prepare(out: Path, inputs: str) -> Path:
    """Return the folder to build in: what an earlier build of the same inputs left, without half-written files.

    Args:
        out: the benchmark directory to come.
        inputs: fingerprint of everything that decides the result.
    """
    work = out.with_name(out.name + ".building")
    begun = _marked(inputs, FRAME_RULE)
    if work.exists() and _begun_with(work) != begun:
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    remove_partials(work, alone=True)
    write_text(work / _MARKER, begun)
    return work


def _begun_with(work: Path) -> str | None:
    """Return what a left-over folder is made from, by its marker or, at the very end, its record."""
    if (work / _MARKER).is_file():
        return (work / _MARKER).read_text()
    if (work / RECORD_NAME).is_file():
        record = json.loads((work / RECORD_NAME).read_text(encoding="utf-8"))
        return _marked(record["inputs"], record.get("frame_rule"))
    return None


def _marked(inputs: str, frame_rule: str | None) -> str:
    """Return what a folder is marked with: which of its clips were cut under which rule could not be told later."""
    return f"{inputs} {frame_rule}"


def finish(work: Path, out: Path) -> None:
    """Put the finished folder in its place; an older benchmark there is renamed first and removed last."""
    (work / _MARKER).unlink()
    older = out.with_name(out.name + ".replaced")
    if older.exists():
        shutil.rmtree(older)
    if out.exists():
        out.rename(older)
    work.rename(out)
    if older.exists():
        shutil.rmtree(older)
