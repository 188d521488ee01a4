"""The four commands that take long, each with what it needs, its words, and what it is to leave behind."""

import functools
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.runs import RunDirectory
from foundation.files import file_sha256
from support.commands import Commands, Ended
from support.packs import features_below

# Scenes of 0.4 s in place of 8: the same work, less of it.
SHORT_SCENES = """
import functools, vgg_monoaudio.building.scenes as scenes
scenes.Settings = functools.partial(scenes.Settings, duration_seconds=0.4)
"""
# Shards of one sample, and a word about others at once.
SMALL_SHARDS = """
import benchmark.asking, benchmark.site
benchmark.asking.SMALLEST_SHARD, benchmark.asking.TELLING_SECONDS = 1, 0.4
benchmark.site.ORDINARY_SECONDS = 0.0
"""
UNTIMED = ("started", "finished", "generation_seconds", "scored_at", "commit")


@dataclass(frozen=True)
class Journey:
    """One command.

    Attributes:
        name: for messages.
        words: its arguments, said in a folder of its own.
        outcome: from that folder to everything that it is to leave there, but for times and facts of the machine.
        first: what makes it quick.
        before: a folder with what it needs, copied into its own; None where it needs nothing.
    """

    name: str
    words: tuple[str, ...]
    outcome: Callable[[Path], Mapping[str, Any]]
    first: str = ""
    before: Path | None = None

    def set_out(self, folder: Path) -> Path:
        """Return the folder, with nothing in it but what the command needs."""
        for path in folder.iterdir() if folder.exists() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if self.before is not None:
            shutil.copytree(self.before, folder, dirs_exist_ok=True)
        folder.mkdir(exist_ok=True)
        return folder

    def run(self, commands: Commands, folder: Path, **how: Any) -> Ended:
        """Run the command there."""
        return commands.run(folder, *self.words, first=self.first, **how)

    def start(self, commands: Commands, folder: Path, **how: Any) -> int:
        """Start the command there."""
        return commands.start(folder, *self.words, first=self.first, **how)


@dataclass(frozen=True)
class Whole:
    """An undisturbed command: what it left behind, and how many steps it took."""

    journey: Journey
    outcome: Mapping[str, Any]
    steps: int


def files_below(folder: Path, *names: str) -> dict[str, str]:
    """Every file of these folders with its hash; hidden ones too."""
    paths = [path for name in names for path in [folder / name, *(folder / name).rglob("*")] if path.is_file()]
    return {str(path.relative_to(folder)): file_sha256(path) for path in paths}


def untimed(path: Path) -> dict[str, Any]:
    """A record without what differs from one execution to the next."""
    import json

    record = json.loads(path.read_text())
    return {key: value for key, value in record.items() if key not in UNTIMED}


def _run_of(folder: Path) -> RunDirectory:
    return RunDirectory.locate(folder / "runs", "tiny", "inter", "humming")


def _generated(folder: Path) -> dict[str, Any]:
    run = _run_of(folder)
    sounds = {path.name: file_sha256(path) for path in run.path.glob("audio/*")}
    return {**sounds, "run.json": untimed(run.run_json), "there": sorted(path.name for path in run.path.iterdir())}


def _scored(folder: Path) -> dict[str, Any]:
    run = _run_of(folder)
    scores = {"metrics.json": untimed(run.metrics_json), "samples.parquet": file_sha256(run.samples_parquet)}
    features = set(features_below(folder / "cache"))
    return {**_generated(folder), **scores, "features": features}


def _reported(folder: Path) -> dict[str, str]:
    return files_below(folder, "report", *(f"report.{ending}" for ending in ("md", "csv", "tex", "html")))


def journeys(clips: Path, listed: Path, benchmark: Path, commands: Commands, scratch: Path) -> dict[str, Journey]:
    """Return the commands by name.

    Args:
        clips: folder of the clips that are built from.
        listed: their list.
        benchmark: a built one, named tiny.
        commands: runs what comes before a command that needs it.
        scratch: a folder for that.
    """
    built = functools.partial(files_below)
    build = Journey(
        "build", ("build", "--sources", str(clips), "--labels", str(listed), "--out", "bench", "--workers", "1"),
        lambda folder: built(folder, "bench"), first=SHORT_SCENES,
    )  # fmt: skip
    asked = ("generate", "humming", "--benchmark", str(benchmark), "--subset", "inter", "--runs", "runs")
    generate = Journey("generate", asked, _generated, first=SMALL_SHARDS)
    made = generate.set_out(scratch / "generated")
    assert generate.run(commands, made).status == 0
    scoring = ("--profile", "signal", "--workers", "0", "--cache", "cache", "--benchmark", str(benchmark))
    asked = ("evaluate", "runs/tiny/inter/humming", *scoring)
    evaluate = Journey("evaluate", asked, _scored, first=SMALL_SHARDS, before=made)
    scored = evaluate.set_out(scratch / "scored")
    assert evaluate.run(commands, scored).status == 0
    report = Journey(
        "report", ("report", "runs", "--out", "report", "--benchmark-dir", str(benchmark)), _reported, before=scored
    )
    return {journey.name: journey for journey in (build, generate, evaluate, report)}
