"""Paired tests of per-sample scores on the samples that two runs share, and the samples they differ most on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.report.comparison.changes import Change, LargestGap, Scope
from benchmark.report.samples import clips_of
from benchmark.runs import MetricsRecord
from metrics.registry import Metric

RESAMPLES_PER_TEST, MOST_RESAMPLES = 100, 20_000
GROUPED_BY: Mapping[Scope, str] = {"category": "target_category", "label": "label"}


def corrected(changes: Sequence[Change]) -> list[Change]:
    """Return the changes with their p-values corrected for having been tested together."""
    from metrics.uncertainty.significance import holm_of_known

    adjusted = holm_of_known([change.p_value for change in changes])
    return [replace(change, corrected=p_value) for change, p_value in zip(changes, adjusted, strict=True)]


@dataclass(frozen=True)
class PairedTests:
    """Paired tests on the samples that both runs scored.

    Attributes:
        first: scores of the first run, one row per sample, as in its `samples.parquet`.
        second: scores of the second run, on the same samples in the same order.
        record: of the first run; its scoring says how to resample.
        seeds: the same two tables of each seed, where those above are their means; () for one seed.
    """

    first: pd.DataFrame
    second: pd.DataFrame
    record: MetricsRecord
    seeds: Sequence[tuple[pd.DataFrame, pd.DataFrame]] = ()

    def changes(self, scope: Scope, metrics: Sequence[Metric]) -> list[Change]:
        """Return the changes of a scope, p-values not corrected yet."""
        wanted = [(metric, name, rows) for metric in metrics for name, rows in self._sets(scope)]
        # A p-value cannot fall below 1 / (resamples + 1), and Holm multiplies it by up to the number of tests: with a
        # thousand resamples none of 39 labels could ever differ.
        resamples = max(self.record.scoring.resamples, min(RESAMPLES_PER_TEST * len(wanted), MOST_RESAMPLES))
        return [self._change(metric, scope, name, rows, resamples) for metric, name, rows in wanted]

    def _sets(self, scope: Scope) -> list[tuple[str, NDArray[np.bool_]]]:
        if scope == "all":
            return [("", np.ones(len(self.first), dtype=np.bool_))]
        names = self.first[GROUPED_BY[scope]]
        return [(str(name), (names == name).to_numpy(dtype=np.bool_)) for name in sorted(names.unique())]

    def _change(self, metric: Metric, scope: Scope, name: str, rows: NDArray[np.bool_], resamples: int) -> Change:
        from metrics.uncertainty.bootstrap import paired_difference

        scores = [table[metric.name].to_numpy(dtype=np.float64) for table in (self.first, self.second)]
        rows = rows & np.isfinite(scores[0]) & np.isfinite(scores[1])
        if not rows.any():
            return Change(metric, scope, name, 0, float("nan"), float("nan"), reason="no sample has this score in both")
        scoring = self.record.scoring
        clips = clips_of(self.first.loc[rows])
        found = paired_difference(
            scores[0][rows],
            scores[1][rows],
            groups=clips if scoring.resample_by == "source" else None,
            resamples=resamples,
            seed=scoring.bootstrap_seed,
            level=scoring.confidence,
        )
        if self.seeds:
            from metrics.uncertainty.seeds import difference_with_seeds

            found = difference_with_seeds(found, self._by_seed(metric, rows))
        first, second = (float(score[rows].mean()) for score in scores)
        low, high, reason = found.interval.low, found.interval.high, found.interval.reason or ""
        return Change(
            metric, scope, name, int(rows.sum()), first, second, low, high, found.p_value, reason=reason,
            error=found.error, reversals=found.reversals if metric.sign else None, level=scoring.confidence,
        )  # fmt: skip

    def _by_seed(self, metric: Metric, rows: NDArray[np.bool_]) -> list[float]:
        """Return the mean difference on these samples with each seed."""
        return [float((one[metric.name] - other[metric.name]).to_numpy()[rows].mean()) for one, other in self.seeds]


def largest_gaps(first: pd.DataFrame, second: pd.DataFrame, metric: Metric, count: int) -> list[LargestGap]:
    """Return the samples on which two runs differ most in a metric, the largest difference first.

    Args:
        first: scores of the first run, one row per sample that both scored, indexed by sample id.
        second: scores of the second run, likewise.
        metric: a per-sample metric that both have.
        count: how many at most; samples with equal scores are never listed.
    """
    scores = pd.DataFrame({"first": first[metric.name], "second": second[metric.name]}).dropna()
    gaps = (scores["first"] - scores["second"]).abs()
    ordered = gaps[gaps > 0].sort_values(ascending=False, kind="stable").index[:count]
    found = []
    for sample in ordered:
        label, paired = (str(first.loc[sample, name]) for name in ("label", "paired_label"))
        values = scores.loc[sample].to_numpy(dtype=np.float64)
        found.append(LargestGap(metric, str(sample), label, paired, float(values[0]), float(values[1])))
    return found
