"""The text around a table: its caption, and the notes below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmark.report.results import Results
from benchmark.report.subsets import counted
from benchmark.report.tables.cells import Block, Column, Line, reach_in_standard_errors
from benchmark.report.tables.marks import FEWER, marks_explained
from benchmark.runs import ScoringRecord
from foundation.names import joined

NO_INTERVAL = "No interval for"  # how the notes begin that say so


def caption(results: Results) -> str:
    """Return the caption of a table: what was scored, on which samples, and how."""
    if not results.benchmarks or results.scoring is None:
        return "Numbers as printed in arXiv:2512.02650, on the authors' own list of clips."
    version = next(iter(results.benchmarks.values())).version
    scoring = results.scoring
    counts = counted({name: results.benchmarks[name].samples for name in results.subsets if name in results.benchmarks})
    kad = any("kad" in row.values for row in results.rows)
    bandwidth = f"; KAD bandwidth from the {scoring.bandwidth_from} set" if kad else ""
    return (
        f"{results.name} {version} ({counts}), profile {scoring.profile}; reference video: "
        f"{scoring.reference_video}{bandwidth}. "
        f"n/N: scored out of requested samples."
        + _substitutes_note(version)
        + profile_note(record.scoring for _, record in results.records)
    )


def _substitutes_note(version: str) -> str:
    """Return what a caption says of clips that are not on the benchmark's list, a space before it; "" of the list."""
    number, _, clips = version.partition("+")
    if not clips.startswith("reserves."):
        return ""
    return (
        f" Clips of {number} that could not be had are replaced by reserves ({clips} names the clips used; "
        "benchmark.json says which replaced which)."
    )


def profile_note(scorings: Iterable[ScoringRecord]) -> str:
    """Return what a caption says of the profile that scored, a space before it; "" of profile paper.

    Of profile open it names the licence of all weights that scored one of the runs.

    Args:
        scorings: how each run of a table was scored, all by one profile.
    """
    scored = list(scorings)
    warning = _PROFILE_WARNINGS.get(scored[0].profile, "") if scored else ""
    if not warning or scored[0].profile != "open":
        return warning
    from benchmark.profiles.licences import licences_of  # it brings the readers of media along

    licences = licences_of(name for scoring in scored for name in scoring.backbones)
    named = ", ".join(f"{name} {licence}" for name, licence in licences.items())
    return f"{warning} Licences of weights: {named}."


_OF_SEEDS = (
    "Rows of several seeds show the mean over the seeds; n is that of the seed with the fewest samples, intervals hold "
    "samples and seeds, and the samples shown one by one are those of the first seed."
)
_PROFILE_WARNINGS = {
    "open": " Profile open has PE-AV where profile paper has LAION-CLAP and ImageBind: CLAP, IB and the text and audio "
    "selectivity are made of cosines of its embeddings; none of these is comparable with published ones.",
    "signal": " Profile signal needs no networks: CLAP is the cosine to the label's own sources, DeSync the lag of "
    "onsets against motion; none of these numbers is comparable with published ones.",
}


def interval_note(results: Results, standard_errors: bool) -> str:
    """Return what the numbers beside the values are: intervals, or standard errors; "" for published rows alone."""
    if results.scoring is None:
        return ""
    drawn = {row.record.scoring.resamples for row in results.rows if row.record}
    resamples = joined(f"{count:,}" for count in sorted(drawn))
    level = f"{100 * results.scoring.confidence:g}%"
    drawn_how = f"{resamples} resamples by {results.scoring.resample_by}"
    if standard_errors:
        reach = f"{reach_in_standard_errors(results.scoring.confidence):.2f}"
        return f"After ±: standard errors, half the width of the {level} intervals over {reach} ({drawn_how})."
    return f"In brackets: {level} bootstrap intervals, {drawn_how}."


def notes_below(blocks: Iterable[Block], columns: Sequence[Column], intervals: bool) -> tuple[str, ...]:
    """Return the notes below a table, one sentence or two each.

    Args:
        blocks: the table's.
        columns: the table's.
        intervals: whether the table shows intervals, so that those missing must be named.
    """
    lines = [(block, line) for block in blocks for line in block.lines]
    notes = []
    ranked = {line.row.kind == "published" for _, line in lines if any(cell.rank for cell in line.cells)}
    if False in ranked:
        notes.append("Best in bold, second underlined, among models scored on every sample.")
    if True in ranked:
        notes.append("Published rows: best in bold, second underlined, among themselves.")
    if any(line.row.kind == "control" for _, line in lines):
        notes.append("Controls show the range of a metric and are not ranked.")
    notes += marks_explained(line.row for _, line in lines)
    if any(line.row.of_seeds for _, line in lines):
        notes.append(_OF_SEEDS)
    notes += _seed_notes(lines)
    for block, line in lines:
        cells = zip(columns, line.cells, strict=True)
        short = [f"{c.metric.label} {line.row.values[c.metric.name].n}" for c, cell in cells if cell.fewer]
        if short:
            notes.append(f"{FEWER} {line.label}, {block.title}: fewer samples: {', '.join(short)}.")
    notes += _without_value(lines, columns)
    if intervals:
        notes += _without_interval(lines, columns)
    sources = dict.fromkeys(line.row.source for _, line in lines if line.row.source)
    notes += [f"Published rows: {source}." for source in sources]
    for line in {line.row.key: line for _, line in lines}.values():
        notes += [f"{line.label}: {note.rstrip('.')}." for note in line.row.notes]
    return tuple(notes)


def _seed_notes(lines: Sequence[tuple[Block, Line]]) -> list[str]:
    """Name the seeds of the rows, and what is missing of them; rows of which the same is said share a sentence."""
    concerned: dict[str, list[str]] = {}
    for block, line in lines:
        if line.row.seed_note:
            concerned.setdefault(line.row.seed_note, []).append(f"{line.label} ({block.title})")
    return [f"{', '.join(rows)}: {note}." for note, rows in concerned.items()]


def _without_value(lines: Sequence[tuple[Block, Line]], columns: Sequence[Column]) -> list[str]:
    """Say of columns that were asked for by name, and that no row has a value of, why; one sentence for each reason."""
    concerned: dict[str, list[str]] = {}
    for place, column in enumerate(columns):
        cells = [line.cells[place] for _, line in lines if line.row.kind != "published"]
        if column.named and cells and all(cell.value is None for cell in cells):
            reasons = dict.fromkeys(cell.reason for cell in cells if cell.reason)
            concerned.setdefault("; ".join(reasons) or "not scored", []).append(column.metric.label)
    return [f"No {', '.join(labels)}: {reason}." for reason, labels in concerned.items()]


def _without_interval(lines: Sequence[tuple[Block, Line]], columns: Sequence[Column]) -> list[str]:
    """Name the values without an interval; columns that have none at all share one sentence."""
    whole, notes = [], []
    for place, column in enumerate(columns):
        scored = [(block, line) for block, line in lines if line.row.kind != "published"]
        shown = [(block, line) for block, line in scored if line.cells[place].value is not None]
        bare = [f"{line.label} ({block.title})" for block, line in shown if line.cells[place].interval is None]
        if bare and len(bare) == len(shown):
            whole.append(column.metric.label)
        elif bare:
            notes.append(f"{NO_INTERVAL} {column.metric.label} of {', '.join(bare)}.")
    return [*([f"{NO_INTERVAL} {', '.join(whole)}."] if whole else []), *notes]
