"""What each run scored, sample by sample, for all runs of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.report.run_samples import REQUIRED_COLUMNS as REQUIRED_COLUMNS
from benchmark.report.run_samples import RunSamples as RunSamples
from benchmark.report.run_samples import clips_of as clips_of
from benchmark.report.run_samples import read_run_samples as read_run_samples
from benchmark.runs import SAMPLE_COLUMNS as SAMPLE_COLUMNS
from benchmark.runs import UnusableRun

if TYPE_CHECKING:
    from benchmark.report.results import Results


@dataclass(frozen=True)
class Samples:
    """The samples of one subset, with what every model scored on them.

    Attributes:
        subset: its name.
        listing: one row per sample of the manifest, columns `SAMPLE_COLUMNS`, in the manifest's order.
        scored: model key to the table of its `RunSamples`, in the same order.
    """

    subset: str
    listing: pd.DataFrame
    scored: Mapping[str, pd.DataFrame]

    @property
    def ids(self) -> list[str]:
        """Ids of the samples, in order."""
        return [str(sample) for sample in self.listing["sample_id"]]

    def answered(self, key: str) -> set[str]:
        """Return the ids of the samples on which a model's answer was scored."""
        table = self.scored[key]
        return set(table.loc[table["status"] == "scored", "sample_id"])


def read_samples(results: Results) -> list[Samples]:
    """Return the samples of every subset that has runs, in the order of the subsets.

    Raises:
        UnusableRun: a `samples.parquet` cannot be read, or lists other samples than another run on the same subset.
    """
    found = []
    for subset in results.subsets:
        runs = {row.key: read_run_samples(row.run) for row in results.of(subset) if row.run is not None}
        if not runs:
            continue
        first = next(iter(runs.values()))
        for run in runs.values():
            if run.ids != first.ids:
                raise UnusableRun(f"{run.path}: lists other samples of {subset} than {first.path}; score both again")
        tables = {key: run.table for key, run in runs.items()}
        found.append(Samples(subset, first.table[list(SAMPLE_COLUMNS)], tables))
    return found
