"""What a reader makes of the files of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vgg_monoaudio.building.listed import ListedSample
from vgg_monoaudio.public.benchmark import Part, PublicBenchmark
from vgg_monoaudio.record import OwnSound


@dataclass(frozen=True)
class Listing:
    """The samples of a part, as the files on the disk have them.

    Attributes:
        samples: in the order of the list.
        own_sound: what their sounds are.
        list_sha256: of the file that lists them.
    """

    samples: Sequence[ListedSample]
    own_sound: OwnSound
    list_sha256: str


class Reader(Protocol):
    """Reads the official files of a benchmark."""

    def __call__(self, files: Path, benchmark: PublicBenchmark, part: Part) -> Listing:
        """Return the samples of a part; films that are missing are found out when they are cut.

        Raises:
            vgg_monoaudio.public.benchmark.BadListing: a list that is absent, another one than was published, or of
                another form or length.
        """
        ...
