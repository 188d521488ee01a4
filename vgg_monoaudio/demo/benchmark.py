"""The embedded benchmark: the demo's sources through the same pairing and composition as real clips."""

from __future__ import annotations

import shutil
from pathlib import Path

from foundation.files import PathLike
from foundation.work import Progress
from vgg_monoaudio.building.asked import Asked
from vgg_monoaudio.building.result import Build, BuildError, occupied
from vgg_monoaudio.building.scenes import build_benchmark
from vgg_monoaudio.building.settings import Settings, recorded_settings
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.dataset import Benchmark, BenchmarkError, load_benchmark
from vgg_monoaudio.demo.clips import demo_sources, write_demo_sources

DEMO_SETTINGS = Settings(name="demo", version="2.0", inter_pairs=32)


def build_demo_benchmark(
    out: PathLike,
    settings: Settings = DEMO_SETTINGS,
    *,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Build:
    """Write the demo's benchmark directory and return it; one that is there already is taken as it is.

    Args:
        out: the benchmark directory.
        settings: content; 32 inter-class scenes, and all 32 intra-class ones, by default.
        overwrite: build it again, whatever is at `out`.
        workers: scenes made at once; None takes one per core.
        progress: called as work is done.

    Raises:
        vgg_monoaudio.building.result.BuildError: another benchmark, a damaged one or something else is at `out`.
    """
    out = Path(out)
    if (out / "benchmark.json").is_file() and not overwrite:
        there = _load(out)
        asked, clips = recorded_settings(settings), set(demo_sources()["clip_id"])
        if there.record.settings.content() == asked:
            return Build(there, [], reused=True)
        raise occupied(out, there.record, Asked(asked, clips, clips))  # before any film is drawn
    films = out.with_name(out.name + ".films")
    try:
        sources = write_demo_sources(films, seed=settings.seed, workers=workers)
        return build_benchmark(
            sources, find_clips(films), out, settings, overwrite=overwrite, workers=workers, progress=progress
        )
    finally:
        shutil.rmtree(films, ignore_errors=True)


def _load(out: Path) -> Benchmark:
    try:
        return load_benchmark(out)
    except BenchmarkError as error:
        raise BuildError(f"{error}; pass --overwrite to build it again, or remove {out}") from error
