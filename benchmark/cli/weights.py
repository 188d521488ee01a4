"""`weights`: official files, listed, fetched and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.choices import ProfileName
from benchmark.cli.options import WeightsDirOption, one_of
from benchmark.cli.progress import progress
from benchmark.cli.table import show_table
from benchmark.exits import USAGE_ERROR


def weights(
    names: Annotated[list[str] | None, typer.Argument(help="Checkpoints to fetch; none: only list.")] = None,
    profile: Annotated[str | None, one_of(ProfileName, "Those of a profile.")] = None,
    extended: Annotated[bool, typer.Option("--extended", help="Those of the extended metrics.")] = False,
    model: Annotated[str | None, typer.Option(help="Those of a model.")] = None,
    weights_dir: WeightsDirOption = None,
    offline: Annotated[bool, typer.Option(help="Fetch nothing; status 2 where one of those named is missing.")] = False,
) -> None:
    """List official weights with size, licence and state; fetch and verify those that are named."""
    from baselines import get_model
    from foundation import checkpoints

    wanted = list(names or [])
    if profile is not None:
        wanted += checkpoints.PAPER_PROFILE if profile == "paper" else ()
    if extended:
        wanted += checkpoints.EXTENDED_METRICS
    if model is not None:
        wanted += get_model(model).checkpoints
    fetch = bool(wanted) and not offline
    if fetch:
        for name in wanted:
            _fetch(name, weights_dir)
    _show(wanted or list(checkpoints.CHECKPOINTS), weights_dir)
    if offline and any(checkpoints.state(name, weights_dir=weights_dir) == "missing" for name in wanted):
        raise typer.Exit(USAGE_ERROR)


def _fetch(name: str, weights_dir: Path | None) -> None:
    from foundation import checkpoints

    row = checkpoints.get(name)
    typer.echo(f"{name}: {row.url} ({row.licence})", err=True)
    with progress(name) as report:
        checkpoints.download(
            name, weights_dir=weights_dir, progress=lambda done, total: report("bytes", done, total or done)
        )  # fmt: skip


def _show(names: list[str], weights_dir: Path | None) -> None:
    from foundation import checkpoints

    rows = []
    for name in names:
        row = checkpoints.get(name)
        size = "" if row.size_bytes is None else f"{row.size_bytes / 1e9:.2f} GB"
        rows.append([name, checkpoints.state(name, weights_dir=weights_dir), size, row.licence, row.filename])
    show_table(("name", "state", "size", "licence", "file"), rows)
