"""Finished runs, as rows of one table; runs whose numbers cannot be compared are refused with the reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from benchmark.report.seeds import Family, families, seeds_text, shortfalls, unscored_seeds
from benchmark.report.seeds import shown_name as shown_name
from benchmark.report.subsets import subset_rank
from benchmark.runs import (
    BenchmarkRecord,
    MetricsRecord,
    MetricValue,
    RunDirectory,
    ScoringRecord,
    control_definition,
)
from foundation.names import natural

Kind = Literal["model", "control", "recorded", "external", "published"]


class MixedRuns(ValueError):
    """Runs that were requested in one table, though their numbers cannot be compared."""


@dataclass(frozen=True)
class Row:
    """One model on one subset.

    Attributes:
        key: names the model across subsets; letters, digits, dot, dash and underscore only, so it can name a folder.
        model: the name shown: the run's own, with the options that distinguish it from another run of that name.
        kind: controls and published rows are kept apart and never ranked.
        values: metric name to value with interval and count.
        scored: samples that were scored; None for a published row.
        expected: samples of the subset.
        model_name: the model's name in the registry.
        texts: metric name to the digits as printed elsewhere; only for published rows.
        source: where a published row was printed.
        run: where it was scored; of several seeds the first, whose samples are shown.
        seeds: those whose mean the values are; () for a run by itself.
        seed_note: which seeds, and what is missing of them.
        others: the runs of the other seeds, with their records.
    """

    subset: str
    key: str
    model: str
    kind: Kind
    values: Mapping[str, MetricValue]
    scored: int | None
    expected: int | None
    untrained: bool = False
    unverified: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    model_name: str = ""
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    run: RunDirectory | None = None
    record: MetricsRecord | None = None
    seeds: tuple[int, ...] = ()
    seed_note: str = ""
    others: tuple[tuple[RunDirectory, MetricsRecord], ...] = ()

    @property
    def of_seeds(self) -> bool:
        """Whether the values are means over several seeds."""
        return len(self.seeds) > 1

    @property
    def partial(self) -> bool:
        """Whether samples of the subset are missing from the values."""
        return self.scored is not None and self.scored != self.expected

    @property
    def ranked(self) -> bool:
        """Whether it can be best or second: a trained model, scored on every sample."""
        return self.kind not in ("control", "published") and not self.untrained and not self.partial


@dataclass(frozen=True)
class Rated:
    """What people judged of the answers; the rows have it among their values.

    Attributes:
        criteria: names of these values.
        note: on whom and what they are based, for below a table.
    """

    criteria: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Results:
    """Rows that agree in benchmark, version and scoring, in the order in which a table shows them."""

    rows: tuple[Row, ...]
    benchmarks: Mapping[str, BenchmarkRecord]  # by subset
    scoring: ScoringRecord | None  # None: published rows only
    rated: Rated | None = None

    @property
    def subsets(self) -> tuple[str, ...]:
        """Subsets with at least one row, inter-class first."""
        return tuple(sorted({row.subset for row in self.rows}, key=subset_rank))

    @property
    def name(self) -> str:
        """Name of the benchmark."""
        return next(iter(self.benchmarks.values())).name if self.benchmarks else "vgg-monoaudio"

    @property
    def records(self) -> list[tuple[RunDirectory, MetricsRecord]]:
        """Every run with its record."""
        found: list[tuple[RunDirectory, MetricsRecord]] = []
        for row in self.rows:
            if row.run is not None and row.record is not None:
                found += [(row.run, row.record), *row.others]
        return found

    def of(self, subset: str) -> tuple[Row, ...]:
        """Rows of one subset."""
        return tuple(row for row in self.rows if row.subset == subset)

    def only(self, keys: Container[str]) -> Results:
        """The same results with these models alone."""
        return replace(self, rows=tuple(row for row in self.rows if row.key in keys))


def collect(runs: Sequence[RunDirectory]) -> Results:
    """Return the runs as rows, after checking that their numbers can be compared.

    Runs of one model that differ in nothing but the seed are one row: the mean over the seeds.

    Raises:
        MixedRuns: they differ in benchmark, version, manifest, profile, reference video, another scoring choice, a
            backbone, or the definition of a metric or control; or one model appears twice on one subset. Names two of
            the runs.
        benchmark.runs.UnusableRun: a run has no readable metrics.json, or one of several seeds no samples.parquet.
        ValueError: no runs.
    """
    if not runs:
        raise ValueError("runs: none given; a report needs at least one finished run")
    records = [(run, run.read_metrics()) for run in runs]
    check_alike(records)
    rows = _disambiguated(_joined([_row(run, record) for run, record in records]))
    benchmarks = {record.benchmark.subset: record.benchmark for _, record in records}
    return Results(_ordered(rows), benchmarks, records[0][1].scoring)


def check_alike(records: Sequence[tuple[RunDirectory, MetricsRecord]]) -> None:
    """Refuse runs whose numbers cannot be compared.

    Raises:
        MixedRuns: see `collect`.
    """
    for title, option, aspect in _ASPECTS:
        _check_agreement(title, option, [(run, aspect(record)) for run, record in records], _WHY.get(title, ""))
    _check_manifests(records)
    _check_shared("backbone", [(run, record.scoring.backbones) for run, record in records])
    versions = [(run, {name: m.version for name, m in record.metrics.items()}) for run, record in records]
    _check_shared("definition of metric", versions)
    controls = [(run, record.model.name, control_definition(record.model)) for run, record in records]
    _check_shared("definition of control", [(run, {name: number} if number else {}) for run, name, number in controls])


def what_differs(one: MetricsRecord, other: MetricsRecord) -> str:
    """Return why two runs cannot share a table, as in "profile signal, here paper" of `other`; "" where they can."""
    for title, _, aspect in _ASPECTS:
        if aspect(one) != aspect(other):
            return f"{title} {aspect(other)}, here {aspect(one)}"
    if one.benchmark.subset == other.benchmark.subset and one.benchmark.fingerprint != other.benchmark.fingerprint:
        return "other samples of the same version"
    for name, key in other.scoring.backbones.items():
        if one.scoring.backbones.get(name, key) != key:
            return f"another version of backbone {name}"
    for name, value in other.metrics.items():
        if name in one.metrics and one.metrics[name].version != value.version:
            return f"another definition of metric {name}"
    return ""


_Aspect = Callable[[MetricsRecord], Hashable]
_ASPECTS: tuple[tuple[str, str, _Aspect], ...] = (
    ("benchmark", "--benchmark", lambda record: record.benchmark.name),
    ("benchmark version", "", lambda record: record.benchmark.version),
    ("profile", "--profile", lambda record: record.scoring.profile),
    ("reference video", "--reference-video", lambda record: record.scoring.reference_video),
    ("set that gives KAD its bandwidth", "", lambda record: record.scoring.bandwidth_from),
    ("frame rule", "", lambda record: record.scoring.frame_rule),
    ("unit of resampling", "", lambda record: record.scoring.resample_by),
    ("confidence of the intervals", "", lambda record: record.scoring.confidence),
)
_WHY = {"profile": "each profile has networks of its own, so one column has other numbers in each"}


def _check_agreement(title: str, option: str, found: Iterable[tuple[RunDirectory, Hashable]], why: str = "") -> None:
    examples: dict[Hashable, RunDirectory] = {}
    for run, value in found:
        examples.setdefault(value, run)
    if len(examples) > 1:
        lines = "".join(f"\n  {value}: {run.path}" for value, run in examples.items())
        how = f", for example with {option} {next(iter(examples))}" if option else ""
        because = f"\n{why}" if why else ""
        raise MixedRuns(
            f"these runs cannot share a table, their {title} differs:{lines}{because}\nreport them separately{how}"
        )


def _check_manifests(records: Sequence[tuple[RunDirectory, MetricsRecord]]) -> None:
    for subset in dict.fromkeys(record.benchmark.subset for _, record in records):
        of_subset = [(run, record) for run, record in records if record.benchmark.subset == subset]
        found = [(run, (record.benchmark.fingerprint, record.benchmark.samples)) for run, record in of_subset]
        short = [(run, f"{print_[:12]} ({samples} samples)") for run, (print_, samples) in found]
        _check_agreement(f"manifest of subset {subset}", "", short)


def _check_shared(title: str, found: Sequence[tuple[RunDirectory, Mapping[str, Hashable]]]) -> None:
    for name in dict.fromkeys(name for _, values in found for name in values):
        _check_agreement(f"{title} {name}", "", [(run, values[name]) for run, values in found if name in values])


def _row(run: RunDirectory, record: MetricsRecord) -> Row:
    model = record.model
    name = shown_name(run, record)
    return Row(
        subset=record.benchmark.subset,
        key=_safe(name),
        model=name,
        kind=model.kind,
        values=record.metrics,
        scored=record.counts.scored,
        expected=record.counts.expected,
        untrained=model.untrained,
        unverified=model.unverified_weights or record.scoring.unverified_weights,
        options=model.options,
        model_name=model.name,
        notes=tuple(model.notes),
        run=run,
        record=record,
    )


def _joined(rows: Sequence[Row]) -> list[Row]:
    """Make one row of the runs on a subset that differ in nothing but the seed; leave the others as they are."""
    found = families([(row.run, row.record) for row in rows if row.run is not None and row.record is not None])
    members = {one.run for family in found for one in family.runs}
    alone = [_with_note(row) for row in rows if row.run not in members]
    return [*alone, *[_of_seeds(family, subset) for family in found for subset in family.subsets]]


def _of_seeds(family: Family, subset: str) -> Row:
    from benchmark.report.seed_means import pooled  # it needs pandas, and --help does not

    runs = family.of(subset)
    row = _row(runs[0].run, runs[0].record)
    seeds = tuple(one.seed for one in runs)
    told = (
        seeds_text(seeds) if len(runs) > 1 else f"{seeds_text(seeds)} alone",
        *shortfalls(runs, family.begun(subset)),
    )
    return replace(
        row,
        model=family.name,
        values=pooled(runs) if len(runs) > 1 else row.values,
        scored=min((one.record.counts.scored or 0 for one in runs), default=None),
        seeds=seeds,
        seed_note="; ".join(told),
        others=tuple((one.run, one.record) for one in runs[1:]),
    )


def _with_note(row: Row) -> Row:
    """Say of a run by itself which other seeds of it were begun and have no scores."""
    absent = unscored_seeds(row.run) if row.run is not None else []
    return replace(row, seed_note=f"one seed; {seeds_text(absent)} not scored") if absent else row


def _disambiguated(rows: Sequence[Row]) -> list[Row]:
    """Add to a name the options in which its runs differ; refuse two runs that differ in none."""
    by_model: dict[str, list[Row]] = {}
    for row in rows:
        by_model.setdefault(row.model, []).append(row)
    named = []
    for row in rows:
        differing = _distinguishing_options(by_model[row.model])
        shown = ", ".join(f"{name}={_shown(row.options[name])}" for name in differing if name in row.options)
        model = f"{row.model} ({shown})" if shown else row.model
        named.append(replace(row, model=model, key=_safe(model)))
    for (subset, key), count in Counter((row.subset, row.key) for row in named).items():
        if count > 1:
            paths = [str(row.run.path) for row in named if (row.subset, row.key) == (subset, key) and row.run]
            raise MixedRuns(f"{key} appears twice on subset {subset}; keep one of the runs:\n  " + "\n  ".join(paths))
    return named


def _distinguishing_options(rows: Sequence[Row]) -> list[str]:
    """Options in which runs of one model on the same subset differ."""
    differing: dict[str, None] = {}
    for subset in {row.subset for row in rows}:
        options = [row.options for row in rows if row.subset == subset]
        names = dict.fromkeys(name for given in options for name in given)
        differ = (n for n in names if len({json.dumps(given.get(n), default=str) for given in options}) > 1)
        differing.update(dict.fromkeys(differ))
    return list(differing)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _safe(name: str) -> str:
    """Return a name that is safe in a path and in an address: other characters become dashes."""
    return "".join(c if c.isalnum() or c in "._" else "-" for c in name).strip("-.") or "model"


def _ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Inter-class first; models before controls; registered names in the order of the registry, others after them."""
    from baselines import list_models

    rank = {entry.name: place for place, entry in enumerate(list_models())}
    return tuple(
        sorted(
            rows,
            key=lambda r: (
                subset_rank(r.subset),
                r.kind == "control",
                rank.get(r.model_name, len(rank)),
                natural(r.model),
            ),
        )
    )
