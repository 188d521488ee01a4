"""One call from finished runs to every file of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.report.page.media import check_report_place
from benchmark.report.page.write import write_page
from benchmark.report.rated import with_mean_ratings, with_ratings
from benchmark.report.ratings import read_ratings
from benchmark.report.results import Results, collect
from benchmark.report.samples import read_samples
from benchmark.report.scored_on import check_scored_on
from benchmark.report.tables.cells import Table
from benchmark.report.tables.formats import to_csv, to_latex, to_markdown
from benchmark.report.tables.presets import PresetName, preset_table
from benchmark.runs import RunDirectory
from foundation.files import write_text
from foundation.locks import Lock

if TYPE_CHECKING:
    from benchmark.report.tables.terminal import TerminalTable

DEFAULT_OUT = Path("results/report")


@dataclass(frozen=True)
class ReportPaths:
    """What was written."""

    markdown: Path
    csv: Path
    latex: Path
    html: Path
    media: Path  # folder that belongs to the page


@dataclass(frozen=True)
class Report:
    """What was written, and its tables: with the columns of the paper, and with every metric."""

    paths: ReportPaths
    table: Table
    full: Table

    def in_terminal(self) -> TerminalTable:
        """Return the table as a terminal shows it, to be printed with Rich."""
        from benchmark.report.tables.terminal import TerminalTable

        return TerminalTable(self.table, self.full, f"{self.paths.html} or {self.paths.csv}")


def write_report(
    runs: Sequence[RunDirectory],
    out: Path = DEFAULT_OUT,
    *,
    benchmark_dirs: Mapping[str, Path] | None = None,
    published: bool = False,
    preset: PresetName = "main",
    intervals: bool = True,
    standard_errors: bool = False,
    ratings: Path | None = None,
    cache: Path | None = None,
    workers: int | None = None,
) -> ReportPaths:
    """Write `<out>.md`, `.csv`, `.tex`, `.html` and the folder `<out>/` with the media of the page.

    Args:
        runs: finished runs that agree in benchmark, version and scoring; none only with `published`.
        out: path without a suffix.
        benchmark_dirs: benchmark name to its directory; the page needs it for scenes and sources.
        published: add the rows printed in the paper for this table; without runs they are shown alone.
        preset: which table of the paper.
        intervals: show confidence intervals in Markdown and LaTeX; CSV and page always have them.
        standard_errors: show standard errors instead, in CSV as well.
        ratings: a human study of the runs' answers, see `benchmark.report.ratings.read_ratings`; its criteria become
            columns, and its mean ratings stand on the cards of the page.
        cache: where the page's pictures are kept for reports into other folders too, such as the cache of features;
            None: nowhere.
        workers: threads that draw pictures; one per available core by default.

    Raises:
        benchmark.report.results.MixedRuns: the runs cannot share a table.
        benchmark.runs.UnusableRun: a run cannot be read, or was scored on another benchmark than the one given.
        ValueError: the place is another's, no runs, an unknown preset, a preset that none of the runs belongs in, or
            ratings of other answers.
    """
    return build_report(
        runs, out, benchmark_dirs=benchmark_dirs, published=published, preset=preset, intervals=intervals,
        standard_errors=standard_errors, ratings=ratings, cache=cache, workers=workers,
    ).paths  # fmt: skip


def build_report(
    runs: Sequence[RunDirectory],
    out: Path,
    *,
    benchmark_dirs: Mapping[str, Path] | None = None,
    published: bool = False,
    preset: PresetName = "main",
    intervals: bool = True,
    standard_errors: bool = False,
    ratings: Path | None = None,
    cache: Path | None = None,
    workers: int | None = None,
) -> Report:
    """Write everything as `write_report`, and return the table too, for a terminal."""
    check_report_place(out)
    results = collect(runs) if runs or not published else Results((), {}, None)
    home = (benchmark_dirs or {}).get(results.name)
    if home is not None:
        check_scored_on(home, results.records)
    heard = read_ratings(ratings, results) if ratings is not None else []
    if ratings is not None:
        results = with_ratings(results, heard, ratings.name)
    if published:
        from benchmark.report.tables.published import with_published

        results = with_published(results, preset)
    compact = preset_table(results, preset, intervals=intervals, standard_errors=standard_errors)
    full = preset_table(results, preset, breadth="full", standard_errors=standard_errors)
    title = _title(results)
    texts = {"md": to_markdown(compact, title), "csv": to_csv(full), "tex": to_latex(compact, f"tab:{preset}")}
    paths = {ending: out.with_name(f"{out.name}.{ending}") for ending in texts}
    shown = results.only({line.row.key for block in full.blocks for line in block.lines})
    with Lock(out):
        for ending, text in texts.items():
            write_text(paths[ending], text)
        samples = with_mean_ratings(read_samples(shown), heard)
        page, media = write_page(
            shown, full, out, benchmark=home, title=title, samples=samples, cache=cache, workers=workers
        )
    return Report(ReportPaths(paths["md"], paths["csv"], paths["tex"], page, media), compact, full)


def _title(results: Results) -> str:
    if results.scoring is None:
        return "VGG-MonoAudio: published results"
    return "VGG-MonoAudio results" + ("" if results.name == "vgg-monoaudio" else f": {results.name}")
