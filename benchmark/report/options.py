"""The options of the report's verbs; the rest of the command line takes over those that it shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.help_pages import REST
from benchmark.places import DEFAULT_RUNS
from foundation.remote import is_remote


def place(value: str | os.PathLike[str]) -> str | Path:
    """Return a place on the command line: a path, or the text of an address, which a path would spoil."""
    return os.fspath(value) if is_remote(value) else Path(value)


# A place is `str | Path`, which typer takes for two types; `Any` leaves it to `place`.
RunsArgument = Annotated[
    list[Any] | None,
    typer.Argument(
        help="Run directories, or folders that hold some; paths or addresses.", show_default=str(DEFAULT_RUNS),
        metavar="[RUNS]...", parser=place,
    ),
]  # fmt: skip
RunArgument = Annotated[Any, typer.Argument(help="Run directory; a path or an address.", metavar="RUN", parser=place)]
BenchmarkFilter = Annotated[str, typer.Option(help="Only runs on this benchmark.")]
SubsetFilter = Annotated[str, typer.Option(help="Only runs on this subset.")]
ProfileFilter = Annotated[str, typer.Option(metavar="paper|open|signal", help="Only runs scored by this profile.")]
ReferenceFilter = Annotated[str, typer.Option(metavar="target|composed", help="Only runs scored against this video.")]
BenchmarkDirOption = Annotated[Path | None, typer.Option(help="Directory of the benchmark that the runs answer.")]
CacheOption = Annotated[
    Any,
    typer.Option(
        help="Where features are kept; a path or an address.", metavar="PLACE", parser=place, rich_help_panel=REST
    ),
]
UnverifiedOption = Annotated[
    bool, typer.Option(rich_help_panel=REST, help="Take weights of unknown hash; marks run and tables.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print results as JSON.")]
