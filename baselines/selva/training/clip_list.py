"""Lists of clips: which clip has which label, and which are held out.

Three kinds of files are read, as many as are given: CSV or TSV with a header of `id`, `label` and perhaps `split`
(MMAudio's `sets/vgg-train.tsv` is one), and VGGSound's own list, four columns without a header.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from baselines.selva.training.store import Split
from foundation.files import PathLike
from foundation.files import fingerprint as hash_of
from foundation.paths import search
from foundation.text import composed, read_text

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")
FEWEST_OF_A_SPLIT = 2  # clips are mixed in pairs
_COLUMNS = ("id", "label", "split")
_SPLITS: Mapping[str, Split | Literal["test"]] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}
_YOUTUBE_ID, _SECONDS = re.compile(r"[A-Za-z0-9_-]{11}"), re.compile(r"\d{1,6}")


class BadList(ValueError):
    """A list of clips that cannot be used; the message names file and line."""


@dataclass(frozen=True)
class Entry:
    """A clip of a list.

    Attributes:
        id: its file is `<id>.mp4`, or of another suffix.
        label: its text.
        split: where a list says it.
    """

    id: str
    label: str
    split: Split | None


@dataclass(frozen=True)
class ClipList:
    """The clips to prepare, sorted by id.

    Attributes:
        entries: without those of a test split.
        left_out: how many those are.
        shared_out: whether lists say which clips are held out; else a share is, see `held_out`.
    """

    entries: tuple[Entry, ...]
    left_out: int
    shared_out: bool

    @property
    def fingerprint(self) -> str:
        """A hash of ids, labels and splits."""
        return hash_of([[entry.id, entry.label, entry.split] for entry in self.entries])


def read_lists(lists: Sequence[PathLike], validation_list: PathLike | None = None) -> ClipList:
    """Return the clips of one or several lists.

    Args:
        lists: files; see the module.
        validation_list: a further one, all clips of which are held out.

    Raises:
        BadList: a file that cannot be read, an unknown or a missing column or split, an id or a label that is empty,
            the same id twice, or no clip at all; names file and line.
    """
    seen: dict[str, str] = {}
    entries: list[Entry] = []
    left_out, shared_out = 0, validation_list is not None
    given = [(Path(file), False) for file in lists]
    if validation_list is not None:
        given.append((Path(validation_list), True))
    for path, held_out_whole in given:
        for place, clip, split in _read(path):
            if clip.id in seen:
                raise BadList(f"{place}: clip {clip.id} stands in {seen[clip.id]} already; keep one")
            seen[clip.id] = place
            if held_out_whole:
                entries.append(replace(clip, split="validation"))
            elif split == "test":
                left_out += 1
            else:
                entries.append(replace(clip, split=split))
                shared_out |= split == "validation"
    if not entries:
        raise BadList(f"{', '.join(str(path) for path, _ in given)}: no clip to prepare")
    return ClipList(tuple(sorted(entries, key=lambda entry: entry.id)), left_out, shared_out)


def _read(path: Path) -> Iterator[tuple[str, Entry, Split | Literal["test"] | None]]:
    """Yield place (file and line), clip and split of each line of a list."""
    try:
        text = read_text(path)
    except OSError as error:
        raise BadList(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadList(str(error)) from error
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in first else ",", strict=True)
    try:
        columns = _columns(path, next(reader, []))
        if columns is None:
            reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        for cells in reader:
            place = f"{path}: line {reader.line_num}"
            if any(cell.strip() for cell in cells):
                yield place, *(_vggsound(place, cells) if columns is None else _named(place, columns, cells))
    except csv.Error as error:
        raise BadList(f"{path}: line {reader.line_num}: {error}") from error


def _columns(path: Path, cells: Sequence[str]) -> list[str] | None:
    """Return the columns that a header names; None for VGGSound's list, which has no header."""
    names = [cell.strip() for cell in cells]
    if _is_vggsound(names):
        return None
    for name in names:
        if name not in _COLUMNS:
            raise BadList(
                f"{path}: line 1: expected a header with the columns id, label and perhaps split, and no others, got "
                f"{name!r}"
            )
    if missing := [name for name in _COLUMNS[:2] if name not in names]:
        raise BadList(f"{path}: line 1: there is no column {missing[0]!r}; expected id, label and perhaps split")
    if len(set(names)) != len(names):
        raise BadList(f"{path}: line 1: a column stands there twice: {', '.join(names)}")
    return names


def _is_vggsound(cells: Sequence[str]) -> bool:
    return len(cells) == 4 and bool(_YOUTUBE_ID.fullmatch(cells[0])) and bool(_SECONDS.fullmatch(cells[1]))


def _vggsound(place: str, cells: Sequence[str]) -> tuple[Entry, Split | Literal["test"]]:
    if not _is_vggsound(cells):
        raise BadList(f"{place}: expected YouTube id, second, label and split as in VGGSound's list, got {cells}")
    split = _known_split(place, cells[3])
    return _entry(place, f"{cells[0]}_{int(cells[1]):06d}", cells[2]), split or "train"


def _named(place: str, columns: Sequence[str], cells: Sequence[str]) -> tuple[Entry, Split | Literal["test"] | None]:
    if len(cells) != len(columns):
        raise BadList(f"{place}: expected {len(columns)} cells ({', '.join(columns)}), got {len(cells)}")
    row = dict(zip(columns, cells, strict=True))
    return _entry(place, row["id"], row["label"]), _known_split(place, row.get("split", ""))


def _entry(place: str, id: str, label: str) -> Entry:
    id, label = composed(id.strip()), label.strip()
    if not id:
        raise BadList(f"{place}: the id is empty")
    if not label:
        raise BadList(f"{place}: clip {id} has no label")
    return Entry(id, label, None)


def _known_split(place: str, word: str) -> Split | Literal["test"] | None:
    word = word.strip()
    if word and word not in _SPLITS:
        raise BadList(f"{place}: expected a split train, validation, val or test, got {word!r}")
    return _SPLITS[word] if word else None


def held_out(ids: Iterable[str], share: float) -> set[str]:
    """Return which clips are held out: a share of them, at least two, chosen by the hashes of their ids.

    Args:
        ids: of all clips.
        share: above 0, below 1.
    """
    ordered = sorted(ids, key=lambda id: hashlib.sha256(id.encode()).digest())
    return set(ordered[: max(FEWEST_OF_A_SPLIT, round(share * len(ordered)))])


def find_files(folder: PathLike, ids: Iterable[str]) -> dict[str, Path]:
    """Return the file of each clip that has one: `<id>.mp4` or of another suffix, anywhere below a folder.

    Raises:
        BadList: no such folder, or two files for one clip.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BadList(f"{root}: no such folder of clips")
    wanted, found = set(ids), dict[str, Path]()
    for path in search(root):
        if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith("."):
            continue
        id = composed(path.stem)
        if id not in wanted:
            continue
        other = found.setdefault(id, path)
        if other != path and not other.samefile(path):
            raise BadList(f"{root}: two files for clip {id}: {other} and {path}; keep one")
    return found
