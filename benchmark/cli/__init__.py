"""The command line: every verb is a thin face of one Python function.

`--help` and the lists import neither torch nor a network; heavy imports wait inside the verbs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import (
    analysing,
    building,
    clustering,
    curating,
    deciding,
    docs_tables,
    doctor,
    exporting,
    fetching,
    folders,
    interop,
    listing,
    public,
    reproducing,
    running,
    single,
    studying,
    training,
    trying,
    weights,
)
from benchmark.exits import run
from benchmark.help_pages import MOST_COLUMNS, Command, Group
from benchmark.report import commands

PROGRAM = "vgg-monoaudio" if Path(sys.argv[0]).stem == "vgg-monoaudio" else "python -m benchmark"

app = typer.Typer(
    name=PROGRAM,
    cls=Group,
    rich_markup_mode=None,
    help="Build VGG-MonoAudio, run models on it, score them, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MOST_COLUMNS},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vgg-monoaudio {metadata.version('vgg-monoaudio')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


studying.app.command("analyse")(analysing.analyse)

VERBS: Mapping[str, Mapping[str, Callable[..., None] | typer.Typer]] = {  # heading to verbs, in the order of the help
    "Build": {
        "build": building.build,
        "build-vggsound-test": building.build_vggsound_test,
        "build-public": public.build_public,
        "list-benchmarks": public.list_benchmarks,
        "verify": building.verify,
        "statistics": exporting.statistics,
        "card": exporting.card,
        "export-benchmark": exporting.export_benchmark,
    },
    "Run": {
        "eval": running.evaluate_models,
        "generate": running.generate,
        "reproduce": reproducing.reproduce,
        "slurm": clustering.slurm,
        "generate-one": single.generate_one,
        "attention": single.attention,
        "try": trying.try_models,
        "list-models": listing.list_models,
        "weights": weights.weights,
        "doctor": doctor.doctor,
    },
    "Score": {
        "evaluate": running.evaluate,
        "score": folders.score,
        "list-metrics": listing.list_metrics,
        "export-av-benchmark": interop.export_av_benchmark,
        "import-av-benchmark": interop.import_av_benchmark,
        "export-kadtk": interop.export_kadtk,
        "import-kadtk": interop.import_kadtk,
    },
    "Report": {
        "report": commands.report,
        "compare": commands.compare,
        "figures": commands.figures,
        "export": commands.export,
        "submit-check": commands.submit_check,
        "schemas": listing.schemas,
        "docs-tables": docs_tables.docs_tables,
    },
    "People": {"study": studying.app, "curate": deciding.curate},
    "Train": {"train": training.app},
    "Data": {
        "candidates": curating.candidates,
        "screen": curating.screen,
        "list-sources": curating.list_sources,
        "extract": fetching.extract,
        "download": fetching.download,
    },
}

for heading, verbs in VERBS.items():
    for name, verb in verbs.items():
        if isinstance(verb, typer.Typer):
            app.add_typer(verb, name=name, rich_help_panel=heading)
        else:
            app.command(name, cls=Command, rich_help_panel=heading)(verb)


def main() -> None:
    """Run the command line and leave with its exit status."""
    run(app)
