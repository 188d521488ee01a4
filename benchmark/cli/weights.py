"""`weights`: official files, listed, fetched and verified."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.choices import ProfileName
from benchmark.cli import completing
from benchmark.cli.options import JsonOption, WeightsDirOption, metrics_by_name, one_of
from benchmark.cli.progress import progress
from benchmark.exits import USAGE_ERROR, tell
from foundation.names import joined
from metrics.registry import chosen_metrics, list_metrics

if TYPE_CHECKING:
    from foundation.checkpoints import State

HEADINGS = ("name", "state", "size", "hash", "licence", "file")


def weights(
    names: Annotated[
        list[str] | None,
        typer.Argument(autocompletion=completing.checkpoints, help="Checkpoints to fetch; none: only list."),
    ] = None,
    profile: Annotated[str | None, one_of(ProfileName, "Those of a profile.")] = None,
    extended: Annotated[bool, typer.Option("--extended", help="Those that metrics on request add.")] = False,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="NAME,...",
            callback=metrics_by_name,
            autocompletion=completing.metrics,
            help="Those of metrics, by name.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(autocompletion=completing.models, help="Those of a model.")] = None,
    weights_dir: WeightsDirOption = None,
    offline: Annotated[bool, typer.Option(help="Fetch nothing; status 2 where one of those named is missing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List official weights with size, hash, licence and state; fetch and verify those that are named."""
    from baselines import get_model
    from foundation import checkpoints

    wanted = list(names or [])
    wanted += _of_metrics(profile, metrics, extended=extended)
    if model is not None:
        wanted += get_model(model).checkpoints
    wanted = list(dict.fromkeys(wanted))
    asked = [f"{what} {name}" for what, name in (("profile", profile), ("model", model)) if name is not None]
    if asked and not wanted:
        typer.echo("[]" if as_json else f"{joined(asked, 'and')}: no weights needed")
        return
    for name in wanted:
        checkpoints.get(name)  # a misspelt one is refused before the first is fetched
    _tell_missing_packages(wanted, model)
    for name in wanted if not offline else ():
        _fetch(name, weights_dir)
    states = {name: checkpoints.state(name, weights_dir=weights_dir) for name in wanted or checkpoints.CHECKPOINTS}
    if as_json:
        typer.echo(json.dumps([_facts(name, state, weights_dir) for name, state in states.items()], indent=2))
    else:
        _show(states)
    if offline and any(states[name] == "missing" for name in wanted):
        raise typer.Exit(USAGE_ERROR)


def _tell_missing_packages(files: Sequence[str], model: str | None) -> None:
    """Say which packages are still missing for networks that read these files; weights may be fetched before them."""
    from baselines import get_model
    from baselines.registry import class_of
    from foundation.extras import MissingPackage, require
    from metrics.backbones import BACKBONES, require_packages

    checks = [partial(require_packages, name) for name, row in BACKBONES.items() if set(files).intersection(row.files)]
    if model is not None:
        packages = getattr(class_of(get_model(model)), "packages", ())
        checks = [partial(require, packages, "selva", needed_by=model)]
    for check in checks:
        try:
            check()
        except MissingPackage as error:
            tell(str(error), prefix="")


def _of_metrics(profile: str | None, names: Sequence[str] | None, *, extended: bool) -> list[str]:
    """Return the checkpoints that a profile needs for metrics: those named, else the usual ones; or what others add."""
    if not (profile or names or extended):
        return []
    from benchmark.profiles import checkpoints_of

    scorer = profile or "paper"
    usual = checkpoints_of(scorer, list_metrics())
    found = checkpoints_of(scorer, chosen_metrics(names)) if names else usual if profile else ()
    if names and not found:
        typer.echo(f"profile {scorer} needs no weights for {', '.join(names)}", err=True)
    more = checkpoints_of(scorer, list_metrics(extended=True)) if extended else ()
    return [*found, *[name for name in more if name not in {*usual, *found}]]


def _fetch(name: str, weights_dir: Path | None) -> None:
    from foundation import checkpoints

    row = checkpoints.get(name)
    typer.echo(f"{name}: {row.url} ({row.licence})", err=True)
    with progress(name) as report:
        checkpoints.download(
            name, weights_dir=weights_dir, progress=lambda done, total: report("bytes", done, total or done)
        )  # fmt: skip


def _facts(name: str, state: State, weights_dir: Path | None) -> dict[str, object]:
    """Return all that is known of a checkpoint, and where it is or would be."""
    from foundation import checkpoints

    row = checkpoints.get(name)
    return {**asdict(row), "state": state, "path": str(checkpoints.weights_folder(weights_dir) / row.filename)}


def _show(states: dict[str, State]) -> None:
    """Print a line for each checkpoint, every word of it whole; in a terminal too narrow for that two lines."""
    from foundation import checkpoints

    rows = [HEADINGS]
    for name, state in states.items():
        row = checkpoints.get(name)
        size = "not known" if row.size_bytes is None else f"{row.size_bytes / 1e9:.2f} GB"
        hash_ = "SHA-256" if row.sha256 else "MD5" if row.md5 else "not known"
        rows.append((name, state, size, hash_, row.licence, row.filename))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    wide = not sys.stdout.isatty() or sum(widths) + 2 * len(widths) <= shutil.get_terminal_size().columns
    for line in lines:
        if wide:
            typer.echo("  ".join(line).rstrip())
        else:
            typer.echo(f"{'  '.join(line[:4]).rstrip()}\n    {line[5].rstrip()}  ({line[4].rstrip()})")
