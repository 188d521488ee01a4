"""The options of the report's verbs; the rest of the command line takes over those that it shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.places import DEFAULT_RUNS

RunsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Run directories, or folders that hold some.", show_default=str(DEFAULT_RUNS), metavar="[RUNS]..."
    ),
]
BenchmarkFilter = Annotated[str, typer.Option(help="Only runs on this benchmark.")]
SubsetFilter = Annotated[str, typer.Option(help="Only runs on this subset.")]
ProfileFilter = Annotated[str, typer.Option(help="Only runs scored by this profile: paper or signal.")]
ReferenceFilter = Annotated[str, typer.Option(help="Only runs scored against target or composed.")]
BenchmarkDirOption = Annotated[Path | None, typer.Option(help="Directory of the benchmark that the runs answer.")]
CacheOption = Annotated[Path, typer.Option(help="Where features are kept.")]
UnverifiedOption = Annotated[bool, typer.Option(help="Take weights of unknown hash; marks run and tables.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print results as JSON.")]
