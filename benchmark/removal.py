"""`--fresh`: removing what a run directory holds, and nothing else.

A name or a root that was given by mistake can point at a folder of somebody's work. So only a run is removed: a folder
with a record of ours, or one that holds nothing but what a run has. Links are never followed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmark.runs import RunDirectory, UnusableRun

PARTS = frozenset({"run.json", "metrics.json", "samples.parquet", "audio"})


def check_removable(directory: RunDirectory) -> None:
    """Refuse a run directory that `remove_run` would not remove.

    Raises:
        UnusableRun: it is a link, is not a folder, or holds something that no run has and no record of a run; names it.
    """
    path = directory.path
    if path.is_symlink():
        raise UnusableRun(
            f"{path}: a link to {path.resolve()}, and --fresh removes nothing behind a link; "
            "remove the link or what it leads to, or pass --run-name to keep both"
        )
    if not path.exists():
        return
    if not path.is_dir():
        raise UnusableRun(f"{path}: not a folder, so not a run; --fresh leaves it, remove it or pass --run-name")
    foreign = _foreign(path)
    if foreign and not _has_record(directory):
        raise UnusableRun(
            f"{path}: has no record of a run and holds {foreign[0].relative_to(path)}, which no run has; "
            "--fresh leaves it, remove it or pass --run-name"
        )


def remove_run(directory: RunDirectory) -> None:
    """Remove a run directory; nothing happens where there is none.

    Raises:
        UnusableRun: see `check_removable`; nothing is removed then.
    """
    check_removable(directory)
    if directory.path.exists():
        shutil.rmtree(directory.path)  # removes links in it, and leaves what they lead to


def _has_record(directory: RunDirectory) -> bool:
    try:
        directory.read_run()
    except UnusableRun:
        return False
    return True


def _foreign(path: Path) -> list[Path]:
    """Return what is neither hidden, as half-written files are, nor part of a run."""
    entries = [entry for entry in sorted(path.iterdir()) if not entry.name.startswith(".")]
    foreign = [entry for entry in entries if entry.name not in PARTS or entry.is_dir() != (entry.name == "audio")]
    audio = path / "audio"
    if audio.is_dir() and not audio.is_symlink():
        foreign += [e for e in sorted(audio.iterdir()) if e.suffix != ".wav" and not e.name.startswith(".")]
    return foreign
