"""`reproduce`: the rows of a printed table, made again and held against the print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.asking import Scoring, check_runs, generating, is_demo, options_of, scoring
from benchmark.cli.driving import DriverOptions, drivers_of
from benchmark.cli.options import ModelOptions, RunOptions, ScoreOptions, ShareOption, spread
from benchmark.cli.rows import Rows
from benchmark.cli.running import answer_and_score, leave_with
from benchmark.cli.table import show_table
from benchmark.cli.traced import traced
from benchmark.exits import USAGE_ERROR, tell
from benchmark.places import DEFAULT_REPRODUCTIONS, FULL, SINGLE
from vgg_monoaudio.record import RECORD_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.cli.asking import Generating
    from benchmark.reproducing import Made, Need, Plan, ReproductionRecord
    from benchmark.runs import FailureRecord, RunDirectory
    from metrics.registry import Metric

TableArgument = Annotated[str, typer.Argument(help="1, A1, D3, D4 or D5; or, with --published, one of your own.")]
PublishedOption = Annotated[
    Path | None,
    typer.Option(
        help="File of the printed numbers (CSV). Default: the one that comes with the suite; table 1 has none."
    ),
]
HomeOption = Annotated[
    Path | None, typer.Option("--benchmark", help=f"Benchmark directory. Default: {FULL}, for single clips {SINGLE}.")
]
RowsOption = Annotated[
    list[str] | None,
    typer.Option(help="Only this row, by what is printed or by its model; may be given several times."),
]
SkipOption = Annotated[bool, typer.Option("--skip-unpublished", help="Leave out rows whose weights are not published.")]
DiagnoseOption = Annotated[bool, typer.Option("--diagnose", help="Also go through the usual causes of a difference.")]


@spread
@traced
def reproduce(
    table: TableArgument,
    *,
    published: PublishedOption = None,
    benchmark: HomeOption = None,
    rows: RowsOption = None,
    skip_unpublished: SkipOption = False,
    diagnose: DiagnoseOption = False,
    model_options: ModelOptions,
    run_options: RunOptions,
    score_options: ScoreOptions,
    driver_options: DriverOptions,
    share: ShareOption = False,
    out: Annotated[Path, typer.Option(help="Folder of the verdicts.")] = DEFAULT_REPRODUCTIONS,
) -> None:
    """Make the rows of a printed table again, and say of each number whether it is inside the measured interval.

    What is missing is listed before anything begins, with status 2. The same command goes on where it stopped.
    """
    from benchmark.reproducing import carry_out, files_of, missing, plan_of
    from foundation.disk import check_file

    plan = plan_of(table, published, rows=rows or (), skip_unpublished=skip_unpublished)
    check_file(files_of(table, out).json)
    drivers = drivers_of(driver_options, fresh=run_options.fresh)
    answers = generating(plan.models, model_options, run_options)
    profile = _profile(plan, benchmark, score_options)
    options = {model: options_of(model, answers.own) for model in plan.models}
    needs = missing(
        plan, profile=profile, metrics=_metrics(score_options), benchmark=benchmark,
        options=options, allow_unverified=score_options.allow_unverified,
    )  # fmt: skip
    if needs:
        _tell_missing(table, needs)
        raise typer.Exit(USAGE_ERROR)
    homes = _opened(plan, benchmark, answers, replace(score_options, profile=profile))
    homes = {subset: replace(home, drivers=drivers, share=share) for subset, home in homes.items()}
    lost = Rows()
    failures: list[FailureRecord] = []

    def answer(model: str, subset: str) -> RunDirectory | str:
        name = f"{model} {subset}"
        with lost.losing(name):
            directory, failed = answer_and_score(model, subset, answers, homes[subset])  # type: ignore[arg-type]
            failures.extend(failed)
            return directory
        return str(lost.lost[name])

    record, made = carry_out(plan, answer, out)
    if diagnose:
        record = _diagnosed(record, made, homes, out)
    _show(record, out)
    leave_with(failures, lost)


def _metrics(options: ScoreOptions) -> Sequence[Metric]:
    """Return the metrics that are scored."""
    from metrics.registry import chosen_metrics

    return chosen_metrics(options.metrics or (), extended=options.extended)


def _profile(plan: Plan, given: Path | None, options: ScoreOptions) -> str:
    """Return what scores: what is named, else as `eval` chooses.

    Raises:
        ValueError: another profile than that of the printed numbers.
    """
    from benchmark.report.tables.published import PROFILE
    from benchmark.reproducing import home_of
    from vgg_monoaudio.dataset import load_benchmark

    profile = options.profile
    if profile is None:
        homes = [home_of(subset, given) for subset in plan.subsets]
        built = [load_benchmark(home) for home in dict.fromkeys(homes) if (home / RECORD_NAME).is_file()]
        profile = "signal" if any(map(is_demo, built)) else "paper"
    if plan.of_paper and profile != PROFILE:
        raise ValueError(
            f"table {plan.table}: its printed numbers are of profile paper, and profile {profile} would score; give "
            "--profile paper, or numbers of that profile with --published FILE"
        )
    return profile


def _opened(plan: Plan, given: Path | None, answers: Generating, options: ScoreOptions) -> dict[str, Scoring]:
    """Return how the runs on each subset are scored, after looking at what each model is asked; networks are shared."""
    from benchmark.reproducing import home_of
    from vgg_monoaudio.dataset import load_benchmark

    homes: dict[Path, Scoring] = {}
    for subset in plan.subsets:
        home = home_of(subset, given)
        built = load_benchmark(home)
        part = [one for one in built.subsets if one == subset]
        check_runs([row.model for row in plan.rows if row.subset == subset], built, part, answers)
        if home not in homes:
            first = next(iter(homes.values()), None)
            homes[home] = replace(first, benchmark=built) if first else scoring(built, options)
    return {subset: homes[home_of(subset, given)] for subset in plan.subsets}


def _diagnosed(
    record: ReproductionRecord, made: Sequence[Made], homes: Mapping[str, Scoring], out: Path
) -> ReproductionRecord:
    """Return the verdicts with what was found of the usual causes of a difference; the files have them too."""
    from benchmark.feature_store import cache_here
    from benchmark.reproducing import Case, diagnose, write_reproduction

    how = next(iter(homes.values()))
    benchmarks = {subset: home.benchmark for subset, home in homes.items()}
    weights = {"device": how.device, "allow_unverified": how.allow_unverified}
    findings = diagnose(Case(record, made, benchmarks, cache_here(how.cache), weights))
    record = record.model_copy(update={"findings": findings})
    write_reproduction(record, out)
    return record


def _tell_missing(table: str, needs: Sequence[Need]) -> None:
    """List everything that is missing on stdout, whatever the width of the terminal; say that nothing was begun."""
    from benchmark.reproducing import command_of

    command = command_of(needs)
    for need in needs:
        facts = ", ".join(filter(None, (_size(need.size_bytes), need.licence)))
        typer.echo(
            f"{need.kind} {need.name}: {need.wrong}{facts and f' ({facts})'}; needed by {', '.join(need.needed_by)}"
        )
        if need.name not in command.split():
            typer.echo(f"    {need.to_get}")
    things = "1 thing is" if len(needs) == 1 else f"{len(needs)} things are"
    tell(f"table {table}: {things} missing, listed above; nothing was begun")
    if command:
        known = sum(need.size_bytes or 0 for need in needs if need.kind == "weights" and need.wrong == "missing")
        tell(f"  all missing weights at once, {_size(known)}: {command}", prefix="")


def _size(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _show(record: ReproductionRecord, out: Path) -> None:
    from benchmark.reproducing import files_of
    from benchmark.reproducing.write import HEADINGS, lines_of, notes_of, summary_of

    show_table(HEADINGS, list(lines_of(record)))
    for line in (summary_of(record), *notes_of(record)):
        typer.echo(line)
    chosen = ", ".join(f"{choice.name} {choice.chosen}" for choice in record.open_choices)
    if chosen:
        typer.echo(f"left open by the paper, here: {chosen}")
    if record.findings:
        show_table(("cause", "found", "detail"), [(one.cause, one.found, one.detail) for one in record.findings])
    files = files_of(record.table, out)
    typer.echo(f"verdicts: {files.markdown}, {files.json}")
