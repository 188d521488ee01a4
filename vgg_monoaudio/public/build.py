"""From the official files of a benchmark on the disk to a benchmark directory."""

from __future__ import annotations

from pathlib import Path

from foundation.files import PathLike
from foundation.work import Progress
from vgg_monoaudio import composition
from vgg_monoaudio.building.listed import ListSettings, build_listed
from vgg_monoaudio.building.result import Build
from vgg_monoaudio.public.benchmark import PublicBenchmark
from vgg_monoaudio.public.catalogue import get_benchmark


def build_public(
    benchmark: str | PublicBenchmark,
    files: PathLike,
    out: PathLike,
    *,
    part: str | None = None,
    name: str | None = None,
    duration_seconds: float = composition.SECONDS,
    allow_missing: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Build:
    """Write the benchmark directory of a public benchmark and return it.

    Args:
        benchmark: its name, or its row.
        files: the folder of its official files; of a list of one's own, the list.
        out: the benchmark directory.
        part: which part, where it has several.
        name: in tables and run paths; the directory's by default.
        duration_seconds: what is kept of each film, from its beginning.
        allow_missing: leave out films that cannot be used instead of refusing to build.
        overwrite: replace a benchmark of other clips or settings.
        workers: films cut at once; None takes one per core. The result does not depend on it.
        progress: called as work is done.

    Raises:
        ValueError: no such benchmark or part, or a name that cannot name a folder.
        vgg_monoaudio.public.benchmark.BadListing: files that are not those of the benchmark.
        vgg_monoaudio.building.result.BuildError: films that cannot be used, or another benchmark at `out`.
        vgg_monoaudio.encoding.EncodingStopped: ffmpeg was killed, could not write or is not there; nothing is left out.
    """
    row = benchmark if isinstance(benchmark, PublicBenchmark) else get_benchmark(benchmark)
    chosen = row.part(part)
    listing = row.read(Path(files), chosen)
    settings = ListSettings(
        name=name or Path(out).name, kind=row.name, part=chosen.name, own_sound=listing.own_sound,
        list_sha256=listing.list_sha256, duration_seconds=duration_seconds,
    )  # fmt: skip
    return build_listed(
        listing.samples, out, settings, allow_missing=allow_missing, overwrite=overwrite, workers=workers,
        progress=progress,
    )  # fmt: skip
