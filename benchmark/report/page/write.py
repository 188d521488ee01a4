"""The page: one HTML file that opens from disk, and its folder of media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.report.display_names import display_name
from benchmark.report.page.data import embedded, page_data, wanted_media
from benchmark.report.page.media import drop_unused, place_media
from benchmark.report.results import Results
from benchmark.report.samples import Samples, read_samples
from benchmark.report.stability import STABILITY_NOTE, stability_of
from benchmark.report.tables.cells import Block, Line, Table
from benchmark.report.tables.marks import DASH
from foundation.files import write_text

if TYPE_CHECKING:
    import jinja2

SCRIPTS = ("base.js", "table.js", "player.js", "cards.js", "main.js")
FORBIDDEN_SOURCES = "default-src 'none'"  # the page loads its own media and nothing else
CONTENT_POLICY = (
    f"{FORBIDDEN_SOURCES}; img-src 'self' file: data:; media-src 'self' file:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)


def write_page(
    results: Results,
    table: Table,
    out: Path,
    *,
    benchmark: Path | None,
    title: str,
    samples: Sequence[Samples] | None = None,
    cache: Path | None = None,
    workers: int | None = None,
) -> tuple[Path, Path]:
    """Write `<out>.html` and the folder `<out>/`.

    Args:
        results: the runs shown.
        table: the table at the top of the page, with all its columns.
        out: path without a suffix.
        benchmark: the benchmark directory, for scenes and sources; None: the page plays the answers alone.
        title: heading of the page.
        samples: those of the runs, where they have columns of their own, such as ratings; None: read from the runs.
        cache: where pictures are kept for pages in other folders too; None: nowhere.
        workers: threads that draw pictures; one per available core by default.

    Returns:
        The page and its folder.

    Raises:
        benchmark.runs.UnusableRun: the samples of a run cannot be read.
    """
    samples = read_samples(results) if samples is None else samples
    rows = [row for row in results.rows if row.run is not None]
    homes = [*(row.run.path for row in rows if row.run), *([] if benchmark is None else [benchmark])]
    placed = place_media(out, wanted_media(samples, rows, benchmark), homes, cache=cache, workers=workers)
    data = page_data(results, table, samples, placed, out.name)
    page = out.with_name(f"{out.name}.html")
    text = (
        environment()
        .get_template("page.html")
        .render(
            title=title,
            table=table,
            named=_named,
            about=_about(results),
            display_name=display_name,
            stability=stability_of(results, samples, table.columns),
            stability_note=STABILITY_NOTE,
            whiskers={block.subset: _whiskers(table, block) for block in table.blocks},
            count=sum(len(part.listing) for part in samples),
            made_with=_made_with(results),
            policy=CONTENT_POLICY,
            style=template_text("page.css"),
            script="\n".join(template_text(name) for name in SCRIPTS),
            data=embedded(data),
            dash=DASH,
        )
    )
    write_text(page, text)
    drop_unused(out, placed.values())
    return page, out


def environment() -> jinja2.Environment:
    """Return what renders the templates of pages: every text escaped, a name that is not there an error."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(template_text), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip


def template_text(name: str) -> str:
    """Return a file of the templates' folder."""
    return files("benchmark.report.page").joinpath("templates", name).read_text(encoding="utf-8")


def _named(line: Line) -> str:
    """Return what the page calls a row: its label, or the model's title where the label is but the model's name."""
    label = display_name(line.label) if line.label == line.row.model else line.label
    return line.title.replace(line.label, label, 1)


def _about(results: Results) -> str:
    """Return what a copied table says of itself beside its subset: benchmark, version and profile."""
    if results.scoring is None or not results.benchmarks:
        return "as printed"
    version = next(iter(results.benchmarks.values())).version
    return f"{results.name} {version}, profile {results.scoring.profile}"


def _whiskers(table: Table, block: Block) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Return where value and interval lie within the range of a column, in percent: row key, metric, positions."""
    drawn: dict[str, dict[str, tuple[float, float, float]]] = {line.row.key: {} for line in block.lines}
    for place, column in enumerate(table.columns):
        spans: dict[str, tuple[float, float, float]] = {}
        for line in block.lines:
            value, found = line.cells[place].value, line.row.values.get(column.metric.name)
            if value is not None and found is not None:
                low, high = found.ci95 or (value, value)
                spans[line.row.key] = (low, value, high)
        least = min((low for low, _, _ in spans.values()), default=0.0)
        width = max((high for _, _, high in spans.values()), default=1.0) - least
        for key, span in spans.items():
            low, at, high = (round(100 * (x - least) / width, 1) if width > 0 else 50.0 for x in span)
            drawn[key][column.metric.name] = (low, at, high)
    return drawn


def _made_with(results: Results) -> Mapping[str, Any]:
    records = [record for _, record in results.records]
    commits = {(record.commit.sha[:10], record.commit.dirty) for record in records if record.commit}
    return {
        "version": version("vgg-monoaudio"),
        "commits": [f"{sha}{' with local changes' if dirty else ''}" for sha, dirty in sorted(commits)],
        "scored": sorted({record.scored_at[:10] for record in records}),
    }
