"""A small made-up benchmark and made-up runs, written through the project's own schemas and its own encoder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.runs import (
    BenchmarkRecord,
    CommitRecord,
    CountsRecord,
    EnvironmentRecord,
    FailureRecord,
    MetricsRecord,
    MetricValue,
    ModelRecord,
    RunDirectory,
    RunRecord,
    ScoringRecord,
)
from foundation.files import file_sha256
from foundation.media import write_audio, write_video
from metrics.registry import list_metrics
from vgg_monoaudio.dataset import FORMAT_VERSION, MANIFEST_COLUMNS

CLIPS = {
    "dog00000001_000010": ("dog barking", "Animal"),
    "harp0000002_000020": ("playing harp", "Music"),
    "bus00000003_000030": ("driving buses", "Vehicle"),
    "car00000004_000040": ("car passing by", "Vehicle"),
}
PAIRS = {
    "inter": [(0, 1), (1, 0), (2, 0), (1, 3), (3, 1)],
    "intra": [(2, 3), (3, 2)],
}
SECONDS = 2.0
LEVELS = {"oracle": 0.0, "tiny-foley": 0.3, "grand-foley": 0.2, "old-foley": 0.6, "noise": 1.0}
CONTROLS = ("oracle", "noise")


def sample_ids(subset: str) -> list[str]:
    clips = list(CLIPS)
    return [f"{clips[target]}__{clips[paired]}__{subset}" for target, paired in PAIRS[subset]]


def listing(subset: str) -> pd.DataFrame:
    clips = list(CLIPS)
    rows = []
    for place, (target, paired) in enumerate(PAIRS[subset]):
        target_id, paired_id = clips[target], clips[paired]
        rows.append(
            {
                "sample_id": sample_ids(subset)[place],
                "label": CLIPS[target_id][0],
                "paired_label": CLIPS[paired_id][0],
                "target_id": target_id,
                "paired_id": paired_id,
                "target_category": CLIPS[target_id][1],
                "paired_category": CLIPS[paired_id][1],
                "target_side": "left" if place % 2 == 0 else "right",
            }
        )
    return pd.DataFrame(rows)


def tone(frequency: float, *, seconds: float = SECONDS, rate: int = 16_000) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * frequency * time) * (np.sin(9 * time) > 0)).astype(np.float32)


def write_benchmark(folder: Path) -> Path:
    """A benchmark directory with real, short scenes and sources."""
    frames = range(round(25 * SECONDS))
    for place, clip in enumerate(CLIPS):
        write_audio(folder / "sources" / f"{clip}.wav", tone(220 * (place + 1)), 16_000)
        write_video(folder / "sources" / f"{clip}.mp4", [scene_frame(place, place, frame) for frame in frames], fps=25)
    for subset in PAIRS:
        for place, sample in enumerate(sample_ids(subset)):
            target, paired = PAIRS[subset][place]
            write_video(
                folder / subset / "video" / f"{sample}.mp4",
                [scene_frame(target, paired, frame) for frame in frames],
                fps=25,
                waveform=tone(220 * (target + 1)) + tone(220 * (paired + 1)),
            )
        scenes = [file_sha256(folder / subset / "video" / f"{sample}.mp4") for sample in sample_ids(subset)]
        manifest = listing(subset).rename(columns={"sample_id": "filename"}).assign(sha256=scenes)
        manifest[MANIFEST_COLUMNS].to_csv(folder / subset / "manifest.csv", index=False, lineterminator="\n")
    record = {
        "format": FORMAT_VERSION,
        "name": "demo",
        "version": "1.0",
        "settings": {"duration_seconds": SECONDS},
        "counts": {subset: len(pairs) for subset, pairs in PAIRS.items()},
        "sources": [
            {
                "clip_id": clip, "label": label, "category": category,
                "sha256": file_sha256(folder / "sources" / f"{clip}.wav"),
            }
            for clip, (label, category) in CLIPS.items()
        ],
    }  # fmt: skip
    (folder / "benchmark.json").write_text(json.dumps(record))
    return folder


def scene_frame(target: int, paired: int, frame: int) -> np.ndarray:
    picture = np.full((180, 320, 3), 30, np.uint8)
    for half, clip in enumerate((target, paired)):
        at = 160 * half + 20 + (frame * 4 + clip * 17) % 100
        picture[60:110, at : at + 30] = (60 * clip + 60, 200 - 40 * clip, 120)
    return picture


@dataclass(frozen=True)
class Settings:
    """What a test may change about a run."""

    benchmark: str = "demo"
    version: str = "1.0"
    fingerprint: str = ""
    profile: str = "signal"
    reference_video: str = "target"
    bandwidth_from: str = "generated"
    resample_by: str = "source"
    frame_rule: str = "refuse"
    backbones: Mapping[str, str] | None = None
    metric_version: int = 1
    options: Mapping[str, Any] | None = None
    failed: Sequence[int] = ()
    untrained: bool = False
    unverified: bool = False
    intervals: bool = True
    without: Sequence[str] = ("imagebind",)


def write_run(
    root: Path,
    model: str,
    subset: str = "inter",
    settings: Settings | None = None,
    *,
    folder: str = "",
    audio: bool = False,
) -> RunDirectory:
    """One scored run; the values follow from the model's name, so that tests know the order they must come in."""
    chosen = settings or Settings()
    run = RunDirectory.locate(root, chosen.benchmark, subset, folder or model)
    samples = scored_samples(model, subset, chosen)
    shared = {
        "fingerprint": f"{model}-{subset}",
        "benchmark": BenchmarkRecord(
            name=chosen.benchmark, version=chosen.version, subset=subset,
            fingerprint=chosen.fingerprint or f"manifest-{subset}", samples=len(samples),
        ),
        "model": ModelRecord(
            name=model, kind="control" if model in CONTROLS else "model", options=dict(chosen.options or {}),
            sample_rate=16_000, untrained=chosen.untrained, unverified_weights=chosen.unverified,
        ),
        "commit": CommitRecord(sha="3f1c0de" * 5, dirty=False),
        "environment": EnvironmentRecord(python="3.11", platform="test", device="cpu", packages={}),
        "counts": CountsRecord(
            expected=len(samples), generated=len(samples), scored=int((samples["status"] == "scored").sum()),
        ),
        "failures": [
            FailureRecord(sample=samples["sample_id"][place], stage="generate", reason="GenerationError: no answer")
            for place in chosen.failed
        ],
    }  # fmt: skip
    run.write(RunRecord(**shared, status="finished", seed=0, duration_seconds=SECONDS, started="2026-01-02T03:00:00"))
    scoring = ScoringRecord(
        profile=chosen.profile, reference_video=chosen.reference_video, bandwidth_from=chosen.bandwidth_from,
        resample_by=chosen.resample_by, frame_rule=chosen.frame_rule, resamples=1000, bootstrap_seed=0,
        backbones=dict(chosen.backbones or {"signal": "v1"}),
    )  # fmt: skip
    status = "partial" if chosen.failed else "finished"
    values = metric_values(model, samples, chosen)
    run.write(
        MetricsRecord(**shared, status=status, scoring=scoring, metrics=values, scored_at="2026-01-02T03:04:05+00:00")
    )
    run.path.mkdir(parents=True, exist_ok=True)
    samples.to_parquet(run.samples_parquet)
    if audio:
        for place, sample in enumerate(samples["sample_id"]):
            if place not in chosen.failed:
                write_audio(run.audio(sample), tone(150 + 90 * len(model) + 60 * place), 16_000)
    return run


