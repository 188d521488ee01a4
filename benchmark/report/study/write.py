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
from benchmark.report.figures.drawing import Drawn, save, style
from benchmark.report.page.write import FORBIDDEN_SOURCES, environment, template_text
from benchmark.report.results import Results
from benchmark.report.study.beside import beside_runs
from benchmark.report.study.contents import preference_sheets, rating_sheets
from benchmark.report.study.figures import Figures, preference_figures, rating_figures
from benchmark.report.study.sheets import Sheet, to_csv, to_latex, to_markdown
from foundation.files import write_text
from foundation.locks import Lock
from foundation.markup import markdown_escaped, spreadsheet_text
from foundation.paths import check_name, fault_of_name

if TYPE_CHECKING:
    from benchmark.ratings.answers import Answers

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
        ValueError: see `benchmark.report.study.beside.beside_runs`; preferences with runs; or a file to write is the
            one that was read.
    """
    if isinstance(analysis, PreferenceAnalysis):
        if results is not None:
            raise ValueError("runs: metrics are compared with ratings in points; leave out the runs for preferences")
        with style():
            return _write(analysis, preference_sheets(analysis), preference_figures(analysis), {}, folder, title)
    beside = beside_runs(analysis, results) if results is not None else None
    sheets = rating_sheets(analysis, beside.agreements if beside is not None else ())
    texts = {KEPT_RATINGS: _kept_ratings(analysis.answers)} if analysis.answers.named else {}
    if beside is not None:
        texts |= _metric_table(beside.results)
    with style():
        return _write(analysis, sheets, rating_figures(analysis, beside), texts, folder, title)


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


def _metric_table(rated: Results) -> dict[str, str]:
    """Return the table of the runs with their opinions, as the three texts of a report."""
    from benchmark.report.tables import formats
    from benchmark.report.tables.table import build_table

    compact = build_table(rated)
    return {
        "metrics.md": formats.to_markdown(compact, "Opinions beside metrics"),
        "metrics.tex": formats.to_latex(compact, "tab:study-metrics"),
        "metrics.csv": formats.to_csv(build_table(rated, breadth="full")),
    }


def _source(analysis: RatingAnalysis | PreferenceAnalysis) -> Path:
    return Path(analysis.answers.source if isinstance(analysis, RatingAnalysis) else analysis.preferences.source)


def _made_of(analysis: RatingAnalysis | PreferenceAnalysis) -> str:
    settings = analysis.settings
    screening = "" if settings.screening else "; screening off"
    return f"From {_source(analysis).name}; seed {settings.seed}{screening}."


def _write(
    analysis: RatingAnalysis | PreferenceAnalysis,
    sheets: Sequence[Sheet],
    figures: Figures,
    texts: Mapping[str, str],
    folder: Path,
    title: str,
) -> Written:
    made_of = _made_of(analysis)
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
