"""`study create`, `serve`, `status`, `export`: a human study, from finished runs to a table of ratings."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import BenchmarkOption, JsonOption
from benchmark.cli.progress import progress
from benchmark.cli.table import show_table
from benchmark.exits import tell
from benchmark.help_pages import Group
from benchmark.places import DEFAULT_RUNS, DEFAULT_STUDIES, DEMO, FULL

if TYPE_CHECKING:
    from benchmark.web.study.creating import Created
    from benchmark.web.study.design import Design
    from vgg_monoaudio.dataset import Benchmark

app = typer.Typer(
    name="study", cls=Group, help="People rate answers without knowing whose they are.", no_args_is_help=True
)

PROLIFIC_IDS = (
    "?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"  # it fills them in
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the study, as `create` made it.")]


@app.command("create")
def create(
    settings: Annotated[Path, typer.Argument(help="Settings of the study (TOML).")],
    out: Annotated[Path | None, typer.Option(help=f"Folder, absent or empty. Default: {DEFAULT_STUDIES}/NAME.")] = None,
    benchmark: BenchmarkOption = None,
    example: Annotated[
        bool, typer.Option("--example", help="Write a file of settings to begin with, and create nothing.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="With --example: where finished runs are looked for.")] = DEFAULT_RUNS,
    language: Annotated[
        str | None, typer.Option(help="With --example: of the pages; the file has all their sentences, to translate.")
    ] = None,
) -> None:
    """Make the clips of a study and freeze its design; the same command goes on where it was interrupted."""
    if example:
        _write_example(settings, runs, language or "en")
        return
    if language is not None:
        raise ValueError("--language: goes with --example; of a study it is a key of its settings")
    _check_extra()
    from benchmark.web.study.creating import create_study
    from benchmark.web.study.settings import read_settings

    asked = read_settings(settings)
    built = _benchmark_of_runs(benchmark)
    folder = out or DEFAULT_STUDIES / asked.name
    with progress("study") as report:
        created = create_study(asked, settings, built, folder, report=report)
    _tell_created(created)
    _tell_words(created.design, tutorial=asked.tutorial)
    typer.echo(f"next: python -m benchmark study serve {folder}")


@app.command("serve")
def serve(
    folder: FolderArgument,
    host: Annotated[
        str, typer.Option(help="Address to listen on; raters on other machines need 0.0.0.0.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8321,
    url: Annotated[str, typer.Option(help="Under which raters reach it, behind a proxy: https://study.lab.org.")] = "",
    proxies: Annotated[
        str, typer.Option(help="Addresses of proxies that say where a request comes from, commas between them.")
    ] = "127.0.0.1",
    admin_anywhere: Annotated[
        bool, typer.Option("--admin-anywhere", help="The admin page answers other machines too.")
    ] = False,
) -> None:
    """Show a study to raters until Ctrl-C; answers are on the disk before they are acknowledged."""
    _check_extra()
    from benchmark.web import serving
    from benchmark.web.study.app import Serving, study_app
    from benchmark.web.study.study import Study

    way = Serving.on(host, url, admin_anywhere=admin_anywhere)
    with closing(Study.opened(folder)) as study:

        def started(where: str) -> None:
            raters = way.url or where
            typer.echo(f"study: {study.design.title} ({folder})")
            typer.echo(f"raters: {raters}")
            typer.echo(f"Prolific: {raters}/{PROLIFIC_IDS}")
            typer.echo(f"admin: {_admin_address(where, host, anywhere=admin_anywhere)}, opened by what the file "
                       f"{study.folder.admin} holds")  # fmt: skip

        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        serving.serve(study_app(study, way), folder, host=host, port=port, started=started, proxies=proxies)


@app.command("status")
def status(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Show how far a study is; also while it is served."""
    import json
    from dataclasses import asdict

    _check_extra()
    from benchmark.web.study.status import status as status_of
    from benchmark.web.study.study import Study

    with closing(Study.opened(folder)) as study:
        found = status_of(study)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    rows = [
        ["answers", f"{found.answers} of {found.items * found.wanted}"],
        ["answers of an item", f"fewest {found.fewest}, median {found.median:g}, most {found.most}"],
        ["items complete", f"{found.complete} of {found.items}"],
        *([f"raters at {step}", str(count)] for step, count in found.raters.items()),
        ["active now", str(found.active)],
        ["withdrawn", str(found.withdrawn)],
        ["clips passed over", str(found.skipped)],
        ["ended early, clips failed", str(found.ended_early)],
        [
            "still wanted",
            f"{found.lacking} answers, at least {found.raters_left} rater{'' if found.raters_left == 1 else 's'}",
        ],
        *([["held of these", found.told_held]] if found.told_held else []),
    ]
    show_table(["", ""], rows)


@app.command("export")
def export(
    folder: FolderArgument,
    out: Annotated[Path | None, typer.Option(help="Folder of the tables. Default: the study's, export.")] = None,
    with_ids: Annotated[
        bool, typer.Option("--with-ids", help="Also the panels' ids of raters, which may lead to a person.")
    ] = False,
) -> None:
    """Write ratings, answers and raters as CSV; also while the study is served."""
    _check_extra()
    from benchmark.web.study.export import write_export
    from benchmark.web.study.study import Study

    with closing(Study.opened(folder)) as study:
        for path, rows in write_export(study, out or folder / "export", with_ids=with_ids):
            typer.echo(f"{path}: {rows} rows")


