"""The benchmark at full size: 67 films made for it, every inter-class and intra-class scene, time and disk space.

    PYTHONPATH=tests python -m speed.full_build [--scenes 40] [--workers 2] [--keep FOLDER]

The films carry the clip ids of a list of 67 (r2 if none is given) and the demo's pictures and sounds, 640x720, 8 s,
H.264 and AAC; what is timed is the real build of real files. With --scenes only so many scenes are made, from as few
clips as it takes, and the full size is estimated from them.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from foundation import media
from foundation.measurements import Figure
from foundation.work import available_cores, in_parallel
from speed.board import show, significant
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.building.verification import differences
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.demo.clips import demo_clip, demo_sources
from vgg_monoaudio.demo.moments import FPS
from vgg_monoaudio.demo.sounds import SAMPLE_RATE
from vgg_monoaudio.pairing import exhaustive_pairs, filter_intra_class
from vgg_monoaudio.selection.source_list import R2, read_source_list

INTER_PAIRS = 560
GIGABYTE = 1e9


@dataclass
class Stopwatch:
    """When each stage of a build began and last reported, seconds."""

    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    start: float = field(default_factory=time.perf_counter)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take a report of progress; a stage begins where the one before ended."""
        now = time.perf_counter()
        if stage not in self.began:
            self.began[stage] = max(self.ended.values(), default=self.start)
        self.ended[stage], self.made[stage] = now, done
        if done == total or done % 50 == 0:
            print(f"{stage}: {done} of {total}, {now - self.start:.0f} s", file=sys.stderr, flush=True)

    def seconds(self, stage: str) -> float:
        """How long a stage took."""
        return self.ended[stage] - self.began[stage]


def render(job: tuple[int, str], folder: Path) -> None:
    """Write the film of one row: one of the demo's clips, with a rhythm that no other row has."""
    place, clip_id = job
    kinds = demo_sources()["clip_id"]
    clip = demo_clip(kinds[place % len(kinds)], seed=place)
    path = folder / f"{clip_id}.mp4"
    media.write_video(path, clip.frames(), fps=FPS, waveform=clip.waveform, sample_rate=SAMPLE_RATE)


def smallest_choice(sources: pd.DataFrame, scenes: int) -> tuple[pd.DataFrame, int]:
    """Return the fewest clips, in turn from every category, that make so many scenes, and how many inter-class."""
    turn = sources.groupby("category").cumcount()
    ordered = sources.assign(turn=turn).sort_values(["turn", "clip_id"]).drop(columns="turn")
    for clips in range(2, len(ordered) + 1):
        chosen = ordered.head(clips)
        inter, intra = exhaustive_pairs(chosen)
        kept, _ = filter_intra_class(intra)
        least = min(inter["target_category"].value_counts(), default=0) * inter["target_category"].nunique()
        wanted = scenes - len(kept)
        if 0 < wanted <= least:
            return chosen, wanted
    raise ValueError(f"--scenes: {scenes} cannot be made from these {len(sources)} clips")


def built(sources: pd.DataFrame, inter_pairs: int, root: Path, workers: int) -> tuple[Stopwatch, Path]:
    """Render the films, build, verify; return the times and the benchmark directory."""
    films, out = root / "films", root / "benchmark"
    films.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    jobs = [(place, clip) for place, clip in enumerate(sources["clip_id"]) if not (films / f"{clip}.mp4").is_file()]
    list(in_parallel(partial(render, folder=films), jobs, workers=workers))
    print(f"films: {len(sources)} rendered in {time.perf_counter() - start:.0f} s (not counted)", flush=True)
    watch, before = Stopwatch(), _encoder_seconds()
    settings = Settings(name="full-size", inter_pairs=inter_pairs)
    made = build_benchmark(sources, find_clips(films), out, settings, workers=workers, progress=watch)
    wall = time.perf_counter() - watch.start
    counts = made.benchmark.record["counts"]
    print(f"built: {counts['clips']} clips, {counts['inter']} + {counts['intra']} scenes in {wall:.1f} s", flush=True)
    print(f"ffmpeg took {_encoder_seconds() - before:.1f} s of processor time of it", flush=True)
    start = time.perf_counter()
    wrong = differences(made.benchmark)
    print(f"verified in {time.perf_counter() - start:.1f} s: {len(wrong)} differences", flush=True)
    if wrong:
        raise RuntimeError(wrong[0])
    return watch, out


def _encoder_seconds() -> float:
    """Processor time of the child processes that have ended: what a build costs whoever else uses the machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def figures_of(watch: Stopwatch, out: Path, sources: pd.DataFrame) -> Iterator[Figure]:
    """Yield times and sizes, and what they come to at full size."""
    _, intra = exhaustive_pairs(sources)
    full = {"sources": len(sources), "scenes": INTER_PAIRS + len(filter_intra_class(intra)[0])}
    folders = {"sources": [out / "sources"], "scenes": [out / "inter", out / "intra"]}
    seconds = size = 0.0
    for stage, number in full.items():
        made = watch.made[stage]
        bytes_ = sum(path.stat().st_size for folder in folders[stage] for path in folder.rglob("*") if path.is_file())
        took, each = watch.seconds(stage), bytes_ / made
        yield Figure(what=f"{stage} made", n=made, figure=significant(took), unit="s", note=f"{took / made:.2f} s each")
        yield Figure(what=f"a file of {stage}", figure=significant(each / 1e6), unit="MB")
        seconds += took / made * number
        size += each * number
    note = {} if watch.made["scenes"] == full["scenes"] else {"note": "estimated"}
    words = f"{full['sources']} clips and {full['scenes']:,} scenes"
    yield Figure.model_validate({"what": words, "figure": significant(seconds / 60), "unit": "minutes", **note})
    yield Figure.model_validate({"what": words, "figure": significant(size / GIGABYTE), "unit": "GB", **note})


def measure(arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield what the build takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, help="make only so many")
    parser.add_argument("--workers", type=int, default=available_cores(), help="scenes made at once")
    parser.add_argument("--list", type=Path, default=R2, help="list of 67 clips; r2 by default")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave everything there")
    options = parser.parse_args(arguments)
    sources = read_source_list(options.list)
    chosen, inter_pairs = (sources, INTER_PAIRS) if options.scenes is None else smallest_choice(sources, options.scenes)
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        yield from figures_of(*built(chosen, inter_pairs, root, options.workers), sources)


if __name__ == "__main__":
    sys.exit(show(measure(sys.argv[1:])))