def metric_values(model: str, samples: pd.DataFrame, chosen: Settings) -> dict[str, MetricValue]:
    values = {}
    for place, metric in enumerate(list_metrics()):
        if metric.name in chosen.without:
            value, ci95, reason = None, None, "profile signal has no counterpart"
        else:
            value = set_value(model, place, metric.better)
            if metric.per == "sample":
                value = float(samples[metric.name].mean())
            ci95, reason = ((value - 0.1234, value + 0.1234) if chosen.intervals else None), None
        values[metric.name] = MetricValue(
            value=value, ci95=ci95, n=int((samples["status"] == "scored").sum()) if value is not None else 0,
            unit=metric.unit, better=metric.better, version=chosen.metric_version, reason=reason,
        )  # fmt: skip
    return values


def set_value(model: str, place: int, better: str) -> float:
    level = LEVELS.get(model, 0.5)
    return (1.23456 + level if better == "lower" else 3.98765 - level) * (place + 1)


def scored_samples(model: str, subset: str, chosen: Settings) -> pd.DataFrame:
    table = listing(subset)
    failed = [place in chosen.failed for place in range(len(table))]
    table["status"] = ["failed" if out else "scored" for out in failed]
    table["reason"] = ["GenerationError: no answer" if out else "" for out in failed]
    for column, metric in enumerate(m for m in list_metrics() if m.per == "sample"):
        if metric.name in chosen.without:
            table[metric.name] = np.nan
            continue
        base = set_value(model, column, metric.better)
        values = base + 0.017 * np.arange(len(table))
        if metric.name == "desync":
            values = values / 12  # seconds, at most 2
        if metric.field == "win":
            values = np.clip(values / 6, 0, 1).round()
        table[metric.name] = np.where(failed, np.nan, values)
    return table
