"""Whether a benchmark directory is the one that runs were scored on; a report beside another would show its scenes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmark.runs import MetricsRecord, RunDirectory, UnusableRun


def check_scored_on(folder: Path, runs: Iterable[tuple[RunDirectory, MetricsRecord]]) -> None:
    """Refuse a benchmark directory that is not the one of these runs: name, version, and the manifest of each subset.

    Raises:
        UnusableRun: it is another; names the folder, what it holds, and the first run that answers something else.
        vgg_monoaudio.dataset.BenchmarkError: there is no benchmark.
    """
    from vgg_monoaudio.dataset import read_benchmark

    built = read_benchmark(folder)
    for run, record in runs:
        asked = record.benchmark
        if (built.name, built.version) != (asked.name, asked.version):
            fault = f"holds {built.name} {built.version}"
        elif not asked.is_of(built):
            fault = f"holds {built.name} {built.version} with other samples of {asked.subset}"
        else:
            continue
        raise UnusableRun(
            f"{folder}: not the benchmark that {run.path} was scored on: it {fault}, the run answers {asked.name} "
            f"{asked.version} ({asked.subset}, manifest {asked.fingerprint[:12]}); give that one with --benchmark-dir"
        )
