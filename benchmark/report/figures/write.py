"""Figures for a paper: statistics of the benchmark, scores, panels of single samples, and how metrics relate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.report.display_names import display_name
from benchmark.report.figures.drawing import Drawn, save, style
from benchmark.report.figures.rows import as_drawn, drawn_table, point_of
from benchmark.report.results import Results, collect
from benchmark.report.scored_on import check_scored_on
from benchmark.report.tables.presets import PresetName
from benchmark.report.tables.published import with_published
from benchmark.runs import RunDirectory
from foundation.files import PathLike
from foundation.locks import Lock
from foundation.names import nearest
from vgg_monoaudio.record import read_record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.report.samples import Samples

DEFAULT_OUT = Path("results/figures")
SCATTERS = (("clap", "desync"), ("kl", "audio_win_rate"), ("fad", "kl"))
PANELS_PER_SUBSET = 2


def write_figures(
    runs: Sequence[RunDirectory],
    out: Path = DEFAULT_OUT,
    *,
    benchmark_dir: Path | None = None,
    source_list: PathLike | None = None,
    table: PresetName = "main",
    published: bool = False,
    samples: Sequence[str] = (),
    ratings: Path | None = None,
) -> list[Drawn]:
    """Write every figure that can be drawn of these runs, each as PDF and PNG.

    Args:
        runs: finished runs that agree in benchmark, version and scoring; none draws what needs none.
        out: folder.
        benchmark_dir: the benchmark directory; without it there are no panels, and statistics only of a list.
        source_list: a list of clips, by path or by the name of one that ships, for the statistics of the benchmark that
            it makes; no clip needs to be there.
        table: which table of the paper the rows are of, in its order.
        published: add the rows that the paper prints for this table; without runs they are drawn alone.
        samples: sample ids to draw panels of; by default those on which the models' KL differs most.
        ratings: a human study, see `benchmark.report.ratings.read_ratings`.

    Raises:
        benchmark.report.results.MixedRuns: the runs cannot share a figure.
        benchmark.runs.UnusableRun: they were scored on another benchmark than the one given.
        foundation.media.MediaError: a scene or a target of a panel cannot be read.
        vgg_monoaudio.selection.source_list.BadSourceList: there is no such list, or it cannot be used.
        ValueError: nothing to draw, a benchmark directory and a list at once, none of the rows belongs in the table, a
            sample that the runs do not have, or ratings of other answers.
    """
    _check_asked(runs, benchmark_dir, source_list, published=published, ratings=ratings)
    results = collect(runs) if runs else Results((), {}, None)
    if benchmark_dir is not None:
        check_scored_on(benchmark_dir, results.records)
    if published:
        results = with_published(results, table)
    figures: dict[str, Figure] = {}
    with style():
        figures |= _of_the_benchmark(benchmark_dir, source_list)
        if results.rows:
            shown = as_drawn(results, table)
            figures |= _of_the_table(shown, table)
            figures |= _of_samples(shown)
            if runs and benchmark_dir is not None:
                figures |= sample_panels(shown, benchmark_dir, samples)
        if ratings is not None:
            figures |= _of_ratings(results, ratings, benchmark_dir)
        with Lock(out):
            return [save(figure, out / name) for name, figure in figures.items()]


def _check_asked(
    runs: Sequence[RunDirectory],
    benchmark_dir: Path | None,
    source_list: PathLike | None,
    *,
    published: bool,
    ratings: Path | None,
) -> None:
    if benchmark_dir is not None and source_list is not None:
        raise ValueError("statistics are of a benchmark directory or of a list of clips; give one of the two")
    if not runs and benchmark_dir is None and source_list is None and not published:
        raise ValueError(
            "nothing to draw: give runs, a benchmark directory, a list of clips, or ask for published rows"
        )
    if not runs and ratings is not None:
        raise ValueError(f"{ratings}: ratings are of answers; give the runs they are of")


def _of_the_benchmark(folder: Path | None, source_list: PathLike | None) -> dict[str, Figure]:
    """Figures B3 and B4, of a benchmark that was built or of the one that a list makes; none of neither."""
    from benchmark.report.figures.statistics import clips_figure, pairs_figure
    from vgg_monoaudio.dataset import load_benchmark
    from vgg_monoaudio.publishing.statistics import benchmark_statistics, list_statistics
    from vgg_monoaudio.selection.source_list import read_source_list

    if folder is not None:
        statistics = benchmark_statistics(load_benchmark(folder))
    elif source_list is not None:
        statistics = list_statistics(read_source_list(source_list))
    else:
        return {}
    return {"clips": clips_figure(statistics), "pairs": pairs_figure(statistics)}


def _of_the_table(results: Results, name: PresetName) -> dict[str, Figure]:
    """Scores of whole runs, and printed ones: every column, and one metric against another."""
    from benchmark.report.figures.overview import score_figure
    from benchmark.report.figures.scores import metric_scatter

    table = drawn_table(results, name)
    figures = {f"{block.subset}-scores": score_figure(table, block) for block in table.blocks}
    for subset in results.subsets:
        rows = results.of(subset)
        for x, y in SCATTERS:
            if sum(point_of(row, x) is not None and point_of(row, y) is not None for row in rows) > 1:
                figures[f"{subset}-{x}-{y}"] = metric_scatter(rows, x, y)
    return figures


def _of_samples(results: Results) -> dict[str, Figure]:
    """Scores of single samples: by category, and the distribution of DeSync."""
    from benchmark.report.figures.scores import category_bars, desync_histogram
    from benchmark.report.samples import read_samples
    from metrics.registry import list_metrics

    figures: dict[str, Figure] = {}
    for part in read_samples(results):
        subset, rows = part.subset, [row for row in results.of(part.subset) if row.run is not None]
        for metric in list_metrics(headline=True):
            scored = [key for key, table in part.scored.items() if metric.name in table and table[metric.name].any()]
            if metric.per == "sample" and scored and results.scoring is not None:
                figures[f"{subset}-{metric.name}-by-category"] = category_bars(rows, part, metric, results.scoring)
        if any("desync" in table and table["desync"].notna().any() for table in part.scored.values()):
            figures[f"{subset}-desync-histogram"] = desync_histogram(rows, part)
    return figures


def _of_ratings(results: Results, path: Path, folder: Path | None) -> dict[str, Figure]:
    """Agreement of metrics with people, and the case in which CLAP agrees least, by file name."""
    from benchmark.report.agreement import agreements
    from benchmark.report.figures.panels import sample_panel
    from benchmark.report.figures.ratings import agreement_figure, case_figure
    from benchmark.report.ratings import alike_but_apart, read_ratings
    from benchmark.report.samples import read_samples
    from metrics.registry import get_metric

    figures: dict[str, Figure] = {}
    samples = read_samples(results)
    parts = {part.subset: part for part in samples}
    for ratings in read_ratings(path, results, samples):
        subset, part, rows = ratings.subset, parts[ratings.subset], results.of(ratings.subset)
        if results.scoring is not None:
            found = agreements(ratings, part, rows, results.scoring, ["spearman"])
            if found:
                figures[f"{subset}-ratings"] = agreement_figure(found, ratings.criteria)
        names = {row.key: display_name(row.model) for row in rows}
        case = alike_but_apart(ratings, part, get_metric("clap"))
        if case is None:
            continue
        figures[f"{subset}-ratings-against-clap"] = case_figure(case, subset, names)
        if folder is not None:
            place = part.ids.index(case.sample)
            pair = [replace(row, model=names[row.key]) for row in rows if row.key in (case.better, case.worse)]
            figures[f"{subset}-ratings-panel"] = sample_panel(
                part, place, pair, folder, captions=case.captions, reference=_has_references(folder)
            )
    return figures


def sample_panels(results: Results, folder: Path, wanted: Sequence[str] = ()) -> dict[str, Figure]:
    """Return panels of the samples wanted, or of those on which the models' KL differs most, by file name.

    Raises:
        ValueError: a sample that the runs do not have.
    """
    from benchmark.report.figures.panels import sample_panel
    from benchmark.report.samples import read_samples

    results = as_drawn(results, "main")  # which keeps every row, and names that are titles already
    figures: dict[str, Figure] = {}
    panel = partial(sample_panel, reference=_has_references(folder))
    found: dict[str, tuple[Samples, int]] = {}
    for part in read_samples(results):
        found |= {sample: (part, place) for place, sample in enumerate(part.ids)}
        if not wanted:
            for place in _most_divided(part)[:PANELS_PER_SUBSET]:
                figures[f"panel-{part.ids[place]}"] = panel(part, place, results.of(part.subset), folder)
    for sample in wanted:
        if sample not in found:
            near = nearest(sample, found, most=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"sample {sample!r} is not among the {len(found)} samples of these runs{hint}")
        part, place = found[sample]
        figures[f"panel-{sample}"] = panel(part, place, results.of(part.subset), folder)
    return figures


def _has_references(folder: Path) -> bool:
    """Return whether a benchmark has the sounds that are asked for."""
    return read_record(folder).own_sound == "target"


def _most_divided(part: Samples) -> list[int]:
    """Return the samples that every model answered, those with the widest range of scores first: KL's, if there are."""
    import numpy as np

    from metrics.registry import get_metric, list_metrics

    names = [metric.name for metric in [get_metric("kl"), *list_metrics(extended=True)] if metric.per == "sample"]
    shared = [
        name for name in names if all(name in table and table[name].notna().any() for table in part.scored.values())
    ]
    if not shared:
        return list(range(len(part.ids)))
    scores = np.stack([table[shared[0]].to_numpy(dtype=np.float64) for table in part.scored.values()])
    spread = scores.max(axis=0) - scores.min(axis=0)
    return [int(place) for place in np.argsort(-spread, kind="stable") if np.isfinite(spread[place])]
