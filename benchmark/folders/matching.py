"""Which files of two folders belong together: those of one name, or of one path in them, whatever their endings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from baselines.recorded import AUDIO_SUFFIXES
from foundation.files import PathLike
from foundation.names import joined
from foundation.paths import search
from foundation.text import composed
from vgg_monoaudio.public.lists import read_rows

FILM_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
SOUND_SUFFIXES = tuple(dict.fromkeys((*AUDIO_SUFFIXES, *FILM_SUFFIXES, ".aac", ".aif", ".aiff")))
NAME_COLUMNS = ("name", "id", "filename")
PROMPT_COLUMNS = ("prompt", "caption", "label")  # the second is av-benchmark's

Naming = Callable[[str], str]  # from the path in a folder, or what a table calls it


@dataclass(frozen=True)
class Sides:
    """What is to be scored, by name.

    Attributes:
        generated: the sounds under test.
        reference: the sounds that they are compared with.
        films: what is seen; None where no folder of films was given.
        prompts: what was asked for; None where no prompts were given.
        paired: sounds of one name belong together; else the two folders are compared as sets.
    """

    generated: Mapping[str, Path]
    reference: Mapping[str, Path]
    films: Mapping[str, Path] | None
    prompts: Mapping[str, str] | None
    paired: bool

    @cached_property
    def expected(self) -> list[str]:
        """The names that should be scored, sorted: of both folders where they are paired, else of the generated."""
        return sorted({*self.generated, *self.reference} if self.paired else self.generated)

    @cached_property
    def lacking(self) -> dict[str, str]:
        """Why a name cannot be scored, by name: what it has nothing of."""
        found = {name: self._lacks(name) for name in self.expected}
        return {name: reason for name, reason in found.items() if reason}

    @property
    def complete(self) -> list[str]:
        """The names that have all that was given, sorted."""
        return [name for name in self.expected if name not in self.lacking]

    def _lacks(self, name: str) -> str:
        parts: list[tuple[str, Collection[str] | None]] = [
            ("generated sound", self.generated), ("reference sound", self.reference if self.paired else None),
            ("film", self.films), ("prompt", self.prompts),
        ]  # fmt: skip
        missing = [what for what, names in parts if names is not None and name not in names]
        return f"no {' and no '.join(missing)} of this name" if missing else ""


def match(
    generated: PathLike,
    reference: PathLike,
    *,
    video: PathLike | None = None,
    prompts: PathLike | Mapping[str, str] | None = None,
    unpaired: bool = False,
) -> Sides:
    """Return which files belong together.

    A file is called by its name without ending. Where one such name is twice in a folder of sounds, every file is
    called by its path in its folder instead (`cat/001`), if both folders are laid out alike.

    Args:
        generated: folder of sounds; subfolders are searched too.
        reference: folder of sounds.
        video: folder of films.
        prompts: a table (CSV, TSV, JSON lines) with one of `NAME_COLUMNS` and one of `PROMPT_COLUMNS`, or a mapping
            from name to prompt. A blank prompt is none.
        unpaired: compare the folders as sets, though names are in both.

    Raises:
        ValueError: no such folder, no sound or film in it, two files of one name, or prompts that cannot be used.
        vgg_monoaudio.public.benchmark.BadListing: a table of prompts of another form.
    """
    folders = [(generated, SOUND_SUFFIXES, "sound"), (reference, SOUND_SUFFIXES, "sound")]
    if video is not None:
        folders.append((video, FILM_SUFFIXES, "film"))
    found = [files_of(*folder) for folder in folders]
    name_of = _naming(found[0], found[1], unpaired=unpaired)
    sounds, references, *films = (
        by_name(files, name_of, folder, what) for files, (folder, _, what) in zip(found, folders, strict=True)
    )
    named = None if prompts is None else read_prompts(prompts, name_of)
    return Sides(
        sounds, references, films[0] if films else None, named,
        paired=not unpaired and not sounds.keys().isdisjoint(references),
    )  # fmt: skip


def files_of(folder: PathLike, suffixes: Collection[str], what: str) -> dict[str, Path]:
    """Return the files of a folder and its subfolders by their paths in it, hidden ones aside.

    Args:
        folder: where to look.
        suffixes: the endings that count, in small letters.
        what: such a file is, for messages.

    Raises:
        ValueError: no such folder, or none of these files in it.
    """
    if not Path(folder).is_dir():
        there = "a file" if Path(folder).exists() else "no such folder"
        raise ValueError(f"{folder}: {there}; a folder of {what}s is expected")
    found = {
        path.relative_to(folder).as_posix(): path
        for path in search(folder)
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    }
    if not found:
        raise ValueError(f"{folder}: no {what} in it ({', '.join(suffixes)})")
    return found


def by_name(files: Mapping[str, Path], name_of: Naming, folder: PathLike, what: str) -> dict[str, Path]:
    """Return files by their names. Links to one file are one file.

    Raises:
        ValueError: two of one name; says where they lie and in what they differ.
    """
    found: dict[str, Path] = {}
    for place, path in files.items():
        other = found.setdefault(name_of(place), path)
        if os.path.realpath(other) != os.path.realpath(path):
            raise ValueError(f"{folder}: two {what}s are called {name_of(place)!r}: {_apart(other, path)}")
    return found


def _apart(one: Path, other: Path) -> str:
    """Return two files of one name, and what to do."""
    if one.parent != other.parent:
        return f"{one} and {other}; rename one, or lay out both folders of sounds in the same subfolders"
    if composed(one.name) == composed(other.name):
        first, second = (ascii(path.name) for path in (one, other))
        return f"{one.parent} has {first} and {second}, which differ in their Unicode form alone; keep one"
    return f"{one} and {other}; keep one"


def _naming(generated: Mapping[str, Path], reference: Mapping[str, Path], *, unpaired: bool) -> Naming:
    """Return by what files are called: their names, or their paths where that alone tells apart what belongs together.

    Paths serve where one that needs its subfolder has its counterpart, so that folders that are not laid out alike are
    refused rather than compared as sets.
    """
    counts = [Counter(map(_name, files)) for files in (generated, reference)]
    doubled = {name for count in counts for name, times in count.items() if times > 1}
    paths = [{_path(place) for place in files if _name(place) in doubled} for files in (generated, reference)]
    return _path if doubled and (unpaired or not paths[0].isdisjoint(paths[1])) else _name


def read_prompts(prompts: PathLike | Mapping[str, str], name_of: Naming) -> dict[str, str]:
    """Return the prompts of a table or a mapping, by name; an ending that names have in it does not count.

    Raises:
        vgg_monoaudio.public.benchmark.BadListing: a table of another encoding or form; names the line.
        ValueError: no such file, no column of names or of prompts, what is no text, or a name with two prompts.
    """
    where, pairs = (
        ("prompts", _checked(prompts)) if isinstance(prompts, Mapping) else (str(prompts), _rows(Path(prompts)))
    )
    found: dict[str, str] = {}
    for named, prompt in pairs:
        name = name_of(named)
        if prompt and found.setdefault(name, prompt) != prompt:
            raise ValueError(f"{where}: {name!r} has two prompts, {found[name]!r} and {prompt!r}; keep one")
    return found


def _checked(prompts: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """Return names and prompts of a mapping, without the blanks around them; None is a blank prompt, as in a table."""
    for name, prompt in prompts.items():
        if not isinstance(name, str):
            raise ValueError(f"prompts: expected names that are texts, got {name!r}; write {str(name)!r}")
        if not isinstance(prompt, str | None):
            raise ValueError(f"prompts: {name!r}: expected a text, got {prompt!r}")
    return [(name, (prompt or "").strip()) for name, prompt in prompts.items()]


def _rows(file: Path) -> list[tuple[str, str]]:
    """Return names and prompts of a table."""
    if not file.is_file():
        there = "a folder" if file.is_dir() else "no such file"
        raise ValueError(f"{file}: {there}; a table with the columns name and prompt is expected")
    _check_commas(file)
    rows = read_rows(file, ())
    name, prompt = (_column(file, rows[0], known) for known in (NAME_COLUMNS, PROMPT_COLUMNS))
    if blind := [row for row in rows if name not in row or prompt not in row]:  # JSON lines say their columns each
        raise ValueError(f"{file}: a row without {name!r} or {prompt!r}: {dict(blind[0])}; every row needs both")
    return [(row[name], row[prompt]) for row in rows]


def _check_commas(file: Path) -> None:
    """Refuse a table whose header is separated by something else, which the reader would take for a single column."""
    with file.open("rb") as content:
        header = content.readline()
    others = [sign for sign, byte in (("semicolons", b";"), ("tabs", b"\t")) if byte in header]
    if file.suffix.lower() == ".csv" and others and b"," not in header:
        advice = "save it with commas" + (", or as .tsv" if others[0] == "tabs" else "")
        raise ValueError(f"{file}: its columns are separated by {others[0]}, and commas are expected; {advice}")


def _column(file: Path, row: Mapping[str, str], known: Collection[str]) -> str:
    """Return which column is one of these, in whatever letters; the first that is known."""
    there = {column.casefold(): column for column in reversed(list(row))} | {column: column for column in row}
    column = next((there[name] for name in known if name in there), None)
    if column is None:
        raise ValueError(f"{file}: no column {joined(known)}; there are {joined(row, 'and')}")
    return column


def _name(text: str) -> str:
    """Return a name without its folder, and without its ending if that is a sound's or a film's."""
    return PurePath(_path(text)).name


def _path(text: str) -> str:
    """Return a path in a folder without that ending."""
    path = PurePath(composed(text))
    return (path.with_suffix("") if path.suffix.lower() in SOUND_SUFFIXES else path).as_posix()
