"""`generate`, `evaluate` and `eval`: models on a benchmark, scored."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli import completing
from benchmark.cli.asking import (
    Generating,
    Scoring,
    check_recorded,
    check_runs,
    find_benchmark,
    generating,
    options_of,
    profile_ahead,
    scoring,
    subsets,
)
from benchmark.cli.driving import DriverOptions, Drivers, drivers_of
from benchmark.cli.missing import naming_all, tell_missing
from benchmark.cli.options import (
    BenchmarkOption,
    JsonOption,
    ModelOptions,
    RunOptions,
    ScoreOptions,
    SeedsOption,
    ShareOption,
    SubsetOption,
    spread,
)
from benchmark.cli.progress import progress
from benchmark.cli.rows import Rows, check_report
from benchmark.cli.traced import traced
from benchmark.exits import SOME_FAILED, tell
from benchmark.places import DEFAULT_REPORT
from benchmark.report.options import place
from foundation.work import available_cores

if TYPE_CHECKING:
    from benchmark.runs import FailureRecord, MetricsRecord, RunDirectory
    from vgg_monoaudio.dataset import Benchmark, Subset

SHOWN_FAILURES = 10
WORTH_A_PROCESS = 16  # scenes: a process takes as long to begin as a thread takes for some of them


@spread
@traced
def generate(
    model: Annotated[
        str,
        typer.Argument(
            autocompletion=completing.models,
            help="A name of `list-models`, or a class of your own: mymodel.py:MyModel.",
        ),
    ],
    *,
    benchmark: BenchmarkOption = None,
    subset: SubsetOption = None,
    seeds: SeedsOption = 1,
    model_options: ModelOptions,
    run_options: RunOptions,
    driver_options: DriverOptions,
) -> None:
    """Let a model answer every sample; answers that exist are not made again.

    With several seeds each after the first has a run of its own, <name>@seed<seed>. The same command given twice at
    once, on one machine or many, shares the samples.
    """
    drivers = drivers_of(driver_options, fresh=run_options.fresh)
    ask = generating([model], model_options, run_options, seeds)
    built = find_benchmark(benchmark)
    parts = subsets(built, subset)
    check_runs([model], built, parts, ask)
    failures: list[FailureRecord] = []
    for part, one in product(parts, ask.each_seed(model)):
        directory = _generate(built, model, part, one, drivers)
        record = directory.read_run()
        failures += record.failures
        typer.echo(f"{directory.path}: {record.counts.generated} of {record.counts.expected} generated")
    leave_with(failures)


@spread
@traced
def evaluate(
    run: Annotated[
        list[Any],
        typer.Argument(
            help="Run directories that `generate` wrote; paths or addresses.", metavar="RUN...", parser=place
        ),
    ],
    *,
    benchmark: BenchmarkOption = None,
    score_options: ScoreOptions,
    driver_options: DriverOptions,
    share: ShareOption = False,
    as_json: JsonOption = False,
) -> None:
    """Score runs: features, metrics, intervals. A run that cannot be scored costs itself alone."""
    drivers = drivers_of(driver_options)
    from benchmark.remote_site import brought_here
    from foundation.disk import check_file

    directories = [brought_here(given) for given in run]
    for directory in directories:  # before a benchmark is built or weights are read
        directory.read_run()
        check_file(directory.metrics_json)
    ahead = profile_ahead(score_options)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        built = find_benchmark(benchmark)
    ask = replace(scoring(built, score_options, ahead), drivers=drivers, share=share)
    rows = Rows()
    records: dict[Path, MetricsRecord] = {}
    for directory in directories:
        with rows.losing(str(directory.path)):
            records[directory.path] = _score(directory, ask)
    rows.check_any(records)
    if as_json:
        typer.echo(f"[{','.join(record.model_dump_json(by_alias=True, indent=2) for record in records.values())}]")
    else:
        for path, record in records.items():
            typer.echo(f"{path}: {record.counts.scored} of {record.counts.expected} scored")
    leave_with([failure for record in records.values() for failure in record.failures], rows)


@spread
@traced
def evaluate_models(
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            autocompletion=completing.models,
            help="A name of `list-models`, or mymodel.py:MyModel; may be given several times. Default: the controls.",
        ),
    ] = None,
    benchmark: BenchmarkOption = None,
    subset: SubsetOption = None,
    seeds: SeedsOption = 1,
    model_options: ModelOptions,
    run_options: RunOptions,
    score_options: ScoreOptions,
    driver_options: DriverOptions,
    share: ShareOption = False,
    only: Annotated[
        bool, typer.Option("--only", help="Report these models alone, without rows of earlier runs.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Report: path without an ending.")] = DEFAULT_REPORT,
) -> None:
    """Generate, score and report in one go: the controls, or the models named, beside the rows that are there.

    The report keeps the controls and models of earlier runs on this benchmark, where these can share a table; what
    cannot, such as runs scored by another profile, is named.

    A model that cannot be loaded or cannot answer a subset costs its row; the others are shown, and the status is 1.
    """
    from baselines import CONTROLS
    from benchmark.job import lacking

    check_report(out)
    drivers = drivers_of(driver_options, fresh=run_options.fresh)
    models = model or list(CONTROLS)
    answers = generating(models, model_options, run_options, seeds)
    with naming_all(models, answers.own):
        ahead = profile_ahead(score_options)
    built = find_benchmark(benchmark)
    parts = subsets(built, subset)
    if not model:
        models = [name for name in models if not any(lacking(name, built.samples(part)) for part in parts)]
    if not score_options.allow_missing:
        check_recorded(models, built, parts, model_options.folder, run_options.limit)
    left = check_runs(models, built, parts, answers)
    with naming_all(left, answers.own):
        scores = replace(scoring(built, score_options, ahead), drivers=drivers, share=share)
    tell_missing(left, answers.own)
    directories: list[RunDirectory] = []
    failures: list[FailureRecord] = []
    rows = Rows()
    for name in models:
        for part, one in product(parts, answers.each_seed(name)):
            with rows.losing(f"{name} {part}" + (f" seed {one.options.seed}" if seeds > 1 else "")):
                directory, failed = answer_and_score(name, part, one, scores)
                directories.append(directory)
                failures += failed
    rows.check_any(directories)
    if not only:
        asked = {
            f"{part}/{one.run_of(name)}" for name in models for part in parts for one in answers.each_seed(name)
        }  # one without scores now may have some from before
        directories = _beside_earlier(directories, built, run_options.runs, asked)
    _report(directories, built, out, scores.cache)
    leave_with(failures, rows)


def answer_and_score(
    name: str, part: Subset, answers: Generating, scores: Scoring
) -> tuple[RunDirectory, list[FailureRecord]]:
    """Return a model's scored run on a subset, and the failures among the samples that it was asked for."""
    from baselines import get_model

    limit = answers.options.limit
    directory = _generate(scores.benchmark, name, part, answers, scores.drivers)
    if get_model(name).kind == "recorded" and not scores.allow_missing:
        _check_read(directory)
    record = _score(directory, replace(scores, allow_missing=scores.allow_missing or limit is not None))
    asked = {sample.sample_id for sample in scores.benchmark.samples(part)[:limit]}
    return directory, [failure for failure in record.failures if failure.sample in asked]


