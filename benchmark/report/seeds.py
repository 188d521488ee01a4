"""Runs of one model that differ in nothing but the seed: which they are, and what they say together.

`--seeds` gives every seed after the first a run of its own, `<name>@seed<seed>`; see `benchmark.runs.seed_run_name`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from benchmark.report.run_samples import RunSamples, clips_of, read_run_samples
from benchmark.runs import (
    MetricsRecord,
    MetricValue,
    RunDirectory,
    RunRecord,
    UnusableRun,
    folder_name,
    named_for_seed,
    runs_of_seeds,
)
from foundation.files import fingerprint
from metrics.registry import Metric, list_metrics
from metrics.uncertainty.seeds import interval_of_means, interval_of_sets


@dataclass(frozen=True)
class SeedRun:
    """One scored run, with its seed.

    Attributes:
        run: its directory.
        record: its metrics.json.
        seed: of its run.json.
        asked: hash of all that was asked but seed and subset: runs of a family share it.
    """

    run: RunDirectory
    record: MetricsRecord
    seed: int
    asked: str


@dataclass(frozen=True)
class Family:
    """Runs of one model that differ in nothing but seed and subset.

    Attributes:
        name: what a table calls them.
        runs: by seed; no two of one subset and one seed.
    """

    name: str
    runs: tuple[SeedRun, ...]

    @property
    def subsets(self) -> tuple[str, ...]:
        """Subsets that any of the runs answers."""
        return tuple(dict.fromkeys(one.record.benchmark.subset for one in self.runs))

    def of(self, subset: str) -> tuple[SeedRun, ...]:
        """Return the runs on a subset, by seed."""
        return tuple(one for one in self.runs if one.record.benchmark.subset == subset)

    def begun(self, subset: str) -> set[int]:
        """Return the seeds of any subset, and those that were begun on this one and have no scores."""
        beside = {seed for one in self.of(subset) for seed in unscored_seeds(one.run)}
        return {one.seed for one in self.runs} | beside


Scored = tuple[RunDirectory, MetricsRecord]


def shown_name(run: RunDirectory, record: MetricsRecord) -> str:
    """Return the name of a run: the one the user gave its directory, else the model's."""
    path = run.path.resolve()
    named_by_user = path.parent.name == record.benchmark.subset and path.name != folder_name(record.model.name)
    return path.name if named_by_user else record.model.name


def families(runs: Sequence[Scored]) -> list[Family]:
    """Return the runs that differ in nothing but the seed, where there are several seeds on any subset.

    They are shown under one name but for the seed in it. A run that is alone is in no family, nor are runs of which two
    have the same seed on a subset: which of them should count is for the user to say.
    """
    by_name: dict[str, list[Scored]] = {}
    for run, record in runs:
        by_name.setdefault(folder_name(named_for_seed(shown_name(run, record))[0]), []).append((run, record))
    found = []
    for group in by_name.values():
        if len(group) == len({record.benchmark.subset for _, record in group}):
            continue  # one run on each subset, and run.json is not asked
        alike: dict[str, list[SeedRun]] = {}
        for run, record in group:
            if (one := read_seed_run(run, record)) is not None:
                alike.setdefault(one.asked, []).append(one)
        found += [_family(members) for members in alike.values() if _is_family(members)]
    return found


def _is_family(runs: Sequence[SeedRun]) -> bool:
    seen = Counter((one.record.benchmark.subset, one.seed) for one in runs)
    return max(seen.values()) == 1 and len(seen) > len({subset for subset, _ in seen})


def _family(runs: Sequence[SeedRun]) -> Family:
    names = [shown_name(one.run, one.record) for one in runs]
    plain = [name for name in names if named_for_seed(name)[1] is None]
    base, model = named_for_seed(names[0])[0], runs[0].record.model.name
    name = plain[0] if plain else model if base == folder_name(model) else base
    return Family(name, tuple(sorted(runs, key=lambda one: one.seed)))


def read_seed_run(run: RunDirectory, record: MetricsRecord) -> SeedRun | None:
    """Return a run with its seed; None where its run.json cannot be read, is of another run, or denies its name."""
    try:
        asked = run.read_run()
    except UnusableRun:
        return None
    told = named_for_seed(run.path.resolve().name)[1]
    if (asked.benchmark, asked.model) != (record.benchmark, record.model) or told not in (None, asked.seed):
        return None
    return SeedRun(run, record, asked.seed, _asked(asked, record))


def _asked(run: RunRecord, record: MetricsRecord) -> str:
    """Hash of whatever two runs must agree in to differ in nothing but seed and subset, when and where they ran."""
    content = {
        "benchmark": [run.benchmark.name, run.benchmark.version],
        "model": run.model.model_dump(mode="json"),
        "precision": run.precision,
        "duration_seconds": run.duration_seconds,
        "frame_rule": run.frame_rule,
        "scoring": record.scoring.model_dump(mode="json"),
    }
    return fingerprint(content)


