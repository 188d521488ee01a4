"""`exact` against `fast`: the same requests with the same weights, speed and difference."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from speed.gpu.shared import length, made_up_frames, model, requests, signal_to_noise, stand_in_files

SECONDS = 80


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield the rate of each, how far a batch moves each, and how far fast is from exact."""
    size = int(options.get("batch", "8"))
    seconds = length(options)
    frames_of = made_up_frames(size, seconds)
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        asked = requests(stand_in_files(Path(folder), size), seconds)
        words: tuple[Literal["exact", "fast"], ...] = ("exact", "fast")
        for precision in words:
            selva = model(options, precision=precision)
            alone = selva.generate_prepared(asked[:1], frames_of[:1])[0]
            selva.generate_prepared(asked, frames_of)
            again = requests(stand_in_files(Path(folder), size, first=size), seconds)
            began = time.perf_counter()
            selva.generate_prepared(again, frames_of)
            took = time.perf_counter() - began
            answers[precision] = np.stack(selva.generate_prepared(asked, frames_of))
            yield {
                "what": f"{precision}, batch {size}",
                "samples_per_second": round(size / took, 2),
                "batch_against_alone_db": round(signal_to_noise(alone, answers[precision][0]), 1),
            }
    each = [signal_to_noise(exact, fast) for exact, fast in zip(answers["exact"], answers["fast"], strict=True)]
    middle = round(float(np.median(each)), 1)
    yield {"what": "fast against exact, seeded weights", "lowest_db": round(min(each), 1), "median_db": middle}
