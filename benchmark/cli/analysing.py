"""`study analyse`: from the answers of a study, or of others, to tables, figures and a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.options import JsonOption
from benchmark.exits import tell
from benchmark.places import DEFAULT_ANALYSES
from benchmark.report.options import place
from foundation.text import composed

if TYPE_CHECKING:
    from benchmark.ratings.answers import Answers, Preferences
    from benchmark.report.results import Results
    from benchmark.report.study.sheets import Sheet

EXPORTED = ("answers", "preferences", "ratings", "kept-ratings")  # names that files of many studies have
SHOWN = ("opinions", "strengths")  # the tables that a terminal gets; the others are in the files


def analyse(
    what: Annotated[
        Path,
        typer.Argument(
            exists=True, metavar="WHAT",
            help="Folder of a study, or of its export; or a file: answers.csv, preferences.csv, ratings.csv, or public "
            "ratings, JSONL or CSV of Audiobox-Aesthetics.",
        ),
    ],
    runs: Annotated[
        list[Any] | None,
        typer.Option("--runs", help="Runs whose answers were rated, for metrics beside the ratings; may be repeated.",
                     metavar="RUNS", parser=place),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to.", show_default=f"{DEFAULT_ANALYSES}/NAME")
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(help="A rater who stays whatever screening says.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="A rater who is left out whatever screening says.")] = None,
    screening: Annotated[
        bool, typer.Option("--screening/--no-screening", help="Leave out raters who break a rule.")
    ] = True,
    precision: Annotated[
        float, typer.Option(help="Half-width of an interval, in points, that a next study is planned for.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Of all resamples.")] = 0,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Analyse a human study: who counts, mean opinions with intervals, tests, agreement, what a next study needs."""
    import json

    from benchmark.ratings.analysis import Settings, analyse_preferences, analyse_ratings, to_json
    from benchmark.ratings.answers import Answers, Preferences
    from benchmark.ratings.design import LEVEL
    from benchmark.report.study.write import write_study

    what = _table_of_export(what) or what
    answers = read_study(what)
    results = _results(runs, answers) if runs else None
    settings = Settings(
        keep=tuple(map(composed, keep or ())),
        drop=tuple(map(composed, drop or ())),
        screening=screening,
        precision=precision,
        seed=seed,
        level=results.scoring.confidence if results is not None and results.scoring is not None else LEVEL,
    )
    if results is not None and isinstance(answers, Answers) and not answers.named:
        answers = _on_subset(answers, results)
    if isinstance(answers, Preferences):
        analysis: Any = analyse_preferences(answers, settings)
    else:
        analysis = analyse_ratings(answers, settings)
    name = _name(what.resolve())
    written = write_study(analysis, out or DEFAULT_ANALYSES / name, title=f"Human study: {name}", results=results)
    for one in analysis.screening.exclusions:
        tell(f"left out {one.rater}: {one.told}", prefix="")
    if as_json:
        typer.echo(json.dumps(to_json(analysis), indent=2, ensure_ascii=False))
        return
    for sheet in written.sheets:
        if sheet.name in SHOWN:
            _show(sheet)
    for path in written.files:
        typer.echo(path)


def _table_of_export(folder: Path) -> Path | None:
    """Return the table of all answers in a folder that `study export` wrote; None where it is no such folder.

    Raises:
        ValueError: there are two, of two studies.
    """
    if (folder / "study.json").is_file():
        return None
    found = [folder / name for name in ("answers.csv", "preferences.csv") if (folder / name).is_file()]
    if len(found) > 1:
        raise ValueError(f"{folder}: holds answers.csv and preferences.csv; name the one to analyse")
    return found[0] if found else None


def _name(what: Path) -> str:
    """Return what an analysis is called: as its study, also where a file has the name that every export gives it."""
    if what.is_dir():
        return what.name
    return f"{what.parent.name}-{what.stem}".lstrip("-") if what.stem in EXPORTED else what.stem


def read_study(what: Path) -> Answers | Preferences:
    """Return the answers in a study's folder, in a file that it exported, or in a file of public ratings.

    Raises:
        ValueError: what `benchmark.ratings.reading` or `benchmark.ratings.public` refuses.
        foundation.extras.MissingPackage: a folder, and the extra `web` is not installed.
    """
    from benchmark.ratings.public import is_public, read_public
    from benchmark.ratings.reading import answers_of_table, read_answers

    if what.is_dir():
        from foundation.extras import load_extra

        export = load_extra("benchmark.web.study.export", "web", needed_by="a study's folder")
        try:
            table = export.answers_of(what)
        except ValueError:  # of the other form
            table = export.preferences_of(what)
        return answers_of_table(table, str(what))
    return read_public(what) if is_public(what) else read_answers(what)


def _results(runs: list[Any], answers: Answers | Preferences) -> Results:
    """Return the runs on the subsets that were rated."""
    from benchmark.report.commands import chosen_runs
    from benchmark.report.results import collect

    chosen = chosen_runs(runs)
    rated = [run for run in chosen if run.read_metrics().benchmark.subset in answers.subsets]
    return collect(rated or chosen)


def _on_subset(answers: Answers, results: Results) -> Answers:
    """Return public ratings, which name no subset, as those of the one subset that the runs have."""
    if len(results.subsets) != 1:
        there = ", ".join(results.subsets)
        raise ValueError(f"{answers.source}: names no subset; give runs on one subset alone, there are {there}")
    return replace(answers, table=answers.table.assign(subset=results.subsets[0]))


def _show(sheet: Sheet) -> None:
    from benchmark.cli.table import show_table
    from benchmark.report.study.sheets import shown

    show_table(list(sheet.columns), [[shown(entry) for entry in row] for row in sheet.rows])
