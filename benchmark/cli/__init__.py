"""The command line: every verb is a thin face of one Python function.

`--help` and the lists import neither torch nor a network; heavy imports wait inside the verbs.
"""

from __future__ import annotations

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
    weights,
)
from benchmark.exits import run
from benchmark.help_pages import MOST_COLUMNS, Group
from benchmark.report import commands

app = typer.Typer(
    name="python -m benchmark",
    cls=Group,
    rich_markup_mode=None,
    help="Build VGG-MonoAudio, run models on it, score them, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MOST_COLUMNS},
)

app.command("build")(building.build)
app.command("build-vggsound-test")(building.build_vggsound_test)
app.command("build-public")(public.build_public)
app.command("verify")(building.verify)
app.command("generate")(running.generate)
app.command("evaluate")(running.evaluate)
app.command("eval")(running.evaluate_models)
app.command("score")(folders.score)
app.command("reproduce")(reproducing.reproduce)
app.command("slurm")(clustering.slurm)
app.command("generate-one")(single.generate_one)
app.command("attention")(single.attention)
app.command("candidates")(curating.candidates)
app.command("screen")(curating.screen)
app.add_typer(deciding.curate, name="curate")
app.command("list-sources")(curating.list_sources)
app.command("extract")(fetching.extract)
app.command("download")(fetching.download)
app.command("statistics")(exporting.statistics)
app.command("card")(exporting.card)
app.command("export-benchmark")(exporting.export_benchmark)
app.command("list-models")(listing.list_models)
app.command("list-metrics")(listing.list_metrics)
app.command("list-benchmarks")(public.list_benchmarks)
app.command("schemas")(listing.schemas)
app.command("docs-tables")(docs_tables.docs_tables)
app.command("weights")(weights.weights)
app.command("doctor")(doctor.doctor)
app.command("report")(commands.report)
app.command("compare")(commands.compare)
app.command("figures")(commands.figures)
app.command("export")(commands.export)
app.command("submit-check")(commands.submit_check)
app.command("export-av-benchmark")(interop.export_av_benchmark)
app.command("import-av-benchmark")(interop.import_av_benchmark)
app.command("export-kadtk")(interop.export_kadtk)
app.command("import-kadtk")(interop.import_kadtk)
studying.app.command("analyse")(analysing.analyse)
app.add_typer(studying.app, name="study")
app.add_typer(training.app, name="train")


def main() -> None:
    """Run the command line and leave with its exit status."""
    run(app)
