"""What composing costs: against the bare ffmpeg command for the same work, and two workers against one.

    PYTHONPATH=tests python -m speed composition      one line a measurement; exit status 1 if one misses its target

Both sides of a ratio are measured in turns and the best of each counts, so that what else the machine does weighs
little. Other load can still cost the second worker its core: look at the processor seconds beside. ffmpeg runs its
decoders, filters and encoders side by side even when each has one thread, so the one worker is held to one core and
the two to two; otherwise one of them would use half of the other's.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from foundation import media
from foundation.measurements import Figure
from foundation.work import available_cores
from speed.board import show, significant
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.composition import compose

MOST_OVER_BARE = 1.15
LEAST_OF_TWO_WORKERS = 1.7
ROUNDS = 5
# As VGGSound's clips are: 10 s, small, of several rates. (width x height, frames per second, Hz, channels)
FORMS = [("454x256", "25", 16_000, 1), ("640x360", "30000/1001", 44_100, 2)] * 2
LABELS = [("dog barking", "Animal"), ("cat meowing", "Animal"), ("raining", "Nature"), ("thunder", "Nature")]


@dataclass(frozen=True)
class Cost:
    """What a piece of work took."""

    wall_seconds: float
    processor_seconds: float  # of this process and the programs that it ran


def cost(work: Callable[[], object]) -> Cost:
    """Run it once."""
    before, start = _processor(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - start, _processor() - before)


def _processor() -> float:
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in used)


def in_turns(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[Cost, Cost]:
    """Return the best of each; they take turns, so that both see the same machine."""
    costs = [(cost(first), cost(second)) for _ in range(rounds)]
    ours, theirs = zip(*costs, strict=True)
    return _best(ours), _best(theirs)


def _best(costs: tuple[Cost, ...]) -> Cost:
    return Cost(min(c.wall_seconds for c in costs), min(c.processor_seconds for c in costs))


def film(path: Path, form: tuple[str, str, int, int]) -> None:
    """Write 10 s of a moving test picture under noise."""
    size, rate, sample_rate, channels = form
    command: list[str | Path] = [
        media.ffmpeg_executable(), "-v", "error", "-y",
        "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration=10",
        "-f", "lavfi", "-i", f"anoisesrc=color=pink:sample_rate={sample_rate}:duration=10:seed=1:amplitude=0.2",
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", str(channels), path,
    ]  # fmt: skip
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


def bare(target: Path, paired: Path, output: Path) -> None:
    """Do by hand what `compose` does: the same filters and encoders, nothing looked at before or after."""
    picture = "fps=25,trim=end_frame=200,scale=640:720:flags=bicubic+accurate_rnd+bitexact,setsar=1"
    sound = "aresample=16000,atrim=end_sample=128000"
    graph = (
        f"[0:v]{picture}[left];[1:v]{picture}[right];[left][right]hstack[v];"
        f"[0:a]pan=mono|c0=c0,{sound}[one];[1:a]pan=mono|c0=0.5*c0+0.5*c1,{sound}[two];[one][two]amix=inputs=2[a]"
    )
    command: list[str | Path] = [
        media.ffmpeg_executable(), "-v", "error", "-y", "-nostdin", "-filter_complex_threads", "1",
        "-threads", "1", "-i", target, "-threads", "1", "-i", paired, "-filter_complex", graph,
        "-map", "[v]", "-map", "[a]", "-c:v", "libx264", "-preset", "veryfast", "-subq", "1", "-crf", "18",
        "-pix_fmt", "yuv420p",
        "-threads", "1", "-c:a", "aac", "-b:a", "64k", "-ar", "16000", "-ac", "1", "-movflags", "+faststart", output,
    ]  # fmt: skip
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


def measure(_arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield what composing costs over the bare command, and what a second worker brings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [folder / "clips" / f"clip{place}.mp4" for place in range(len(FORMS))]
        clips[0].parent.mkdir()
        for clip, form in zip(clips, FORMS, strict=True):
            film(clip, form)
        yield against_bare(clips[0], clips[1], folder)
        if available_cores() < 2 or not hasattr(os, "sched_setaffinity"):
            print("two workers over one: not measured, it takes two cores and Linux")
        else:
            yield against_one_worker(folder)


def against_bare(target: Path, paired: Path, folder: Path) -> Figure:
    """Compose one scene both ways."""
    ours, theirs = in_turns(
        lambda: compose(target, paired, folder / "ours.mp4", "left"),
        lambda: bare(target, paired, folder / "bare.mp4"),
        ROUNDS,
    )
    processor = ours.processor_seconds / theirs.processor_seconds
    return Figure(
        what="compose a scene of 8 s", figure=significant(ours.wall_seconds), unit="s",
        floor=significant(theirs.wall_seconds), floor_of="the bare ffmpeg command",
        at_most=significant(MOST_OVER_BARE * theirs.wall_seconds), note=f"{processor:.2f} of its processor time",
    )  # fmt: skip


def against_one_worker(folder: Path) -> Figure:
    """Build the same benchmark on one core and on two."""
    one, two = in_turns(lambda: build_on(1, folder), lambda: build_on(2, folder), 2)
    processor = one.processor_seconds / two.processor_seconds
    return Figure(
        what="build 12 scenes of 4 s by two workers on two cores", figure=significant(two.wall_seconds), unit="s",
        usual=significant(one.wall_seconds), usual_way="one worker on one core",
        at_most=significant(one.wall_seconds / LEAST_OF_TWO_WORKERS),
        note=f"the one takes {processor:.2f} of their processor time",
    )  # fmt: skip


def build_on(cores: int, folder: Path) -> None:
    """Build with a worker per core, held to so many cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    try:
        build(folder, cores)
    finally:
        os.sched_setaffinity(0, allowed)


def build(folder: Path, workers: int) -> None:
    """Build four sources and twelve scenes of 4 s: even numbers, so that no worker has to wait long for the other."""
    rows = [(f"clip{place}", *about) for place, about in enumerate(LABELS)]
    sources = pd.DataFrame(rows, columns=["clip_id", "label", "category"])
    out = folder / "benchmark"
    build_benchmark(
        sources, find_clips(folder / "clips"), out, Settings(duration_seconds=4.0), overwrite=True, workers=workers
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(show(measure()))