def _generate(built: Benchmark, name: str, part: Subset, ask: Generating, drivers: Drivers | None) -> RunDirectory:
    from benchmark.generation import generate as run_model

    options, own = asdict(ask.options), options_of(name, ask.own)
    if drivers is not None:
        directory = _driven(built, name, part, options, own, drivers)
    else:
        cores = available_cores()
        if options["workers"] is None and len(built.samples(part)[: ask.options.limit]) >= WORTH_A_PROCESS * cores:
            options["workers"] = cores
        with progress(f"{name} {part}") as report:
            directory = run_model(built, name, subset=part, options=own, progress=report, **options)
    _tell_more_than_limit(directory, ask.options.limit)
    return directory


def _tell_more_than_limit(directory: RunDirectory, limit: int | None) -> None:
    """Say that a run holds answers to more samples than were asked for now: all that it has are scored."""
    if limit is not None and (there := directory.read_run().counts.generated) > limit:
        tell(
            f"{directory.path}: holds answers to {there} samples already, --limit {limit} takes none away; "
            "pass --fresh to have the first alone",
            prefix="note: ",
        )


def _driven(
    built: Benchmark, name: str, part: Subset, options: Mapping[str, Any], own: Mapping[str, Any], drivers: Drivers
) -> RunDirectory:
    """Have several drivers answer a subset."""
    from benchmark.executors.orders import GenerateOrder
    from benchmark.remote_site import brought_here

    given = {key: value for key, value in options.items() if key not in {"fresh", "runs"}}
    order = GenerateOrder(str(built.path), name, part, runs=str(options["runs"]), options=own, **given)
    with progress(f"{name} {part}") as report:
        return brought_here(drivers.drive(order, report))


