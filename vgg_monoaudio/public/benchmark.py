"""What is known of a public benchmark before its files are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foundation.names import joined, load

if TYPE_CHECKING:
    from vgg_monoaudio.public.listing import Listing, Reader
    from vgg_monoaudio.record import Kind, OwnSound


class BadListing(Exception):
    """Files that are not those of the benchmark; the message says what is expected and what is there."""


@dataclass(frozen=True)
class Part:
    """A part of a benchmark that is built and scored by itself.

    Attributes:
        name: as `--part` takes it; "" where the benchmark has one part.
        what: what is asked for.
        own_sound: what the sound of its clips is to its samples; None where the list decides.
        samples: how many it has, as published; None where that is not known.
        list_sha256: of the published list; "" where there is none, or it was not at hand.
    """

    name: str
    what: str
    own_sound: OwnSound | None
    samples: int | None = None
    list_sha256: str = ""


@dataclass(frozen=True)
class PublicBenchmark:
    """A benchmark of others.

    Attributes:
        name: as the command line and `benchmark.json` have it.
        title: as its authors spell it.
        what: what its samples are.
        parts: at least one.
        paired: what its paired labels are; "" where it has none.
        licence: of what its authors publish; that of the films may be another.
        access: how one comes by the files.
        source: address.
        revision: of the source that was read; "" where none was.
        paper: arXiv number, or the conference's.
        layout: the files that the reader expects in the folder.
        verified: what of this was seen in the published files, and what was not.
        reader: its function, "module:name"; see `vgg_monoaudio.public.listing.Reader`.
    """

    name: Kind
    title: str
    what: str
    parts: tuple[Part, ...]
    paired: str
    licence: str
    access: str
    source: str
    revision: str
    paper: str
    layout: str
    verified: str
    reader: str

    def part(self, name: str | None) -> Part:
        """Return a part by name; the only one where there is one.

        Raises:
            ValueError: no such part, or none named where there are several.
        """
        named = {part.name: part for part in self.parts}
        if name is None and len(named) == 1:
            return self.parts[0]
        if name is None or name not in named:
            known = joined(filter(None, named)) or f"none: {self.name} has one part"
            raise ValueError(f"--part: expected {known}, got {'nothing' if name is None else repr(name)}")
        return named[name]

    def read(self, files: Path, part: Part) -> Listing:
        """Return the samples of a part; see `vgg_monoaudio.public.listing.Reader`."""
        reader: Reader = load(self.reader)
        return reader(files, self, part)
