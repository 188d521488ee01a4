"""Which runs `compare` pairs: seed by seed, where both models were run with the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.report.seeds import read_seed_run, seeds_text
from benchmark.runs import RunDirectory, runs_of_seeds
from metrics.registry import Metric

if TYPE_CHECKING:
    from benchmark.report.comparison.set_scores import SetDifference

Pair = tuple[RunDirectory, RunDirectory]


@dataclass(frozen=True)
class Pairs:
    """What is compared with what.

    Attributes:
        runs: first and second run, one pair for each seed.
        seeds: those of the pairs; () where two runs are compared whatever their seeds.
        said: which seeds were paired and which were not; "" where there is nothing to say.
    """

    runs: tuple[Pair, ...]
    seeds: tuple[int, ...] = ()
    said: str = ""


def pair_seeds(first: RunDirectory, second: RunDirectory) -> Pairs:
    """Return the pairs of two models' runs: every seed that both have, or the two runs as given where that is not two.

    Seeds are looked for beside a run, see `benchmark.runs.seed_run_name`; a run named for its seed stands for itself.
    """
    found = seeds_of(first), seeds_of(second)
    if all(len(seeds) < 2 for seeds in found):
        return Pairs(((first, second),))
    shared = sorted(found[0].keys() & found[1].keys())
    if len(shared) < 2:
        has = " and ".join(
            f"the {which} has {seeds_text(sorted(seeds)) if seeds else 'no seed on record'}"
            for which, seeds in zip(("first", "second"), found, strict=True)
        )
        return Pairs(((first, second),), said=f"Not paired by seed: {has}; the two runs named are compared.")
    said = f"Paired seed by seed ({seeds_text(shared)}): values are means over the seeds, intervals and p-values hold "
    said += "samples and seeds."
    for which, seeds in zip(("first", "second"), found, strict=True):
        alone = sorted(seeds.keys() - set(shared))
        said += f" Only the {which} has {seeds_text(alone)}, in no number here." if alone else ""
    return Pairs(tuple((found[0][seed], found[1][seed]) for seed in shared), tuple(shared), said)


def seeds_of(run: RunDirectory) -> dict[int, RunDirectory]:
    """Return a run and the scored ones beside it that differ from it in nothing but the seed, by seed.

    Nothing where its seed cannot be read.

    Raises:
        benchmark.runs.UnusableRun: a run has no readable metrics.json.
    """
    own = read_seed_run(run, run.read_metrics())
    if own is None:
        return {}
    found = {own.seed: run}
    for seed, other in runs_of_seeds(run.path.absolute()).items():
        one = read_seed_run(other, other.read_metrics()) if other.metrics_json.is_file() else None
        same = one is not None and one.asked == own.asked
        if one is not None and same and one.record.benchmark == own.record.benchmark:
            found.setdefault(seed, other)
    return found


def mean_scores(tables: Sequence[pd.DataFrame], metrics: Sequence[Metric]) -> pd.DataFrame:
    """Return the scores of each sample averaged over the seeds; none where a seed has none.

    Args:
        tables: one for each seed, the same samples in the same order.
        metrics: per-sample metrics that all of them have.
    """
    if len(tables) == 1:
        return tables[0]
    means = {m.name: sum(table[m.name] for table in tables) / len(tables) for m in metrics}
    return tables[0].assign(**means)


def set_differences_over_seeds(found: Sequence[Mapping[str, SetDifference]]) -> dict[str, SetDifference]:
    """Return the mean over seeds of set-wise scores that all of them have, each with its paired test."""
    from benchmark.report.comparison.set_scores import SetDifference
    from metrics.uncertainty.seeds import difference_of_sets

    if len(found) == 1:
        return dict(found[0])
    joined = {}
    for name in found[0]:
        if all(name in one for one in found):
            every = [one[name] for one in found]
            first, second = fmean(one.first for one in every), fmean(one.second for one in every)
            joined[name] = SetDifference(first, second, difference_of_sets([one.difference for one in every]))
    return joined
