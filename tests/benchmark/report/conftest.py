"""Fixtures of the report's tests: the made-up world, and one report over all of it."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from benchmark.evaluation import Choices, evaluate
from benchmark.report import write_report
from benchmark.report.write import ReportPaths
from benchmark.runs import RunDirectory
from vgg_monoaudio.dataset import load_benchmark


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands look for the demo below the current folder; a checkout may hold one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """Functions that write benchmarks and runs."""
    from support import world

    return world


@dataclass(frozen=True)
class Made:
    """Ten runs (five models, two subsets) and their report; old-foley lacks one inter-class sample."""

    benchmark: Path
    runs: list[RunDirectory]
    paths: ReportPaths


@pytest.fixture(scope="session")
def made(world: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("report")
    benchmark = world.write_benchmark(folder / "demo")
    runs = []
    for subset in world.PAIRS:
        for model in world.LEVELS:
            failed = (1,) if (model, subset) == ("old-foley", "inter") else ()
            settings = world.Settings(failed=failed, fingerprint=load_benchmark(benchmark).fingerprint(subset))
            runs.append(world.write_run(folder / "runs", model, subset, settings, audio=True))
    paths = write_report(runs, folder / "out" / "report", benchmark_dirs={"demo": benchmark})
    return Made(benchmark, runs, paths)


@pytest.fixture(scope="session")
def scored(world: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[RunDirectory], Path, Path]:
    """Two runs of the made world, twelve scenes, scored for good by profile signal; benchmark and cache."""
    folder = tmp_path_factory.mktemp("scored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(world.PAIRS, "inter", [(a, b) for a in range(4) for b in range(4) if a != b])
        patch.setattr(world, "SECONDS", 5.0)  # what profile signal needs at least
        patch.setitem(world.tone.__kwdefaults__, "seconds", 5.0)
        benchmark = world.write_benchmark(folder / "demo")
        settings = world.Settings(fingerprint=load_benchmark(benchmark).fingerprint("inter"))
        runs = []
        for model in ("tiny-foley", "old-foley"):
            run: RunDirectory = world.write_run(folder / "runs", model, "inter", settings, audio=True)
            choices = Choices(profile="signal", resample_by="sample", resamples=200)
            evaluate(run, benchmark, choices, cache=folder / "cache", workers=0)
            runs.append(run)
    return runs, benchmark, folder / "cache"