def _check_read(directory: RunDirectory) -> None:
    """Refuse to score a part of the user's files as if it were all of them."""
    failures = directory.read_run().failures
    if failures:
        raise ValueError(
            f"{len(failures)} recorded files cannot be used, the first: {failures[0].reason}; "
            "fix them, or pass --allow-missing to score the others"
        )


def _score(directory: RunDirectory, ask: Scoring) -> MetricsRecord:
    from benchmark.evaluation import evaluate as score_run

    with progress(f"{directory.path.name} {directory.path.parent.name}") as report:
        if ask.drivers is not None:
            ask.drivers.drive(ask.order(directory), report)  # what they have scored is read below
        return score_run(
            directory, ask.benchmark, ask.choices, profile=ask.profile, cache=ask.cache, workers=ask.workers,
            allow_missing=ask.allow_missing, share=ask.share, progress=report,
        )  # fmt: skip


def _beside_earlier(
    directories: Sequence[RunDirectory], built: Benchmark, runs: str | Path, asked: Collection[str]
) -> list[RunDirectory]:
    """Return these runs and earlier ones on this benchmark but those asked for; say which cannot be shown, and why."""
    from benchmark.remote_site import folder_here
    from benchmark.report.earlier import with_earlier

    folder = folder_here(f"{runs.rstrip('/')}/{built.name}" if isinstance(runs, str) else runs / built.name)
    kept, left_out = with_earlier(directories, folder, built.path, without=asked)
    for why, names in left_out.items():
        tell(f"not in this table: {', '.join(names)}: {why}", prefix="")
    return kept


def _report(directories: Sequence[RunDirectory], built: Benchmark, out: Path, cache: str | Path) -> None:
    from rich.console import Console

    from benchmark.feature_store import cache_here
    from benchmark.report.write import build_report

    report = build_report(directories, out, benchmark_dirs={built.name: built.path}, cache=cache_here(cache))
    Console().print(report.in_terminal())
    typer.echo(f"tables: {report.paths.markdown}, {report.paths.csv}, {report.paths.latex}")
    typer.echo(f"page:   {report.paths.html}")


def leave_with(failures: Sequence[FailureRecord], rows: Rows | None = None) -> None:
    """Name the samples that failed and the rows that are missing, and leave with status 1; do nothing where none is."""
    if failures:
        tell(f"{len(failures)} samples failed:", prefix="")
        for failure in failures[:SHOWN_FAILURES]:
            tell(f"  {failure.sample} ({failure.stage}): {failure.reason}", prefix="")
        if len(failures) > SHOWN_FAILURES:
            tell(f"  and {len(failures) - SHOWN_FAILURES} more, in run.json and metrics.json", prefix="")
    if rows is not None:
        rows.tell()
    if failures or (rows is not None and rows.lost):
        raise typer.Exit(SOME_FAILED)
