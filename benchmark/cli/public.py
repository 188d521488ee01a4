"""`list-benchmarks` and `build-public`: benchmarks of others, and lists of one's own."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import completing
from benchmark.cli.listing import MarkdownOption
from benchmark.cli.options import CutWorkersOption, JsonOption, OverwriteOption, UnusableOption
from benchmark.cli.progress import progress
from benchmark.cli.table import show_table
from benchmark.exits import tell
from benchmark.places import DATA


def list_benchmarks(as_json: JsonOption = False, markdown: MarkdownOption = False) -> None:
    """Show the benchmarks of others that can be built and scored: what they have, their licences and sources."""
    from vgg_monoaudio.public.catalogue import BENCHMARKS, HEADINGS, markdown_table, rows

    if markdown:
        typer.echo(markdown_table())
    elif as_json:
        typer.echo(json.dumps([asdict(benchmark) for benchmark in BENCHMARKS], indent=2))
    else:
        show_table(HEADINGS, rows())
        typer.echo("build one: python -m benchmark build-public NAME --files FOLDER; see docs/benchmark.md", err=True)


def build_public(
    name: Annotated[str, typer.Argument(autocompletion=completing.public_benchmarks, help="One of `list-benchmarks`.")],
    files: Annotated[Path, typer.Option(help="Folder of its official files; of own-list, the list.")],
    part: Annotated[str | None, typer.Option(help="Which part, of a benchmark that has several.")] = None,
    out: Annotated[
        Path | None, typer.Option(help=f"Benchmark directory. Default: {DATA}/NAME, or {DATA}/NAME-PART.")
    ] = None,
    duration: Annotated[
        float, typer.Option(min=0.04, help="Seconds of each film, from its beginning. The field scores 8 to 10.")
    ] = 8.0,
    allow_missing: UnusableOption = False,
    overwrite: OverwriteOption = False,
    workers: CutWorkersOption = None,
) -> None:
    """Build a benchmark directory from the official files of another benchmark, or from a list of your own."""
    from vgg_monoaudio.public.build import build_public as build
    from vgg_monoaudio.public.catalogue import get_benchmark

    row = get_benchmark(name)
    chosen = row.part(part)
    target = out or DATA / "-".join(filter(None, (row.name, chosen.name)))
    with progress(row.name) as report:
        built = build(
            row, files, target, part=part, duration_seconds=duration, allow_missing=allow_missing,
            overwrite=overwrite, workers=workers, progress=report,
        )  # fmt: skip
    for problem in built.problems:
        tell(f"left out: {problem.reason}", prefix="")
    counts, benchmark = built.benchmark.record.counts, built.benchmark
    sound = {
        "target": "reference sounds",
        "paired": "no reference sounds, the films' own are not asked for",
        "none": "no reference sounds",
    }[benchmark.own_sound]
    state = "is up to date" if built.reused else "built"
    typer.echo(f"{target} {state}: {counts.single} samples, {counts.clips} of {counts.clips_listed} clips, {sound}")
