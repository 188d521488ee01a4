"""`list-models`, `list-metrics` and `schemas`: what is registered, without importing any of it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.options import JsonOption
from benchmark.cli.table import show_table

if TYPE_CHECKING:
    from baselines import ModelEntry

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL]...",
        show_default=False,
        help="These alone, also models of your own: a class, a recipe, separate:MODEL.",
    ),
]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print as the documents show it, in Markdown.")]
ExtendedOnly = Annotated[bool, typer.Option("--extended", help="Only those that are scored on request.")]
UNATTENDED_WIDTH = 200  # characters; for pipes and files, which have none of their own


def list_models(names: NamesArgument = None, as_json: JsonOption = False, markdown: MarkdownOption = False) -> None:
    """Show every model: what it is, its source, licences of code and weights, what is installed and missing."""
    from rich.console import Console
    from rich.table import Table

    if markdown:
        from baselines.tables import markdown_tables

        typer.echo("\n\n".join(markdown_tables().values()))
        return
    from baselines import get_model
    from baselines import list_models as registered

    with contextlib.redirect_stdout(sys.stderr):  # a model file may print
        entries = registered() if names is None else [get_model(name) for name in names]
    rows = [_row(entry) for entry in entries]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    for heading in ("what it is", "source", "licence of code", "licence of weights", "installed", "missing"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row["name"], _what(row), _source(row), row["code_licence"], row["licence"], *_state(row))
    fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNATTENDED_WIDTH
    Console(width=fixed).print(table)
    typer.echo(
        "A model of your own needs no row: --model mymodel.py:MyModel (docs/models.md) or --model recipe.toml "
        "(docs/external-models.md). Any model, then separated by the prompt: --model separate:MODEL",
        err=True,
    )


def _row(entry: ModelEntry) -> dict[str, Any]:
    """Return a model's row, with the names of its parts that are installed and of those that are missing."""
    try:
        here = _parts(entry)
    except ValueError as error:  # unreadable settings must not empty the list
        here = {str(error): False}
    installed = [name for name, there in here.items() if there]
    missing = [name for name, there in here.items() if not there]
    return {**asdict(entry), "target": entry.place, "installed": installed, "missing": missing}


def _parts(entry: ModelEntry) -> dict[str, bool]:
    from baselines.registry import program_of
    from foundation import checkpoints

    here: dict[str, bool] = {}
    program = program_of(entry)
    if program is not None:
        from baselines.programs.program import parts
        from baselines.programs.settings import read_settings

        here = parts(program, read_settings(program.name))
    here |= {name: checkpoints.state(name) != "missing" for name in entry.checkpoints if name not in here}
    return here | {f"{name} (not published)": False for name in entry.unpublished}


def _what(row: dict[str, Any]) -> str:
    if row["alias_of"]:
        return f"same as {row['alias_of']}"
    return f"{row['summary']} ({'; '.join(row['rows'])})" if row["rows"] else str(row["summary"])


def _source(row: dict[str, Any]) -> str:
    place = str(row["source"]).removeprefix("https://")
    return f"{place} @ {row['revision']}" if place and row["revision"] else place


def _state(row: dict[str, Any]) -> tuple[str, str]:
    needed = len(row["installed"]) + len(row["missing"])
    if not needed:
        return "", "" if row["alias_of"] else "nothing"
    return f"{len(row['installed'])} of {needed}", ", ".join(row["missing"]) or "nothing"


def list_metrics(as_json: JsonOption = False, markdown: MarkdownOption = False, extended: ExtendedOnly = False) -> None:
    """Show every metric: direction, unit, what it measures."""
    from metrics.registry import list_metrics as registered
    from metrics.registry import markdown_table

    if markdown:
        typer.echo(markdown_table(extended=extended))
        return
    rows = [row for row in registered(extended=True) if row.extended or not extended]
    if as_json:
        typer.echo(json.dumps([{**asdict(metric), "extended": metric.extended} for metric in rows], indent=2))
        return
    show_table(
        ("name", "label", "better", "unit", "group", "scored", "what it measures"),
        [
            (row.name, row.label, row.better, row.unit, row.group, "on request" if row.extended else "always",
             row.description)
            for row in rows
        ],
    )  # fmt: skip


def all_schemas() -> dict[str, str]:
    """Return the JSON Schema of each record, as text by file name."""
    from benchmark.reproducing.records import ReproductionRecord
    from benchmark.runs import json_schemas
    from foundation.records import schema_text

    return {**json_schemas(), "reproduction.schema.json": schema_text(ReproductionRecord)}


def schemas(out: Annotated[Path, typer.Option(help="Folder.")] = Path("docs/schemas")) -> None:
    """Write the JSON Schemas of run.json, metrics.json, benchmark.json, of a training and of a reproduced table."""
    from foundation.files import write_text

    for name, text in all_schemas().items():
        write_text(out / name, text)
        typer.echo(out / name)
