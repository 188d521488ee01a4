"""Which files of two folders belong together: those of one name, whatever their endings."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from baselines.recorded import AUDIO_SUFFIXES
from foundation.files import PathLike
from foundation.paths import search
from foundation.text import composed
from vgg_monoaudio.public.lists import read_rows

FILM_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
SOUND_SUFFIXES = tuple(dict.fromkeys((*AUDIO_SUFFIXES, *FILM_SUFFIXES, ".aac", ".aif", ".aiff")))
NAME_COLUMNS = ("name", "id", "filename")
PROMPT_COLUMNS = ("prompt", "caption", "label")  # the second is av-benchmark's


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

    Args:
        generated: folder of sounds; subfolders are searched too.
        reference: folder of sounds.
        video: folder of films.
        prompts: a table (CSV, TSV, JSON lines) with one of `NAME_COLUMNS` and one of `PROMPT_COLUMNS`, or a mapping
            from name to prompt.
        unpaired: compare the folders as sets, though names are in both.

    Raises:
        ValueError: no such folder, no sound or film in it, or two files of one name.
        vgg_monoaudio.public.benchmark.BadListing: a table of prompts of another form.
    """
    sounds = files_by_name(generated, SOUND_SUFFIXES, "sound")
    references = files_by_name(reference, SOUND_SUFFIXES, "sound")
    films = None if video is None else files_by_name(video, FILM_SUFFIXES, "film")
    texts = prompts if prompts is None or isinstance(prompts, Mapping) else read_prompts(Path(prompts))
    named = None if texts is None else {_name(name): text for name, text in texts.items()}
    return Sides(sounds, references, films, named, paired=not unpaired and not sounds.keys().isdisjoint(references))


def files_by_name(folder: PathLike, suffixes: Collection[str], what: str) -> dict[str, Path]:
    """Return the files of a folder and its subfolders by their names without ending, hidden ones aside.

    Names count in the Unicode form NFC. Links to one file are one file.

    Args:
        folder: where to look.
        suffixes: the endings that count, in small letters.
        what: such a file is, for messages.

    Raises:
        ValueError: no such folder, none of these files in it, or two of one name.
    """
    if not Path(folder).is_dir():
        raise ValueError(f"{folder}: no such folder; a folder of {what}s is expected")
    found: dict[str, Path] = {}
    for path in search(folder):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        other = found.setdefault(_name(path.name), path)
        if os.path.realpath(other) != os.path.realpath(path):
            raise ValueError(f"{folder}: two {what}s are called {_name(path.name)!r}: {other} and {path}; keep one")
    if not found:
        raise ValueError(f"{folder}: no {what} in it ({', '.join(suffixes)})")
    return found


def read_prompts(file: Path) -> dict[str, str]:
    """Return the prompts of a table, by name; an ending that names have in it does not count.

    Raises:
        vgg_monoaudio.public.benchmark.BadListing: another encoding or form; names the line.
        ValueError: no such file, no column of names or of prompts, or a name with two prompts.
    """
    if not file.is_file():
        raise ValueError(f"{file}: no such file; a table with the columns name and prompt is expected")
    found: dict[str, str] = {}
    rows = read_rows(file, ())
    name_column, prompt_column = (_column(file, rows[0], known) for known in (NAME_COLUMNS, PROMPT_COLUMNS))
    for row in rows:
        name, prompt = _name(row[name_column]), row[prompt_column]
        if prompt and found.setdefault(name, prompt) != prompt:
            raise ValueError(f"{file}: {name!r} has two prompts, {found[name]!r} and {prompt!r}; keep one")
    return found


def _column(file: Path, row: Mapping[str, str], known: Collection[str]) -> str:
    column = next((name for name in known if name in row), None)
    if column is None:
        raise ValueError(f"{file}: no column {' or '.join(known)}; there are {', '.join(row)}")
    return column


def _name(text: str) -> str:
    """Return a name without its folder, and without its ending if that is a sound's or a film's."""
    path = PurePath(composed(text))
    return path.stem if path.suffix.lower() in SOUND_SUFFIXES else path.name
