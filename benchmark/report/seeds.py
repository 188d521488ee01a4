"""Runs of one model that differ in nothing but the seed: which they are, and what is missing of them.

`--seeds` gives every seed after the first a run of its own, `<name>@seed<seed>`; see `benchmark.runs.seed_run_name`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from benchmark.runs import (
    MetricsRecord,
    RunDirectory,
    RunRecord,
    UnusableRun,
    folder_name,
    named_for_seed,
    runs_of_seeds,
)
from foundation.files import fingerprint
from metrics.registry import list_metrics


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

    def has(self, metric: str) -> bool:
        """Tell whether it has a value of a metric."""
        return metric in self.record.metrics and self.record.metrics[metric].value is not None


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
    path = run.path.absolute()
    first = path.with_name(named_for_seed(path.name)[0])
    found = [seed for seed, other in runs_of_seeds(first).items() if not other.metrics_json.is_file()]
    if (first / "run.json").is_file() and not (first / "metrics.json").is_file():
        with suppress(UnusableRun):
            found.append(RunDirectory(first).read_run().seed)
    return sorted(set(found))


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
        without = sorted(one.seed for one in runs if not one.has(metric.name))
        if without and len(without) < len(runs):
            found.append(f"{metric.label} without {seeds_text(without)}")
    return tuple(found)


def seeds_text(seeds: Sequence[int]) -> str:
    """Return seeds as a text: "seed 1", "seeds 0, 1, 2"."""
    return f"seed{'s' * (len(seeds) != 1)} {', '.join(map(str, seeds))}"
