"""The films that models are asked about: scenes of a benchmark, and those that somebody has sent."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from benchmark.one_video import usable_seconds
from benchmark.web.playing import is_played, write_preview
from foundation import media
from foundation.records import escaped
from vgg_monoaudio.dataset import SUBSET_TITLES, Benchmark, Sample
from vgg_monoaudio.encoding import EncodingStopped

LARGEST_FILM = 256 * 1024 * 1024  # bytes
MOST_FILMS = 20  # of those that were sent; with one more the oldest goes
MOST_SCENES = 100  # in one list
LONGEST_NAME = 120  # characters that are shown

_SCENE = "scene:"  # in front of the names of scenes; those of films that were sent have no colon


class UnusableFilm(ValueError):
    """A film that no model can be asked about; says why."""


class NoLongerKept(Exception):
    """A film or an answer that is not here, or not any more; says what to do."""


@dataclass(frozen=True)
class Film:
    """A film that models can be asked about.

    Attributes:
        key: by which a page asks for it; nobody can guess that of a film that was sent.
        name: as it is shown.
        path: what models are given.
        played: what browsers are given: the same file, or a copy of its beginning.
        seconds: how much of it is used.
        sample: of the benchmark; None for a film that was sent.
    """

    key: str
    name: str
    path: Path
    played: Path
    seconds: float
    sample: Sample | None = None

    @property
    def prompts(self) -> list[str]:
        """What a scene suggests: its target's label first, then its paired one's; nothing for a film that was sent."""
        if self.sample is None:
            return []
        return [label for label in (self.sample.label, self.sample.paired_label) if label]


class Films:
    """Scenes by their names, and films that were sent, which lie in a folder of their own."""

    def __init__(self, folder: Path, benchmark: Benchmark, *, at_most_seconds: float) -> None:
        """Take the scenes.

        Args:
            folder: for films that are sent; is there.
            benchmark: whose scenes.
            at_most_seconds: how much of a film is used.
        """
        self._folder, self.benchmark, self._at_most = folder, benchmark, at_most_seconds
        self._samples = {f"{_SCENE}{sample.subset}/{sample.sample_id}": sample for sample in benchmark}
        self._sent: OrderedDict[str, Film] = OrderedDict()
        self._lock = threading.Lock()

    def scenes(self, words: str) -> tuple[list[tuple[str, str]], int]:
        """Return scenes in whose names or labels all words stand, key and title each, `MOST_SCENES` at most.

        Returns:
            The scenes, and how many there are in all.
        """
        wanted = words.casefold().split()
        titled = ((key, _title(sample)) for key, sample in self._samples.items())
        found = [(key, title) for key, title in titled if all(word in title.casefold() for word in wanted)]
        return found[:MOST_SCENES], len(found)

    def film(self, key: str) -> Film:
        """Return a scene, or a film that was sent.

        Raises:
            NoLongerKept: no such scene, or the film is no longer kept.
            vgg_monoaudio.dataset.BenchmarkError: a file of the scene is not the one that was built.
        """
        sample = self._samples.get(key)
        if sample is not None:
            self.benchmark.check_files([sample.video])
            seconds = min(self._at_most, self.benchmark.duration_seconds)
            return Film(key, _title(sample), sample.video, sample.video, seconds, sample)
        with self._lock:
            film = self._sent.get(key)
        if film is None:
            raise NoLongerKept("the film is no longer kept; send it again")
        return film

    def new_path(self, name: str) -> Path:
        """Return where a film that is being sent is written; its ending stays, for readers that go by it."""
        ending = Path(name).suffix.lower()
        safe = ending if ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= 6 else ""
        return self._folder / f"{secrets.token_urlsafe(16)}{safe}"

    def take(self, path: Path, name: str) -> Film:
        """Return a film that was sent, looked through; one that cannot be used is removed.

        Args:
            path: of `new_path`, written.
            name: that it had where it comes from.

        Raises:
            UnusableFilm: no model can be asked about it.
            vgg_monoaudio.encoding.EncodingStopped: no copy can be made for browsers, through no fault of the film.
        """
        try:
            film = self._looked_through(path, shown_name(name))
        except (media.MediaError, EncodingStopped, ValueError) as error:
            _remove(path, _copy_of(path))
            if isinstance(error, EncodingStopped):
                raise
            why = getattr(error, "reason", "") or str(error).replace(str(path), "it")
            raise UnusableFilm(f"the film {shown_name(name)} cannot be used: {why}") from error
        with self._lock:
            self._sent[film.key] = film
            gone = [self._sent.popitem(last=False)[1] for _ in range(len(self._sent) - MOST_FILMS)]
        for old in gone:
            _remove(old.path, old.played)
        return film

    def _looked_through(self, path: Path, name: str) -> Film:
        info = media.probe(path)
        seconds = usable_seconds(path, self._at_most)
        played = path
        if not is_played(path, info):
            played = _copy_of(path)
            write_preview(path, played, seconds=seconds)
        return Film(path.stem, name, path, played, seconds)


def shown_name(name: str) -> str:
    """Return the name of a file as a page shows it: its last part, of characters that can be shown."""
    last = escaped(name.replace("\\", "/").rpartition("/")[2])
    readable = "".join(c if c.isprintable() else " " for c in last).strip()
    return readable[:LONGEST_NAME] or "film"


def _title(sample: Sample) -> str:
    """Return what a list shows of a scene."""
    labels = " with ".join(label for label in (sample.label, sample.paired_label) if label)
    return f"{labels} ({SUBSET_TITLES[sample.subset].lower()}, {sample.sample_id})"


def _copy_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}.played.mp4")


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
