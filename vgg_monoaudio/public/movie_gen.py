"""Movie Gen Audio Bench: generated films with prompts. What they sound like is another model's answer, no reference."""

from __future__ import annotations

from pathlib import Path

from foundation.files import file_sha256
from vgg_monoaudio.building.listed import ListedSample
from vgg_monoaudio.public.benchmark import Part, PublicBenchmark
from vgg_monoaudio.public.listing import Listing
from vgg_monoaudio.public.lists import check_count, check_names, find_list, read_rows

LISTS = {"sfx": "MovieGenAudioBenchSfx", "sfx-music": "MovieGenAudioBenchSfxMusic"}  # part: list, archive and folder
FILMS = "video_with_audio"


def read(files: Path, benchmark: PublicBenchmark, part: Part) -> Listing:
    """Return the samples of a part; see `vgg_monoaudio.public.listing.Reader`.

    Args:
        files: holds the list and the films of the part's archive, which are named after the ids of the list.
        benchmark: its row.
        part: sound effects alone, or with music.
    """
    name = LISTS[part.name]
    file = find_list(files, (f"{name}.jsonl", f"benchmark/{name}.jsonl"), benchmark, part)
    rows = read_rows(file, ("id", "audio_prompt"))
    check_count(file, rows, part)
    check_names(file, [row["id"] for row in rows])
    folders = (files / name / FILMS, files / FILMS)
    films = next((folder for folder in folders if folder.is_dir()), folders[0])
    samples = [
        ListedSample(
            sample_id=row["id"], video=films / f"{row['id']}.mp4", prompt=row["audio_prompt"], audio=None,
            category=f"{benchmark.title} {part.name}",
        )
        for row in rows
    ]  # fmt: skip
    return Listing(samples, "none", file_sha256(file))
