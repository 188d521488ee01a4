"""The one reader of `samples.parquet` of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.runs import SAMPLE_COLUMNS, RunDirectory, UnusableRun
from benchmark.scored import read_samples_table
from foundation.paths import fault_of_name
from vgg_monoaudio.dataset import source_clips

REQUIRED_COLUMNS = (*SAMPLE_COLUMNS, "status", "reason")
NAME_COLUMNS = ("sample_id", "target_id", "paired_id")  # parts of paths


@dataclass(frozen=True)
class RunSamples:
    """The samples of one run.

    Attributes:
        path: the file.
        table: one row per sample of the manifest, in its order, scored or not; columns `REQUIRED_COLUMNS`, then one
            per per-sample metric, NaN where there is no score.
    """

    path: Path
    table: pd.DataFrame

    @property
    def ids(self) -> list[str]:
        """Ids of all samples, in order."""
        return [str(sample) for sample in self.table["sample_id"]]

    @property
    def scored(self) -> pd.DataFrame:
        """The rows of the samples that were scored."""
        return self.table[self.table["status"] == "scored"]

    @property
    def scored_ids(self) -> list[str]:
        """Ids of the samples that were scored, in order."""
        return [str(sample) for sample in self.scored["sample_id"]]


def read_run_samples(run: RunDirectory) -> RunSamples:
    """Return the samples of a run.

    Raises:
        UnusableRun: `samples.parquet` is absent, is not a parquet file, is too large, belongs to another scoring than
            `metrics.json`, lacks a column, or has a name that leads elsewhere.
    """
    path, table = run.samples_parquet, read_samples_table(run)
    fix = "score the run again with `python -m benchmark evaluate`"
    missing = [name for name in REQUIRED_COLUMNS if name not in table.columns]
    if missing:
        raise UnusableRun(f"{path}: no column {missing[0]}; it has {', '.join(map(str, table.columns))}; {fix}")
    for name in REQUIRED_COLUMNS:
        _check_texts(path, table[name], is_name=name in NAME_COLUMNS, fix=fix)
    return RunSamples(path, table)


def _check_texts(path: Path, column: pd.Series[str], *, is_name: bool, fix: str) -> None:
    """Refuse a column that holds anything but texts, or names that lead elsewhere; an absent clip has the name ""."""
    for text in pd.unique(column):
        if not isinstance(text, str):
            raise UnusableRun(f"{path}: column {column.name} holds {text!r}, expected texts; {fix}")
        if is_name and (text or column.name == "sample_id") and (fault := fault_of_name(text)):
            row = int((column == text).to_numpy().argmax()) + 1
            raise UnusableRun(f"{path}: row {row}: {column.name} is {text!r}, not the name of one file: {fault}; {fix}")


def clips_of(table: pd.DataFrame) -> NDArray[np.object_]:
    """Return the ids of the clips that each sample is made of, shape (n, k), see `vgg_monoaudio.dataset`.

    Args:
        table: one row per sample, columns target_id and paired_id.
    """
    return source_clips(list(table["target_id"]), list(table["paired_id"]))
