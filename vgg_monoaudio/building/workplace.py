"""Where a benchmark is made: a folder next to the final one, which takes its place by one rename when all is done.

`<out>.building` carries the fingerprint of what it is made from, so a build that was killed resumes where it stopped,
and one of other inputs, or under another rule for the time line, starts from nothing. Which reserves stand in for
clips of the list is not part of it: it turns out while clips are cut, and decides which scenes are kept. `<out>`
itself is never half-built, also not while an older one is replaced.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path

from foundation.files import PathLike, flush_folder, remove_partials, write_text
from foundation.media import FRAME_RULE
from vgg_monoaudio.record import RECORD_NAME

_MARKER = "inputs"
_SCENES_OF = "scenes_of"


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
    if holds_other(out, inputs):
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    remove_partials(work, alone=True)
    write_text(work / _MARKER, _marked(inputs, FRAME_RULE))
    return work


def holds_other(out: Path, inputs: str) -> bool:
    """Return whether an earlier build left something of other inputs, which `prepare` would remove."""
    work = out.with_name(out.name + ".building")
    return work.exists() and _begun_with(work) != _marked(inputs, FRAME_RULE)


def keep_sources_of(work: Path, clips: Collection[str]) -> None:
    """Remove what was cut of other clips than these: of reserves, whose bytes the folder's mark does not cover."""
    for path in sorted((work / "sources").glob("*")):
        if path.stem not in clips:
            path.unlink()


def keep_scenes_of(work: Path, made_of: str, subsets: Collection[str]) -> None:
    """Remove scenes that an earlier build of the same list made of other clips, and mark the folder with these.

    Args:
        work: the folder to build in.
        made_of: fingerprint of the list, the clips really used and the settings.
        subsets: folders of the scenes.
    """
    mark, record = work / _SCENES_OF, work / RECORD_NAME
    if mark.is_file():
        before = mark.read_text()
    else:  # the very end, or nothing yet
        before = json.loads(record.read_text(encoding="utf-8"))["inputs"] if record.is_file() else ""
    if before != made_of:
        for subset in subsets:
            if (work / subset).exists():
                shutil.rmtree(work / subset)
    write_text(mark, made_of)


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
    (work / _SCENES_OF).unlink(missing_ok=True)
    (work / _MARKER).unlink()
    older = out.with_name(out.name + ".replaced")
    if older.exists():
        shutil.rmtree(older)
    if out.exists():
        out.rename(older)
    work.rename(out)
    flush_folder(out.parent)
    if older.exists():
        shutil.rmtree(older)
