"""The lists that ship: which of them a benchmark is built from, what its version is, and how the lists differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from foundation.files import PathLike
from vgg_monoaudio.record import RECORD_NAME, BuildRecord, read_record
from vgg_monoaudio.selection.rule_r2 import agrees
from vgg_monoaudio.selection.source_list import LISTS, SHIPPED, BadSourceList, read_source_list
from vgg_monoaudio.taxonomy import load_vggsound_labels

VERSION = "2.0"
# r1 was built as 1.0 with sides drawn by a hash of each pair; what is built from it now has other sides.
_VERSIONS: Mapping[str, str] = {"r1": "1.1"}


@dataclass(frozen=True)
class Agreement:
    """A shipped list against VGGSound's own labels.

    Attributes:
        name: of the list.
        clips: how many it has.
        agreeing: how many of them VGGSound labels alike.
        conflicts: the others: clip id, label, and VGGSound's label.
    """

    name: str
    clips: int
    agreeing: int
    conflicts: tuple[tuple[str, str, str], ...]


def list_of(clips: Collection[str]) -> str | None:
    """Return the name of the shipped list that has exactly these clips; None where none has."""
    return next((name for name in SHIPPED if set(clips) == _clips_of(name)), None)


def version_for(clips: Collection[str]) -> str:
    """Return the version of a benchmark that is built from a list of these clips."""
    return _VERSIONS.get(list_of(clips) or "", VERSION)


def check_same_list(out: PathLike, clips: Collection[str]) -> None:
    """Refuse to build from one shipped list where a benchmark of another is.

    Args:
        out: the benchmark directory to come.
        clips: ids of the list to build from.

    Raises:
        BadSourceList: `out` holds a benchmark of the other list; names both and the ways out.
        vgg_monoaudio.record.BenchmarkError: the record at `out` cannot be read.
    """
    folder, asked = Path(out), list_of(clips)
    if asked is None or not (folder / RECORD_NAME).is_file():
        return
    record = read_record(folder)
    there = list_of(record.listed)
    if there is not None and there != asked:
        raise BadSourceList(
            f"{folder}: holds {record.name} {record.version}, built from list {there}; list {asked} was asked for, "
            f"which makes {version_for(clips)}. {_way_back(record, there)}; --out puts the new one elsewhere, "
            "--overwrite replaces what is there"
        )


def _way_back(record: BuildRecord, name: str) -> str:
    """Return whether what is there can be asked for again, by the list that it was built from."""
    now, version = version_for(_clips_of(name)), record.version.partition("+")[0]
    if version == now:
        return f"--labels {name} asks for what is there"
    settings = record.settings.content()
    other = ["sides that are drawn for each pair by itself"] if "side_rule" not in settings else []
    other += ["films by an ffmpeg program"] if "encoder" not in settings else []
    told = f" ({version} has {', '.join(other)})" if other else ""
    return (
        f"--labels {name} makes {now} today, not {version}{told}, so what is there cannot be built again; it is still "
        "read and scored as it is"
    )


def agreement_of(name: str) -> Agreement:
    """Return how far VGGSound's own labels agree with those of a list that ships."""
    own = load_vggsound_labels()
    rows = read_source_list(LISTS / f"{name}.csv")[["clip_id", "label"]].itertuples(index=False)
    conflicts = tuple((clip, label, own[clip]) for clip, label in rows if not agrees(label, own[clip]))
    return Agreement(name, len(_clips_of(name)), len(_clips_of(name)) - len(conflicts), conflicts)


def shared_clips() -> int:
    """Return how many clips are on every list that ships."""
    return len(frozenset.intersection(*map(_clips_of, SHIPPED)))


@cache
def _clips_of(name: str) -> frozenset[str]:
    return frozenset(read_source_list(LISTS / f"{name}.csv")["clip_id"])
