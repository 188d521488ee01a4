"""A run of the small benchmark, laid out as somebody without a benchmark has it: folders of files by name."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark import Choices, evaluate, generate
from benchmark.runs import MetricsRecord, RunDirectory


@dataclass(frozen=True)
class Laid:
    """The folders, and the run whose files they hold."""

    generated: Path
    reference: Path
    video: Path
    prompts: Path
    run: RunDirectory
    record: MetricsRecord
    cache: Path


@pytest.fixture(scope="module")
def laid_once(tiny, tmp_path_factory) -> Laid:
    folder = tmp_path_factory.mktemp("folders")
    run = generate(tiny.path, "mixture", subset="inter", runs=folder / "runs")
    choices = Choices(profile="signal", resample_by="sample", resamples=60)
    record = evaluate(run, tiny.path, choices, cache=folder / "cache", workers=0)
    laid = Laid(
        *(folder / name for name in ("generated", "reference", "video", "prompts.csv")), run, record, folder / "cache"
    )
    for place in (laid.generated, laid.reference, laid.video):
        place.mkdir()
    lines = ["name,prompt"]
    for sample in tiny.benchmark.samples("inter"):
        sound = run.audio(sample.sample_id)
        shutil.copy2(sound, laid.generated / sound.name)
        shutil.copy2(sample.target_audio, laid.reference / f"{sample.sample_id}.wav")
        shutil.copy2(sample.target_video, laid.video / f"{sample.sample_id}.mp4")
        lines.append(f'{sample.sample_id},"{sample.label}"')
    laid.prompts.write_text("\n".join(lines) + "\n")
    return laid


@pytest.fixture
def laid(laid_once, tmp_path) -> Laid:
    """A copy that a test may spoil; features are computed once for all."""
    for name in ("generated", "reference", "video", "prompts.csv"):
        source, target = laid_once.generated.parent / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    return Laid(
        *(tmp_path / name for name in ("generated", "reference", "video", "prompts.csv")), laid_once.run,
        laid_once.record, laid_once.cache,
    )  # fmt: skip
