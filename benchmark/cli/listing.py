"""`list-models`, `list-metrics` and `schemas`: what there is, without importing any of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def list_models(as_json: JsonOption = False) -> None:
    """Show every model: what it is, its licence and source, and which of its weights are here."""
    from rich.console import Console
    from rich.table import Table

    from baselines import list_models as registered
    from benchmark import checkpoints

    rows = []
    for entry in registered():
        missing = [name for name in entry.checkpoints if checkpoints.state(name) == "missing"]
        rows.append({**asdict(entry), "target": str(entry.target), "missing": missing})
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    table = Table("name", "kind", "what it is", "licence of weights", "weights", box=None, pad_edge=False)
    for row in rows:
        needed = row["checkpoints"]
        state = _state(len(row["missing"]), len(needed))
        what = f"same as {row['alias_of']}" if row["alias_of"] else row["summary"]
        table.add_row(row["name"], row["kind"], what, row["licence"], state)
    Console().print(table)


def _state(missing: int, needed: int) -> str:
    if not needed:
        return "none needed"
    return f"{missing} of {needed} missing" if missing else "here"


def list_metrics(as_json: JsonOption = False) -> None:
    """Show every metric: direction, unit, what it measures."""
    from rich.console import Console
    from rich.table import Table

    from metrics.registry import list_metrics as registered

    if as_json:
        typer.echo(json.dumps([asdict(metric) for metric in registered(extended=True)], indent=2))
        return
    table = Table("name", "label", "better", "unit", "group", "what it measures", box=None, pad_edge=False)
    for metric in registered(extended=True):
        table.add_row(metric.name, metric.label, metric.better, metric.unit, metric.group, metric.description)
    Console().print(table)


def schemas(out: Annotated[Path, typer.Option(help="Folder.")] = Path("docs/schemas")) -> None:
    """Write the JSON Schemas of run.json and metrics.json."""
    from benchmark.runs import json_schemas, write_text

    for name, text in json_schemas().items():
        write_text(out / name, text)
        typer.echo(out / name)