def unscored_seeds(run: RunDirectory) -> list[int]:
    """Return the seeds that were begun beside a run, in runs that have no scores."""
    first = run.path.with_name(named_for_seed(run.path.name)[0])
    found = [seed for seed, other in runs_of_seeds(first).items() if not other.metrics_json.is_file()]
    if (first / "run.json").is_file() and not (first / "metrics.json").is_file():
        with suppress(UnusableRun):
            found.append(RunDirectory(first).read_run().seed)
    return sorted(set(found))


def pooled(runs: Sequence[SeedRun]) -> dict[str, MetricValue]:
    """Return every metric of runs that are one row: the mean over the seeds, with its interval for samples and seeds.

    A metric that some seeds have no value of is the mean over the others; `shortfalls` says so.

    Args:
        runs: two or more of a family, on one subset.

    Raises:
        UnusableRun: the samples of a run cannot be read, or are others than those of the first.
    """
    tables = _tables([one.run for one in runs])
    found = {}
    for metric in list_metrics(extended=True):
        there = [(one.record.metrics[metric.name], place) for place, one in enumerate(runs) if _has(one, metric.name)]
        if len(there) > 1:
            values, places = [value for value, _ in there], [place for _, place in there]
            ends = _ends(metric, values, [tables[place] for place in places], runs[0].record)
            found[metric.name] = _mean(metric, values, ends)
        elif there or metric.name in runs[0].record.metrics:
            found[metric.name] = there[0][0] if there else runs[0].record.metrics[metric.name]
    return found


def _has(one: SeedRun, metric: str) -> bool:
    return metric in one.record.metrics and one.record.metrics[metric].value is not None


def _tables(runs: Sequence[RunDirectory]) -> list[RunSamples]:
    tables = [read_run_samples(run) for run in runs]
    for table in tables:
        if table.ids != tables[0].ids:
            raise UnusableRun(f"{table.path}: lists other samples than {tables[0].path}; score both again")
    return tables


def _ends(
    metric: Metric, values: Sequence[MetricValue], tables: Sequence[RunSamples], record: MetricsRecord
) -> tuple[float, float] | str | None:
    """Return the interval of a mean over seeds, or why there is none."""
    without = [value for value in values if value.ci95 is None]
    if metric.per == "set":
        if without:
            return without[0].reason
        scores = [value.value for value in values if value.value is not None]
        return interval_of_sets(
            scores, [value.ci95 for value in values if value.ci95 is not None], level=record.scoring.confidence
        )
    if any(metric.name not in table.table for table in tables):
        return "no interval: samples.parquet has no column of it"
    scoring = record.scoring
    columns = np.stack([table.table[metric.name].to_numpy(dtype=np.float64) for table in tables], axis=1)
    rows = np.isfinite(columns).any(axis=1)
    groups = clips_of(tables[0].table.loc[rows]) if scoring.resample_by == "source" else None
    found = interval_of_means(
        columns[rows], groups=groups, resamples=scoring.resamples, seed=scoring.bootstrap_seed,
        level=scoring.confidence,
    )  # fmt: skip
    return found.ends or f"no interval: {found.reason}"


def _mean(metric: Metric, values: Sequence[MetricValue], ends: tuple[float, float] | str | None) -> MetricValue:
    mean = float(np.mean([value.value for value in values if value.value is not None]))
    ci95 = None
    if isinstance(ends, tuple):  # no score is beyond the ends of its scale, whatever the seeds
        ci95 = (
            ends[0] if metric.least is None else min(max(ends[0], metric.least), mean),
            ends[1] if metric.most is None else max(min(ends[1], metric.most), mean),
        )
    return MetricValue(
        value=mean, ci95=ci95, n=min(value.n for value in values), unit=values[0].unit, better=values[0].better,
        version=values[0].version, reason=ends if isinstance(ends, str) else None,
    )  # fmt: skip


def shortfalls(runs: Sequence[SeedRun], begun: Collection[int]) -> tuple[str, ...]:
    """Return what is missing from a mean over seeds, one phrase each.

    Args:
        runs: those that are in the mean.
        begun: all seeds that were, whether they are in the mean or not.
    """
    found = []
    seeds = {one.seed for one in runs}
    absent = sorted(set(begun) - seeds)
    if absent:
        found.append(f"{seeds_text(absent)} not scored, and not in the mean")
    for one in runs:
        counts = one.record.counts
        if counts.scored != counts.expected:
            found.append(f"seed {one.seed} scored on {counts.scored} of {counts.expected} samples")
    for metric in list_metrics(extended=True):
        without = sorted(one.seed for one in runs if not _has(one, metric.name))
        if without and len(without) < len(runs):
            found.append(f"{metric.label} without {seeds_text(without)}")
    return tuple(found)


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds as a text: "seed 1", "seeds 0, 1, 2"."""
    return f"seed{'s' * (len(seeds) != 1)} {', '.join(map(str, seeds))}"
