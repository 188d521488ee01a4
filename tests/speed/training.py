"""What `train prepare` takes for a clip before any network: seconds of a core, and bytes of a store.

    VGG_MONOAUDIO_TEST_MEDIA=FOLDER PYTHONPATH=tests python -m speed training

The clips of that folder are ordinary ones of VGGSound; without it a clip of the demo is measured, whose pictures are
drawn and so are smaller than filmed ones.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from baselines.mmaudio.lengths import FORMATS, lengths_for
from baselines.selva.training.clip_reading import ReadClip, Unusable, read_clip
from baselines.selva.training.pictures import Picture
from foundation.measurements import Figure
from speed.board import significant
from vgg_monoaudio.demo.clips import write_demo_sources

SECONDS = 8.0
KILOBYTE = 1e3


def measure() -> Iterator[Figure]:
    """Yield the figures."""
    with tempfile.TemporaryDirectory() as folder:
        paths = clips(Path(folder))
        kinds: tuple[Picture, Picture] = ("jpeg 95 4:4:4", "lossless")
        read = {picture: [timed(path, picture) for path in paths] for picture in kinds}
    for picture, found in read.items():
        usable = [(clip, seconds) for clip, seconds in found if clip is not None]
        size = fmean(sum(map(len, clip.files)) for clip, _ in usable)
        what = f"{len(usable)} clips of 8 s"
        took = significant(fmean(seconds for _, seconds in usable))
        yield Figure(what=f"a clip read, its frames kept as {picture}", figure=took, unit="s", note=what)
        yield Figure(what=f"its frames as {picture}", figure=significant(size / KILOBYTE), unit="kB", note=what)
    lengths = lengths_for(SECONDS, FORMATS["16k"])
    latent = 2 * 4 * lengths.latent * FORMATS["16k"].latent_channels
    yield Figure(what="its latent at 16 kHz, mean and deviation", figure=significant(latent / KILOBYTE), unit="kB")


def clips(folder: Path) -> list[Path]:
    """Return the files to read."""
    if given := os.environ.get("VGG_MONOAUDIO_TEST_MEDIA"):
        return sorted(Path(given).glob("*.mp4"))
    write_demo_sources(folder)
    return sorted(folder.rglob("*.mp4"))[:1]


def timed(path: Path, picture: Picture) -> tuple[ReadClip | None, float]:
    """Return a clip and the seconds that it took; None for one that no training would take."""
    before = time.process_time()
    try:
        return read_clip(path, seconds=SECONDS, rates=("16k",), picture=picture), time.process_time() - before
    except Unusable:
        return None, 0.0
