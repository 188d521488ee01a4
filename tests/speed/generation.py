"""Generation against its floor: scenes decoded while a model works, and a second prompt for a video that is known.

    PYTHONPATH=tests python -m speed generation

A model that sleeps stands for a GPU. What it and the decoding of its scenes take alone bounds what both can take
together; one after the other they took the sum. A second prompt costs SELVA its share of the arithmetic without the
trunk, a third; the networks are the real ones with seeded weights (minutes).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from baselines import Prepared, Request, Waveform
from baselines.mmaudio import frames
from baselines.mmaudio.batches import FramePreparation
from benchmark.answers import BatchSize, answers_to
from benchmark.preparing import batches
from foundation import media
from foundation.measurements import Figure
from foundation.work import available_cores
from speed.board import significant

SECONDS = 8.0
MODEL_SECONDS = 1.0
TARGET_OVERLAP = 1.15
TARGET_SECOND_PROMPT = 0.40
SHARE_OF_SECOND_PROMPT = 0.33  # of the first's arithmetic, which has the trunk too
WARM_SECONDS = 0.64


class Sleeping:
    """Answers after so many seconds a sample, as a GPU would; its scenes are decoded as SELVA's are."""

    sample_rate = 16_000

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.prepare = FramePreparation({"sync": frames.sync_request("squash")}, 0)

    def generate(self, request: Request) -> Waveform:
        """Return silence."""
        return self.generate_prepared([request], [self.prepare(request)])[0]

    def generate_prepared(self, requests: Sequence[Request], _prepared: Sequence[Prepared]) -> list[Waveform]:
        """Return silence for each."""
        time.sleep(self.seconds * len(requests))
        return [np.zeros(round(request.duration * self.sample_rate), np.float32) for request in requests]


def write_scenes(folder: Path, count: int) -> list[Path]:
    """Write scenes of 1280x720 whose picture moves, and return them."""
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 200, (90, 160, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    paths = [folder / f"scene{number:02d}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        shown = (np.roll(picture, 3 * step + number, axis=1) for step in range(round(25 * SECONDS)))
        media.write_video(path, shown, fps=25)
    return paths


def seconds_of(model: Any, scenes: Sequence[Path]) -> float:
    """Time all answers of a model to these scenes."""
    requests = [Request(scene.stem, scene, "a bell", "", SECONDS, seed=0) for scene in scenes]
    start = time.perf_counter()
    for batch in batches(model, requests, BatchSize(1)):
        for answer in answers_to(model, batch.requests, batch.prepared):
            if isinstance(answer, Exception):
                raise answer
    return time.perf_counter() - start


def overlap(count: int) -> Iterator[Figure]:
    """Yield what decoding takes alone, and what it and the model take together."""
    with tempfile.TemporaryDirectory() as folder:
        scenes = write_scenes(Path(folder), count)
        seconds_of(Sleeping(0.0), scenes[:1])  # imports are warm-up
        decoding, both = seconds_of(Sleeping(0.0), scenes), seconds_of(Sleeping(MODEL_SECONDS), scenes)
    model = MODEL_SECONDS * count
    each = available_cores() * decoding / count
    yield Figure(
        what=f"{count} scenes of 1280x720 decoded, no model", figure=significant(decoding), unit="s",
        note=f"{each:.1f} s of a core for a scene",
    )  # fmt: skip
    floor = max(decoding, model)
    yield Figure(
        what=f"{count} scenes of 1280x720 and a model of {MODEL_SECONDS:g} s each", figure=significant(both), unit="s",
        usual=significant(decoding + model), usual_way="one after the other", floor=significant(floor),
        floor_of="the slower alone: " + ("the model" if model > decoding else "decoding"),
        at_most=significant(TARGET_OVERLAP * floor),
    )  # fmt: skip


def second_prompt() -> Figure:
    """Return a second prompt's time over the first one's."""
    from baselines.selva.model import SELVA

    model = SELVA(random_weights=True, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        (scene,) = write_scenes(Path(folder), 1)
        model.generate(Request("warm", scene, "a bell", "", WARM_SECONDS, seed=0))
        times = []
        for prompt in ("a dog barking", "a train passing"):
            start = time.perf_counter()
            model.generate(Request("scene", scene, prompt, "", SECONDS, seed=0))
            times.append(time.perf_counter() - start)
    return Figure(
        what="SELVA, a second prompt for a video, over the first", figure=significant(times[1] / times[0]),
        usual=1.0, usual_way="the trunk computed again", floor=SHARE_OF_SECOND_PROMPT, floor_of="its arithmetic",
        at_most=TARGET_SECOND_PROMPT, note=f"{times[1]:.1f} s / {times[0]:.1f} s",
    )  # fmt: skip


def measure(arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield what hides behind what, and what a second prompt costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=16)
    yield from overlap(parser.parse_args(arguments).scenes)
    yield second_prompt()
