"""The Greatest Hits: a drumstick hits and scratches things, and people wrote down when.

These times are the reference of the onset metrics, as in MMAudio's script; see `metrics.onset`. The dataset has no
prompts: every sample asks for the same.

Source:
    Owens et al. 2016 (arXiv:1512.08512). The first word of each line of `<id>_times.txt` is a time in seconds, read as
    hkchengrex/MMAudio @ 974010a `eval_onsets.py: read_gt` reads it; that script stops at the first one past 8 s.
"""

from __future__ import annotations

import math
from pathlib import Path

from foundation.files import file_sha256
from foundation.text import read_text
from vgg_monoaudio.building.listed import ListedSample
from vgg_monoaudio.public.benchmark import BadListing, Part, PublicBenchmark
from vgg_monoaudio.public.listing import Listing
from vgg_monoaudio.public.lists import check_count, check_names, find_list

PROMPT = "hitting with a drumstick"
FILMS = ("_denoised.mp4", "_denoised_thumb.mp4")  # full size; 256 pixels high


def read(files: Path, benchmark: PublicBenchmark, part: Part) -> Listing:
    """Return the samples of a split; see `vgg_monoaudio.public.listing.Reader`.

    Args:
        files: holds `test.txt` or `train.txt`, and of each id the film, the sound and the times.
        benchmark: its row.
        part: the split.

    Raises:
        BadListing: see there; also a file of times that is absent or holds something else.
    """
    file = find_list(files, (f"{part.name}.txt",), benchmark, part)
    names = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    check_count(file, names, part)
    check_names(file, names)
    samples = [
        ListedSample(
            sample_id=f"{name}_denoised",  # so are the sounds called that MMAudio's script reads
            video=next((film for film in (files / f"{name}{end}" for end in FILMS) if film.is_file()),
                       files / f"{name}{FILMS[0]}"),
            prompt=PROMPT,
            audio=files / f"{name}_denoised.wav",
            category=benchmark.title,
            onset_seconds=read_times(files / f"{name}_times.txt"),
        )
        for name in names
    ]  # fmt: skip
    return Listing(samples, "target", file_sha256(file))


def read_times(file: Path) -> tuple[float, ...]:
    """Return the annotated times of a film in seconds, in the order of the file.

    Raises:
        BadListing: no such file, or a line that does not begin with a time.
    """
    if not file.is_file():
        raise BadListing(f"{file}: missing; the times of a film are expected beside it")
    times: list[float] = []
    for line, text in enumerate(read_text(file).splitlines(), start=1):
        if not text.strip():
            continue
        try:
            time = float(text.split()[0])
        except ValueError:
            time = math.nan
        if not (math.isfinite(time) and time >= 0):
            raise BadListing(f"{file}:{line}: expected a time in seconds first, got {text[:40]!r}")
        times.append(time)
    return tuple(times)
