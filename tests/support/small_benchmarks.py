"""Small benchmark directories in the form that `build` writes, with films of a few frames."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foundation import media
from vgg_monoaudio.dataset import MANIFEST_COLUMNS

Clip = tuple[str, str, str]  # id, label, category

CLIPS: tuple[Clip, ...] = (
    ("aaaaaaaaaaa_000001", "dog barking", "Animal"),
    ("bbbbbbbbb-b_000002", "bird chirping", "Animal"),
    ("ccccc_ccccc_000003", "playing harp", "Music"),
    ("ddddddddddd_000004", "dog barking", "Animal"),
)
INTER = ((2, 0), (0, 2), (2, 1), (3, 2))
INTRA = ((0, 1), (1, 3))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def short_film(tmp_path_factory) -> bytes:
    """A film of five frames with sound."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    frames = [np.full((32, 64, 3), value, np.uint8) for value in range(0, 250, 50)]
    tone = np.sin(np.arange(16_000) / 20).astype(np.float32) / 4
    media.write_video(path, frames, fps=5, waveform=tone, sample_rate=16_000)
    return path.read_bytes()


@pytest.fixture
def write_benchmark(tmp_path, short_film) -> Callable[..., Path]:
    """A writer of benchmark directories; scenes are films that differ in a trailing byte."""

    def write(
        name: str = "small",
        clips: Sequence[Clip] = CLIPS,
        pairs: dict[str, Sequence[tuple[int, int]]] | None = None,
        left_out: Sequence[dict[str, str]] = (),
    ) -> Path:
        pairs = {"inter": INTER, "intra": INTRA} if pairs is None else pairs
        return write_folder(tmp_path / name, clips, pairs, short_film, left_out=left_out)

    return write


def write_folder(
    folder: Path,
    clips: Sequence[Clip],
    pairs: Mapping[str, Sequence[tuple[int, int]]],
    film: bytes,
    *,
    left_out: Sequence[dict[str, str]] = (),
    sound: Callable[[int], np.ndarray] = lambda place: np.full(1600, 0.01 * (place + 1), np.float32),
    seconds: float = 8.0,
) -> Path:
    """Write a benchmark directory, named as its folder.

    Args:
        folder: where.
        clips: its sources.
        pairs: of each subset, target and paired clip by their places.
        film: what sources and scenes show; scenes differ in trailing bytes.
        left_out: clips that are on record as left out.
        sound: of the source at a place, at 16 kHz.
        seconds: how long scenes are on record to be.
    """
    name = folder.name
    sources = []
    for place, (clip, label, category) in enumerate(clips):
        (folder / "sources").mkdir(parents=True, exist_ok=True)
        (folder / "sources" / f"{clip}.mp4").write_bytes(film)
        wav = folder / "sources" / f"{clip}.wav"
        media.write_audio(wav, sound(place), 16_000)
        sources.append({"clip_id": clip, "label": label, "category": category, "sha256": sha256(wav)})
    for subset, chosen in pairs.items():
        write_subset(folder, subset, clips, chosen, film)
    record = {
        "format": 1,
        "name": name,
        "version": "1.0",
        "inputs": "0" * 64,
        "settings": {"name": name, "version": "1.0", "seed": 0, "inter_pairs": None, "duration_seconds": seconds},
        "counts": {
            "clips_listed": len(clips) + len(left_out),
            "clips": len(clips),
            "inter": len(pairs.get("inter", ())),
            "intra": len(pairs.get("intra", ())),
            "inter_pool": 6,
            "intra_pool": 4,
        },
        "sources": sources,
        "left_out": list(left_out),
        "intra_dropped": [],
    }
    (folder / "benchmark.json").write_text(json.dumps(record))
    return folder


def write_subset(
    folder: Path, subset: str, clips: Sequence[Clip], pairs: Sequence[tuple[int, int]], film: bytes
) -> None:
    rows = []
    for place, (target, paired) in enumerate(pairs):
        name = f"{clips[target][0]}__{clips[paired][0]}"
        video = folder / subset / "video" / f"{name}.mp4"
        video.parent.mkdir(parents=True, exist_ok=True)
        video.write_bytes(film + place.to_bytes(2, "little").rstrip(b"\0").ljust(1, b"\0"))
        row = (
            name, clips[target][1], clips[paired][1], clips[target][0], clips[paired][0],
            clips[target][2], clips[paired][2], ("left", "right")[place % 2], sha256(video),
        )  # fmt: skip
        rows.append(row)
    pd.DataFrame(rows, columns=MANIFEST_COLUMNS).to_csv(folder / subset / "manifest.csv", index=False)


@pytest.fixture
def small(write_benchmark) -> Path:
    """Four clips, four inter-class and two intra-class scenes."""
    return write_benchmark()
