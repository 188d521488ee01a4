"""One call from the answers of a study to every file that is handed on."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.ratings.analysis import PreferenceAnalysis, RatingAnalysis, to_json
from benchmark.ratings.criteria import CRITERIA, SCALE
from benchmark.report.page.write import FORBIDDEN_SOURCES, environment, template_text
from benchmark.report.rated import with_ratings
from benchmark.report.ratings import Agreement, Ratings, agreement_by_answer, agreement_by_model, ratings_of
from benchmark.report.results import Results
from benchmark.report.samples import read_samples
from benchmark.report.study.contents import preference_sheets, rating_sheets
from benchmark.report.study.sheets import Sheet, to_csv, to_latex, to_markdown
from foundation.files import write_text
from foundation.locks import Lock
from foundation.markup import markdown_escaped, spreadsheet_text
from foundation.paths import check_name, fault_of_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.ratings.answers import Answers
    from benchmark.report.figures.drawing import Drawn

POLICY = f"{FORBIDDEN_SOURCES}; img-src data:; style-src 'unsafe-inline'"
NUMBERS = "analysis.json"
KEPT_RATINGS = "kept-ratings.csv"
PAGE_WIDTH = 1050  # CSS pixels of a figure as wide as a page of a paper


@dataclass(frozen=True)
class Written:
    """What was written, and the tables."""

    folder: Path
    files: tuple[Path, ...]
    sheets: tuple[Sheet, ...]


def write_study(
    analysis: RatingAnalysis | PreferenceAnalysis, folder: Path, *, title: str, results: Results | None = None
) -> Written:
    """Write tables as Markdown, LaTeX, CSV and a page, figures, and the numbers as JSON.

    Args:
        analysis: of a study.
        folder: made where absent; files of these names in it are replaced, and files of an earlier analysis that this
            one does not write are removed: `analysis.json` lists them.
        title: heading, such as the study's name.
        results: runs whose answers were rated; adds a table of opinions beside metrics, and rank correlations.

    Raises:
        ValueError: ratings of answers that the runs do not have; preferences with runs; names the line. Or a file to
            write is the one that was read.
    """
    if isinstance(analysis, PreferenceAnalysis):
        if results is not None:
            raise ValueError("runs: metrics are compared with ratings in points; leave out the runs for preferences")
        sheets = preference_sheets(analysis)
        return _write(analysis, sheets, {}, {}, folder, title, _made_of(analysis))
    heard = ratings_of(analysis.answers, results) if results is not None else []
    agreements = agreements_of(heard, results) if results is not None else []
    sheets = rating_sheets(analysis, agreements)
    texts = {KEPT_RATINGS: _kept_ratings(analysis.answers)} if analysis.answers.named else {}
    if results is not None:
        texts |= _beside_metrics(results, heard, analysis)
    figures = _figures(analysis, heard, agreements, results)
    return _write(analysis, sheets, figures, texts, folder, title, _made_of(analysis))


def agreements_of(heard: Sequence[Ratings], results: Results) -> list[tuple[str, Agreement]]:
    """Return the rank correlations of every metric with every criterion, by subset: over answers, then over models."""
    parts = {part.subset: part for part in read_samples(results)}
    found = []
    for ratings in heard:
        for method in ("spearman", "kendall"):
            if results.scoring is not None:
                found += [
                    (ratings.subset, one)
                    for one in agreement_by_answer(ratings, parts[ratings.subset], results.scoring, method)
                ]
            rows = results.of(ratings.subset)
            found += [(ratings.subset, one) for one in agreement_by_model(ratings, rows, results.scoring, method)]
    return found


def _kept_ratings(answers: Answers) -> str:
    """Return the ratings that count, for `report --ratings` and `figures --ratings`.

    They have the short form if its criteria and points are theirs, else a column more, which makes it that of a study.
    """
    short = set(answers.criteria) <= set(CRITERIA) and answers.points == SCALE
    names = ["subset", "sample_id", "model", "rater", *([] if short else ["role"])]
    table = answers.items[[*names, *answers.criteria]].copy()
    for name in names:
        table[name] = table[name].map(spreadsheet_text)
    return table.rename(columns=spreadsheet_text).to_csv(index=False, float_format="%.10g", lineterminator="\n")


def _beside_metrics(results: Results, heard: Sequence[Ratings], analysis: RatingAnalysis) -> dict[str, str]:
    """Return the table of the runs with their opinions, as the three texts of a report."""
    from benchmark.report.tables import formats
    from benchmark.report.tables.table import build_table

    source = Path(analysis.answers.source).name
    compact = build_table(with_ratings(results, heard, source))
    full = build_table(with_ratings(results, heard, source), breadth="full")
    return {
        "metrics.md": formats.to_markdown(compact, "Opinions beside metrics"),
        "metrics.tex": formats.to_latex(compact, "tab:study-metrics"),
        "metrics.csv": formats.to_csv(full),
    }


def _figures(
    analysis: RatingAnalysis,
    heard: Sequence[Ratings],
    agreements: Sequence[tuple[str, Agreement]],
    results: Results | None,
) -> dict[str, tuple[str, Figure]]:
    """Return the figures by file name, each with the sheet that it belongs to."""
    from benchmark.report.figures.drawing import style
    from benchmark.report.figures.opinions import opinion_bars, rating_scatter
    from benchmark.report.figures.ratings import agreement_figure

    found: dict[str, tuple[str, Figure]] = {}
    with style():
        for subset in analysis.answers.subsets:
            of_subset = [one for one in analysis.opinions if one.subset == subset]
            if of_subset:
                found[f"{subset}-opinions"] = ("opinions", opinion_bars(of_subset, analysis.answers.points))
        parts = {part.subset: part for part in read_samples(results)} if results is not None else {}
        for ratings in heard:
            own = [one for subset, one in agreements if subset == ratings.subset and one.method == "spearman"]
            by = {over: [one for one in own if one.over == over] for over in ("answers", "models")}
            if own:
                drawn = agreement_figure(ratings, by["answers"], by["models"])
                found[f"{ratings.subset}-agreement"] = ("agreement", drawn)
            metrics = list(dict.fromkeys(one.metric for one in by["answers"]))
            if metrics:
                scored = ratings.with_scores(parts[ratings.subset])
                drawn = rating_scatter(scored, metrics, ratings.criteria, ratings.subset)
                found[f"{ratings.subset}-scatter"] = ("agreement", drawn)
    return found


def _source(analysis: RatingAnalysis | PreferenceAnalysis) -> Path:
    return Path(analysis.answers.source if isinstance(analysis, RatingAnalysis) else analysis.preferences.source)


def _made_of(analysis: RatingAnalysis | PreferenceAnalysis) -> str:
    settings = analysis.settings
    screening = "" if settings.screening else "; screening off"
    return f"From {_source(analysis).name}; seed {settings.seed}{screening}."


def _write(
    analysis: RatingAnalysis | PreferenceAnalysis,
    sheets: Sequence[Sheet],
    figures: Mapping[str, tuple[str, Figure]],
    texts: Mapping[str, str],
    folder: Path,
    title: str,
    made_of: str,
) -> Written:
    from benchmark.report.figures.drawing import save, style

    parts = [f"# {markdown_escaped(title)}", *map(to_markdown, sheets), markdown_escaped(made_of)]
    named = {
        "study.md": "\n\n".join(parts) + "\n",
        "study.tex": to_latex(sheets, "tab:study"),
        **{f"{sheet.name}.csv": to_csv(sheet) for sheet in sheets},
        **texts,
    }
    figure_files = [f"{name}{ending}" for name in figures for ending in (".pdf", ".png")]
    names = sorted(check_name(name) for name in (*named, "study.html", NUMBERS, *figure_files))
    numbers = {"files": names, **to_json(analysis)}
    named[NUMBERS] = json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    _check_spares([folder / name for name in names], _source(analysis))
    with Lock(folder):
        _remove_earlier(folder, names, _source(analysis))
        with style():
            drawn = {name: (sheet, save(figure, folder / name)) for name, (sheet, figure) in figures.items()}
        named["study.html"] = _page(sheets, drawn, title, made_of)
        for name, text in named.items():
            write_text(folder / name, text)
    files = [folder / name for name in named]
    files += [path for _, one in drawn.values() for path in (one.pdf, one.png)]
    return Written(folder, tuple(sorted(files)), tuple(sheets))


def _remove_earlier(folder: Path, names: Sequence[str], source: Path) -> None:
    """Remove what an earlier analysis wrote to a folder and this one does not write, but never the answers."""
    try:
        earlier = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))["files"]
        stale = {name for name in earlier if not fault_of_name(name)} - set(names)
    except (OSError, ValueError, LookupError, TypeError):
        return  # none, or not written by this program
    for path in (folder / name for name in sorted(stale)):
        if path.is_file() and not (source.exists() and path.samefile(source)):
            path.unlink()


def _check_spares(targets: Sequence[Path], source: Path) -> None:
    """Refuse to write over the answers that were read, by whatever name or link."""
    for target in targets:
        if target.exists() and source.exists() and target.samefile(source):
            raise ValueError(f"{source}: the analysis would write its own file of this name there; give another --out")


def _page(sheets: Sequence[Sheet], drawn: Mapping[str, tuple[str, Drawn]], title: str, made_of: str) -> str:
    """Return the page: one file with everything in it, that loads nothing."""
    shown: dict[str, list[dict[str, object]]] = {}
    for name, (sheet, one) in drawn.items():
        content = one.png.read_bytes()
        width, height = struct.unpack(">II", content[16:24])  # of a PNG's header
        scale = min(1.0, PAGE_WIDTH / width)
        shown.setdefault(sheet, []).append({
            "content": base64.b64encode(content).decode("ascii"), "about": f"Figure: {name.replace('-', ', ')}",
            "width": round(width * scale), "height": round(height * scale),
        })  # fmt: skip
    return environment().get_template("study.html").render(
        title=title, lead="What people judged: scores, tests, agreement, and who counted.", policy=POLICY,
        style=template_text("page.css") + template_text("study.css"), sheets=sheets, figures=shown,
        version=version("vgg-monoaudio"), made_of=made_of,
    )  # fmt: skip
