"""Training at the paper's batches: steps a second of both stages, clips read from disk, and hours of a whole run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from support.small_stores import entries, small_store

from baselines.selva.training import curve
from baselines.selva.training.recipe import Recipe, read_recipe
from baselines.selva.training.run_folder import STAGES, RunFolder, StageName
from baselines.selva.training.running import train
from baselines.selva.training.store import Store
from speed.gpu.shared import length, peak_gigabytes

SECONDS = 150
CLIPS, HELD_OUT = 26, 2
WARM_UP = 3  # steps that are not counted: kernels are chosen in them


def measure(options: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield the rate and the peak memory of each stage; of the first also without the teacher's features on disk."""
    seconds, steps = length(options), int(options.get("steps", "15"))
    published = read_recipe("sup-5")
    recipe = _shortened(published, seconds, steps, options)
    clips = entries(CLIPS, held_out=HELD_OUT)
    with tempfile.TemporaryDirectory() as folder:
        for teacher in (False, True):  # the last run goes on to the second stage
            name = "the teacher's features from disk" if teacher else "the teacher's features computed"
            store = small_store(Path(folder) / f"store{teacher}", clips, seconds=seconds, teacher=teacher)
            run = Path(folder) / f"run{teacher}"
            yield _measured("encoder", name, recipe, store, run, options, published.encoder.steps)
        yield _measured(
            "generator", "the encoder's features computed", recipe, store, run, options, published.generator.steps
        )


def _measured(
    stage: StageName, name: str, recipe: Recipe, store: Store, run: Path, options: Mapping[str, str], whole: int
) -> dict[str, object]:
    """Train one stage and return what it took, with the hours of so many steps."""
    device = torch.device(options.get("device", "cuda"))

    def work() -> None:
        train(
            recipe,
            store,
            run,
            stages=[stage],
            weights={"random_weights": True},
            device=device.type,
            workers=int(options.get("workers", "8")),
            report=lambda _: None,
        )

    peak = peak_gigabytes(work, device)
    rows = [
        row.values[curve.SECONDS] for row in RunFolder(run).stage(stage).curve.read() if curve.SECONDS in row.values
    ]
    step = median(rows[WARM_UP:] or rows)
    return {
        "what": f"training, {stage} stage, batch {recipe.stage(stage).batch}, {name}",
        "steps_per_second": 1 / step,
        "hours": whole * step / 3600,
        "peak_gb": peak,
        "hours of": f"{whole} steps",
        "n": len(rows),
    }


def _shortened(published: Recipe, seconds: float, steps: int, options: Mapping[str, str]) -> Recipe:
    """Return the published recipe with as many steps as are measured, and nothing written meanwhile."""
    said: dict[str, Any] = published.model_dump()
    said |= {"seconds": seconds, "checkpoint_every": steps, "validate_every": steps, "validation_clips": HELD_OUT}
    for stage in STAGES:
        said[stage] |= {"steps": steps, **({"batch": int(options["batch"])} if "batch" in options else {})}
    said["generator"]["variant"] = options.get("variant", published.generator.variant)
    return Recipe(**said)
