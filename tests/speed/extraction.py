"""Audio features of 64 clips: one decode per file, workers and batches, against one decode per backbone and batch 1.

    PYTHONPATH=tests python -m speed extraction

The plain way is how the field's tools do it: every backbone opens every file again, in one process, one file at a
time. Both ways run all five audio front ends of profile `paper`; the networks are measured with PANNs (seeded
weights), because the larger ones take minutes on a CPU and cost the same either way.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmark.features import Arrays, Extractor, FeatureStore, Wanted, extract
from benchmark.profiles import front_ends
from foundation import media
from foundation.measurements import Figure
from speed.board import significant

FRONT_ENDS: Mapping[str, Callable[[media.Audio, float], Arrays]] = {
    "panns.audio": front_ends.prepare_panns,
    "panns.kadtk": front_ends.prepare_kadtk,
    "clap.audio": front_ends.prepare_clap,
    "imagebind.audio": front_ends.prepare_imagebind_audio,
    "synchformer.audio": front_ends.prepare_synchformer_audio,
}
WITH_NETWORK = ("panns.audio", "panns.kadtk")
SECONDS = 8.0
TARGET = 2.2


def write_clips(folder: Path, count: int) -> list[Path]:
    """Write clips of 44.1 kHz stereo AAC in mp4, as VGGSound's are, and return them."""
    rng = np.random.default_rng(0)
    picture = np.zeros((64, 64, 3), np.uint8)
    paths = [folder / f"clip{number:02d}.mp4" for number in range(count)]
    for path in paths:
        sound = (0.1 * rng.standard_normal(round(44_100 * SECONDS))).astype(np.float32)
        frames = (picture for _ in range(round(25 * SECONDS)))
        media.write_video(path, frames, fps=25, waveform=sound, sample_rate=44_100)
    return paths


def discard(prepared: Sequence[Arrays]) -> list[Arrays]:
    """Stand for a network: keep one number of each clip."""
    return [{"mean": np.asarray([next(iter(arrays.values())).mean()])} for arrays in prepared]


def panns(network: object, prepared: Sequence[Arrays]) -> list[Arrays]:
    """Run PANNs on a batch."""
    import torch

    with torch.inference_mode():
        batch = torch.from_numpy(np.stack([arrays["waveform"] for arrays in prepared]))
        embedding = network.audio(batch).embedding.numpy()  # type: ignore[attr-defined]
    return [{"embedding": row} for row in embedding]


def extractors(network: object | None) -> tuple[Extractor, ...]:
    """Return the five audio extractors; with PANNs itself where a network is given, else front ends alone."""
    rows = []
    for name, prepare in FRONT_ENDS.items():
        run = partial(panns, network) if network is not None and name in WITH_NETWORK else discard
        rows.append(Extractor(name, "bench", "audio", prepare, network=run, batch_size=16))
    return tuple(rows)


def plain_seconds(paths: Sequence[Path], rows: Sequence[Extractor]) -> float:
    """Time one pass over the files for each backbone, batch 1, this process alone."""
    start = time.perf_counter()
    for row in rows:
        for path in paths:
            prepared = row.prepare(media.read_audio_native(path), SECONDS)
            if row.network is not None:
                row.network([prepared])
    return time.perf_counter() - start


def our_seconds(paths: Sequence[Path], rows: tuple[Extractor, ...]) -> float:
    """Time `benchmark.features.extract` from an empty store, workers' start included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        extract([Wanted(path, "audio", rows) for path in paths], FeatureStore(folder), seconds=SECONDS)
        return time.perf_counter() - start


def measure(arguments: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield the seconds of both ways, without and with a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=64)
    count = parser.parse_args(arguments).clips
    from metrics.backbones.panns import Panns

    with tempfile.TemporaryDirectory() as folder:
        paths = write_clips(Path(folder), count)
        for what, network in (("front ends", None), ("front ends and PANNs", Panns().eval())):
            rows = extractors(network)
            plain_seconds(paths[:1], rows)  # imports and first-use tables are warm-up, not measured
            plain, ours = plain_seconds(paths, rows), our_seconds(paths, rows)
            yield Figure(
                what=f"audio features: {what}", figure=significant(ours), unit="s", n=count,
                usual=significant(plain), usual_way="one decode per backbone, batch 1",
                at_most=significant(plain / TARGET), note=f"{plain / ours:.2f} times as fast",
            )  # fmt: skip
