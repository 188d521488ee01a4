"""The report's verbs for the command line; each calls one function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.exits import tell
from benchmark.places import DATA, DEFAULT_CACHE, DEFAULT_FIGURES, DEFAULT_REPORT, DEFAULT_RUNS
from benchmark.report.options import (
    BenchmarkDirOption,
    BenchmarkFilter,
    CacheOption,
    JsonOption,
    ProfileFilter,
    ReferenceFilter,
    RunArgument,
    RunsArgument,
    SubsetFilter,
    UnverifiedOption,
    place,
)
from benchmark.report.tables.presets import PresetName
from benchmark.runs import RunDirectory, UnusableRun, find_runs
from foundation.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

BENCHMARK_HOMES = (DATA,)
TableOption = Annotated[PresetName, typer.Option(help="Which table of the paper.")]
PublishedOption = Annotated[bool, typer.Option(help="Add the rows that the paper prints for this table.")]
PublishedOnlyOption = Annotated[
    bool, typer.Option("--published-only", help="The rows that the paper prints for this table alone; needs no run.")
]


def report(
    runs: RunsArgument = None,
    out: Annotated[Path, typer.Option(help="Where to write: path without an ending.")] = DEFAULT_REPORT,
    table: TableOption = "main",
    published: PublishedOption = False,
    published_only: PublishedOnlyOption = False,
    intervals: Annotated[bool, typer.Option(help="Show confidence intervals.")] = True,
    standard_errors: Annotated[bool, typer.Option(help="Show standard errors in place of intervals.")] = False,
    ratings: Annotated[
        Path | None, typer.Option(help="CSV of a human study: its criteria as columns, its ratings on the cards.")
    ] = None,
    benchmark: BenchmarkFilter = "",
    subset: SubsetFilter = "",
    profile: ProfileFilter = "",
    reference_video: ReferenceFilter = "",
    benchmark_dir: BenchmarkDirOption = None,
    cache: Annotated[
        Any,
        typer.Option(
            help="Where the page's pictures are kept; here, also for an address.", metavar="PLACE", parser=place
        ),
    ] = DEFAULT_CACHE,
) -> None:
    """Write tables (Markdown, LaTeX, CSV) and a page to open from disk, from finished runs."""
    from rich.console import Console

    from benchmark.feature_store import cache_here
    from benchmark.report.write import build_report

    filters = {"benchmark": benchmark, "subset": subset, "profile": profile, "reference_video": reference_video}
    if published_only:
        _refuse_runs(runs, ratings)
    chosen = [] if published_only else chosen_runs(runs or [DEFAULT_RUNS], **filters)
    names = {run.read_metrics().benchmark.name for run in chosen}
    homes = {name: home for name in names if (home := benchmark_dir or _home(name, chosen)) is not None}
    written = build_report(
        chosen, out, benchmark_dirs=homes, published=published or published_only, preset=table,
        intervals=intervals or standard_errors, standard_errors=standard_errors, ratings=ratings,
        cache=cache_here(cache),
    )  # fmt: skip
    Console().print(written.in_terminal())
    for path in (written.paths.markdown, written.paths.csv, written.paths.latex, written.paths.html):
        typer.echo(path)


def _refuse_runs(runs: object, ratings: Path | None) -> None:
    """Refuse what goes with runs where the published rows are shown alone."""
    if runs or ratings is not None:
        given = "RUNS" if runs else "--ratings"
        raise typer.BadParameter(f"--published-only shows no run; leave out {given}, or give --published in its place")


def chosen_runs(
    paths: Sequence[str | Path], *, benchmark: str = "", subset: str = "", profile: str = "", reference_video: str = ""
) -> list[RunDirectory]:
    """Return the scored runs at or below these places that pass the filters; "" does not filter.

    Raises:
        UnusableRun: a place holds no scored run, or none of them passes.
        foundation.remote.places.RemoteFailed: an object store cannot be read.
    """
    found: dict[Path, RunDirectory] = {}
    for path in paths:
        below = find_runs(path if isinstance(path, Path) else _folder_here(path))
        if not below:
            raise UnusableRun(f"{path}: no scored run at or below it; run `python -m benchmark evaluate` first")
        found.update({run.path.resolve(): run for run in below})
    filters = {"benchmark": benchmark, "subset": subset, "profile": profile, "reference_video": reference_video}
    facts = {run: _facts(run) for run in found.values()}
    kept = [run for run, has in facts.items() if all(value in ("", has[name]) for name, value in filters.items())]
    if not kept:
        given = {name: value for name, value in filters.items() if value}
        options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items())
        there = "; ".join(f"{name}: {', '.join(sorted({has[name] for has in facts.values()}))}" for name in given)
        raise UnusableRun(f"none of the {len(found)} runs found passes {options}; there are {there}")
    return kept


def _folder_here(address: str) -> Path:
    from benchmark.remote_site import folder_here

    return folder_here(address)


def _facts(run: RunDirectory) -> dict[str, str]:
    """Return what a run can be filtered by."""
    record = run.read_metrics()
    return {
        "benchmark": record.benchmark.name,
        "subset": record.benchmark.subset,
        "profile": record.scoring.profile,
        "reference_video": record.scoring.reference_video,
    }


def _home(name: str, runs: Sequence[RunDirectory] = ()) -> Path | None:
    """Return the default directory of a benchmark of this name; None, and a line, if these runs are not of it."""
    from benchmark.report.scored_on import check_scored_on
    from vgg_monoaudio.record import BenchmarkError

    found = next((home / name for home in BENCHMARK_HOMES if (home / name / "benchmark.json").is_file()), None)
    if found is not None:
        try:
            check_scored_on(
                found, [(run, record) for run in runs if (record := run.read_metrics()).benchmark.name == name]
            )
        except (UnusableRun, BenchmarkError) as error:
            tell(f"{error}; going on without a benchmark", prefix="warning: ")
            return None
    return found


def _home_of(run: RunDirectory) -> Path | None:
    """Return the default directory of the benchmark that a run names; None where its record cannot be read."""
    try:
        return _home(run.read_run().benchmark.name)
    except UnusableRun:
        return None  # the check says why


def compare(
    run_a: RunArgument,
    run_b: RunArgument,
    out: Annotated[Path | None, typer.Option(help="Write everything as Markdown to this file too.")] = None,
    largest: Annotated[int, typer.Option(min=0, help="How many samples to list for each metric.")] = 5,
    alone: Annotated[bool, typer.Option("--alone", help="These two runs, and no other seeds of theirs.")] = False,
    as_json: JsonOption = False,
    benchmark_dir: BenchmarkDirOption = None,
    cache: CacheOption = DEFAULT_CACHE,
    allow_unverified: UnverifiedOption = False,
) -> None:
    """Show how two runs differ: intervals and corrected p-values, by metric, category and label."""
    import json

    from rich.console import Console

    from benchmark.report.comparison.compare import compare_runs
    from benchmark.report.comparison.views import to_json, to_markdown, to_terminal
    from foundation.disk import check_file

    if out is not None:
        check_file(out)  # before networks are asked
    comparison = compare_runs(
        run_a, run_b, largest=largest, alone=alone, benchmark_dir=benchmark_dir, cache=cache,
        allow_unverified=allow_unverified,
    )  # fmt: skip
    if out is not None:
        write_text(out, to_markdown(comparison))
    if as_json:
        typer.echo(json.dumps(to_json(comparison), indent=2))
    else:
        Console().print(to_terminal(comparison))


def figures(
    runs: RunsArgument = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = DEFAULT_FIGURES,
    benchmark: BenchmarkFilter = "",
    profile: ProfileFilter = "",
    benchmark_dir: BenchmarkDirOption = None,
    source_list: Annotated[
        str, typer.Option("--list", help="Clips and pairs of this list (r1, or a CSV): Figs. B3, B4; needs no run.")
    ] = "",
    table: TableOption = "main",
    published: PublishedOption = False,
    published_only: PublishedOnlyOption = False,
    sample: Annotated[list[str] | None, typer.Option(help="Draw a panel of this sample; may be repeated.")] = None,
    ratings: Annotated[Path | None, typer.Option(help="CSV of a human study: metrics against its ratings.")] = None,
) -> None:
    """Draw the figures of a paper, each as PDF and PNG: clips and pairs, scores, panels, scatters, human ratings."""
    from benchmark.report.figures.write import write_figures

    if published_only:
        _refuse_runs(runs, ratings)
    needs_none = published_only or (not runs and (source_list or _stands_alone(benchmark_dir)))
    if benchmark_dir is not None and not runs:  # those of other benchmarks may lie beside its own
        benchmark = benchmark or _name_of(benchmark_dir)
    chosen = [] if needs_none else chosen_runs(runs or [DEFAULT_RUNS], benchmark=benchmark, profile=profile)
    home = benchmark_dir
    if home is None and chosen and not source_list:
        home = _home(chosen[0].read_metrics().benchmark.name, chosen)
    for drawn in write_figures(
        chosen, out, benchmark_dir=home, source_list=source_list or None, table=table,
        published=published or published_only, samples=sample or [], ratings=ratings,
    ):  # fmt: skip
        typer.echo(drawn.pdf)
        typer.echo(drawn.png)


def _stands_alone(benchmark_dir: Path | None) -> bool:
    """Tell, also the user, whether a benchmark has no scored run, by its name, where runs are kept."""
    if benchmark_dir is None:
        return False
    name = _name_of(benchmark_dir)
    alone = all(run.read_metrics().benchmark.name != name for run in find_runs(DEFAULT_RUNS))
    if alone:
        tell(f"no scored run of it below {DEFAULT_RUNS}: clips and pairs alone", prefix=f"{benchmark_dir}: ")
    return alone


def _name_of(benchmark_dir: Path) -> str:
    from vgg_monoaudio.record import read_record

    return read_record(benchmark_dir).name


def export(
    runs: RunsArgument = None,
    model: Annotated[str, typer.Option(help="Which model, where the runs have several.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    benchmark: BenchmarkFilter = "",
    profile: ProfileFilter = "",
) -> None:
    """Export a model's results for the model-index of its card, as JSON."""
    import json

    from benchmark.report.model_index import export_model_index

    chosen = chosen_runs(runs or [DEFAULT_RUNS], benchmark=benchmark, profile=profile)
    text = json.dumps(export_model_index(chosen, model), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
        typer.echo(out)


def submit_check(
    run: RunArgument,
    benchmark_dir: BenchmarkDirOption = None,
    recompute: Annotated[bool, typer.Option(help="Score the audio again and compare.")] = True,
    cache: Annotated[Path | None, typer.Option(help="Where features are kept. Default: nowhere.")] = None,
    allow_unverified: UnverifiedOption = False,
) -> None:
    """Check a submitted run directory: schema, hashes, coverage, and the metrics computed again from its audio."""
    from benchmark.remote_site import brought_here
    from benchmark.report import submission

    record = brought_here(run)
    home = benchmark_dir or _home_of(record)
    checks = submission.submit_check(
        record, benchmark_dir=home, recompute=recompute, cache=cache, allow_unverified=allow_unverified
    )
    for check in checks:
        typer.echo(f"{check.status:<8} {check.name:<11} {check.detail}")
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(1)
