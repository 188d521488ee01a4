"""A list of one's own: a row a sample, with its film, its prompt and, if there is one, its sound.

Benchmarks whose published form could not be seen are read from such a list too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from foundation.files import file_sha256
from vgg_monoaudio.building.listed import ListedSample
from vgg_monoaudio.public.benchmark import BadListing, Part, PublicBenchmark
from vgg_monoaudio.public.listing import Listing
from vgg_monoaudio.public.lists import Row, check_count, check_names, find_list, read_rows

NAMES = ("list.csv", "list.jsonl")  # in a folder
REQUIRED = ("video", "prompt")
COLUMNS = (*REQUIRED, "audio", "id", "category", "paired_label", "negative_prompt")


def read(files: Path, benchmark: PublicBenchmark, part: Part) -> Listing:
    """Return the samples; see `vgg_monoaudio.public.listing.Reader`.

    Args:
        files: the list, .csv or .jsonl, or the folder that holds it as `list.csv` or `list.jsonl`.
        benchmark: its row.
        part: the whole.

    Raises:
        BadListing: see there; also a column that a list does not have, or samples of which some have a sound.
    """
    file = files if files.is_file() else find_list(files, NAMES, benchmark, part)
    rows = read_rows(file, REQUIRED)
    unknown = [column for row in rows for column in row if column not in COLUMNS]
    if unknown:
        raise BadListing(f"{file}: column {unknown[0]!r} is none of a list's, which are {', '.join(COLUMNS)}")
    check_count(file, rows, part)
    names = [row.get("id") or Path(row["video"]).stem for row in rows]
    check_names(file, names)
    samples = [_sample(file, name, row, benchmark) for name, row in zip(names, rows, strict=True)]
    return Listing(samples, "target" if _all_or_none(file, samples) else "none", file_sha256(file))


def _sample(file: Path, name: str, row: Row, benchmark: PublicBenchmark) -> ListedSample:
    for column in REQUIRED:
        if not row[column]:
            raise BadListing(f"{file}: sample {name!r} has no {column}")
    return ListedSample(
        sample_id=name,
        video=file.parent / row["video"],
        prompt=row["prompt"],
        audio=file.parent / row["audio"] if row.get("audio") else None,
        category=row.get("category") or benchmark.title,
        paired_label=row.get("paired_label", ""),
        negative_prompt=row.get("negative_prompt", ""),
    )


def _all_or_none(file: Path, samples: Sequence[ListedSample]) -> bool:
    """Tell whether all samples have a sound, or none; a mean over some of them would be no score of the benchmark."""
    without = [sample.sample_id for sample in samples if sample.audio is None]
    if without and len(without) < len(samples):
        raise BadListing(
            f"{file}: {len(without)} of {len(samples)} samples have no audio, the first is {without[0]!r}; a benchmark "
            "has a reference sound for all of its samples or for none: make two lists. The sound of a film itself is "
            "meant where audio names the film"
        )
    return not without