def _admin_address(where: str, host: str, *, anywhere: bool) -> str:
    """Return where the admin page answers: unless it answers anywhere, by the loopback address alone."""
    from benchmark.web.serving import is_loopback, listens_everywhere

    if anywhere or is_loopback(host):
        return f"{where}/admin"
    if listens_everywhere(host):
        return f"http://127.0.0.1:{where.rpartition(':')[2]}/admin"
    return f"not reached at {host} without --admin-anywhere; {where}/admin with it"


def _check_extra() -> None:
    """Say what to install where the extra of these pages is absent.

    Raises:
        foundation.extras.MissingPackage: it is; says how to get it.
    """
    from foundation.extras import load_extra

    for module in ("creating", "app", "export"):  # together they need all of it
        load_extra(f"benchmark.web.study.{module}", "web", needed_by="a human study")


def _benchmark_of_runs(given: Path | None) -> Benchmark:
    """Return the benchmark that finished runs are of; none is built for them.

    Raises:
        ValueError: there is none where benchmarks are looked for.
    """
    from benchmark.cli.asking import find_benchmark

    if given is None and not any((folder / "benchmark.json").is_file() for folder in (FULL, DEMO)):
        looked = " and ".join(str(folder.absolute()) for folder in (FULL, DEMO))
        raise ValueError(
            f"--benchmark: the runs are of a benchmark that is not here; looked for {looked}; give the command in the "
            "folder in which the runs were made, or name their benchmark"
        )
    return find_benchmark(given)


def _write_example(path: Path, runs: Path, language: str) -> None:
    _check_extra()
    from benchmark.web.study.choosing import finished_runs
    from benchmark.web.study.example import example_settings, usable_together
    from foundation.files import write_text

    if path.exists():
        raise ValueError(f"{path}: is there already; give another name, or remove it")
    found, unreadable = finished_runs(runs)
    for why in unreadable:
        tell(f"left out: {why}", prefix="")
    if not found:
        raise ValueError(f"{runs}: no finished run; `python -m benchmark eval` makes one, --runs names another folder")
    chosen = usable_together(found)
    if not chosen:
        raise ValueError(
            f"{runs}: {len(found)} finished runs, and no model that has one of each subset; make the others"
        )
    write_text(path, example_settings(chosen, path.parent, language))
    left = len(found) - len(chosen)
    beside = f", {left} of other benchmarks or without a run of each subset left out" if left else ""
    typer.echo(f"{path}: {len(chosen)} finished runs of {runs}{beside}")
    typer.echo(f"next: read it through, then python -m benchmark study create {path}")


def _tell_created(created: Created) -> None:
    design, folder = created.design, created.folder.path
    minutes = design.seconds_per_rater / 60
    answers = len(design.items) * design.raters_per_item
    if created.left_out:
        shown = ", ".join(created.left_out[:3]) + (", ..." if len(created.left_out) > 3 else "")
        tell(
            f"{len(created.left_out)} samples were not drawn from, since a run has no answer to them: {shown}",
            prefix="",
        )
    typer.echo(f"{folder}: {'created' if created.is_new else 'is there already, whole'}")
    typer.echo(f"{len(design.items)} items, {design.raters_per_item} raters each: {answers} answers, at least "
               f"{-(-answers // design.items_per_rater)} raters")  # fmt: skip
    if created.asked_items is not None and created.asked_items > design.items_per_rater:
        tell(
            f"items_per_rater: {created.asked_items} asked for, {design.items_per_rater} given: there are no "
            "more for one rater, who never meets the same answer twice",
            prefix="",
        )
    typer.echo(f"a rater: {design.items_per_rater} items, {design.repeats} again, {len(design.attention)} attention "
               f"items; about {minutes:.0f} minutes")  # fmt: skip
    if design.target_lufs is not None:
        typer.echo(f"loudness: {design.target_lufs:.1f} LUFS")


def _tell_words(design: Design, *, tutorial: bool) -> None:
    """Say what raters are asked, of what the tutorial has no examples though it was wanted, and what is in English."""
    from benchmark.web.study.texts import default_criteria, known_languages, still_english

    typer.echo(f"criteria: {', '.join(f'{name} ({one.name})' for name, one in design.criteria.items())}")
    left_out = [name for name in default_criteria() if name not in design.criteria]
    if left_out:
        tell(
            f"[criteria] of the file stands in place of AQ, TA and VA: nobody is asked {', '.join(left_out)}", prefix=""
        )
    typer.echo(f"tutorial: {len(design.tutorial) or 'no'} examples")
    without = [name for name, one in design.criteria.items() if one.bad_example is None]
    if tutorial and without:
        tell(f"tutorial: none of {', '.join(without)}, for want of the keys good, bad and bad_example", prefix="")
    same = [] if design.language in known_languages() else still_english(design.texts, design.criteria)
    if same:
        shown = ", ".join(same[:8]) + (", ..." if len(same) > 8 else "")
        tell(f"language: {design.language}, but {len(same)} texts are as they are in English: {shown}", prefix="")
