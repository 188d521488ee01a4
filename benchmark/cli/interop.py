"""`export-` and `import-` of av-benchmark's feature folders and kadtk's score files."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.cli.options import BenchmarkOption, CacheOption, JsonOption
from benchmark.cli.table import show_table
from benchmark.exits import tell
from benchmark.places import DEFAULT_CACHE

RunsArgument = Annotated[list[Path], typer.Argument(help="Run directories, scored by profile paper.")]


def export_av_benchmark(
    run: Annotated[Path, typer.Argument(help="Run directory, scored by profile paper.")],
    out: Annotated[Path, typer.Argument(help="Folder for `reference` and `generated`.")],
    benchmark: BenchmarkOption = None,
    cache: CacheOption = DEFAULT_CACHE,
) -> None:
    """Write a run's features as av-benchmark keeps them, so that it can score them."""
    from benchmark.cli.asking import find_benchmark
    from benchmark.exchange import export_av_benchmark as export

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        files = export(run, find_benchmark(benchmark), out, cache=cache)
    for message in dict.fromkeys(str(warning.message) for warning in caught):  # each folder warns
        tell(message, prefix="warning: ")
    for path in files:
        typer.echo(path)


def import_av_benchmark(
    reference: Annotated[Path, typer.Argument(help="Feature folder of the reference side.")],
    generated: Annotated[Path, typer.Argument(help="Feature folder of the generated side, for the same samples.")],
    as_json: JsonOption = False,
) -> None:
    """Score features that av-benchmark extracted: FAD, IS, KL, CLAP, IB and, where they are there, VGGish and PaSST."""
    from benchmark.exchange import compare_av_benchmark
    from metrics.registry import get_metric

    scores = compare_av_benchmark(reference, generated)
    if as_json:
        typer.echo(json.dumps({name: score.value for name, score in scores.items()}, indent=2))
        return
    show_table(
        ("metric", "value", "better", "why no value"),
        [
            (metric.label, "–" if score.value is None else f"{score.value:.4f}", metric.better, score.reason)
            for metric, score in ((get_metric(name), score) for name, score in scores.items())
        ],
    )


def export_kadtk(
    runs: RunsArgument,
    out: Annotated[Path, typer.Option(help="Score file (CSV); lines are appended to it.")] = Path("kadtk.csv"),
) -> None:
    """Append the KAD of runs to a score file as kadtk writes it."""
    from benchmark.exchange import export_kadtk as export
    from benchmark.runs import RunDirectory

    lines = export([RunDirectory(run) for run in runs], out)
    typer.echo(f"{out}: {len(lines)} {'score' if len(lines) == 1 else 'scores'} appended")


def import_kadtk(
    scores: Annotated[Path, typer.Argument(help="Score file (CSV) that `kadtk --csv` wrote.")],
    run: Annotated[
        list[Path] | None, typer.Option(help="Show the KAD of this run, scored by profile paper; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show kadtk's scores, beside this suite's KAD of the runs whose audio they were computed from."""
    from benchmark.exchange import own_kad
    from benchmark.runs import RunDirectory
    from metrics.interop import read_kadtk_scores

    found = read_kadtk_scores(scores)
    own = own_kad(found, [RunDirectory(path) for path in run or []])
    if as_json:
        rows = [{**asdict(score), "own_kad": value} for score, value in zip(found, own, strict=True)]
        typer.echo(json.dumps([{key: _finite(value) for key, value in row.items()} for row in rows], indent=2))
        return
    show_table(
        ("model", "baseline", "evaluated", "kadtk", "own KAD"),
        [
            (
                score.model,
                score.baseline,
                score.evaluated,
                f"{score.score:.4f}",
                "–" if value is None else f"{value:.4f}",
            )
            for score, value in zip(found, own, strict=True)
        ],
    )


def _finite(value: Any) -> Any:
    """Return a value that JSON has; it has neither NaN nor infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
