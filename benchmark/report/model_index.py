"""A model's results for the `model-index` of its card on Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark.report.results import Row, collect
from benchmark.report.subsets import subset_title
from benchmark.runs import RunDirectory
from metrics.registry import list_metrics


def export_model_index(runs: Sequence[RunDirectory], model: str = "") -> dict[str, Any]:
    """Return the `model-index` of a Hugging Face model card: one entry per subset, every metric that has a value.

    Args:
        runs: finished runs of one model, or of several if `model` names which.
        model: name as in the tables; "" where the runs have one model.

    Raises:
        benchmark.report.results.MixedRuns: the runs cannot be reported together.
        ValueError: no run or more than one model has the name, or its weights are random.
    """
    results = collect(runs)
    names = list(dict.fromkeys(row.model for row in results.rows))
    chosen = model or (names[0] if len(names) == 1 else "")
    rows = [row for row in results.rows if row.model == chosen]
    if not rows:
        raise ValueError(f"model {model!r}: name one of {', '.join(names)}")
    untrained = [row for row in rows if row.untrained]
    if untrained:
        raise ValueError(f"{chosen} has random weights on {untrained[0].subset}; such numbers are for timing only")
    return {"model-index": [{"name": chosen, "results": [_result(row) for row in rows]}]}


def _result(row: Row) -> dict[str, Any]:
    record = row.record
    if record is None:
        raise ValueError(f"{row.model}: not a run")
    benchmark, scoring = record.benchmark, record.scoring
    return {
        "task": {"type": "video-to-audio", "name": "Text-conditioned selective video-to-audio generation"},
        "dataset": {
            "name": f"{benchmark.name} ({subset_title(benchmark.subset)})",
            "type": benchmark.name,
            "config": benchmark.subset,
            "split": "test",
            "revision": benchmark.fingerprint,
            "args": {"version": benchmark.version, "samples": benchmark.samples, "scored": row.scored, **_seeds(row)},
        },
        "metrics": [
            {
                "type": metric.name,
                "name": f"{metric.label} ({metric.direction})" if metric.direction else metric.label,
                "value": value.value,
                "args": {
                    "profile": scoring.profile,
                    "reference_video": scoring.reference_video,
                    "bandwidth_from": scoring.bandwidth_from,
                    "unit": value.unit,
                    "n": value.n,
                    "ci95": None if value.ci95 is None else list(value.ci95),
                    "definition": value.version,
                    "unverified_weights": row.unverified,
                },
            }
            for metric in list_metrics(extended=True)
            if (value := row.values.get(metric.name)) is not None and value.value is not None
        ],
    }


def _seeds(row: Row) -> dict[str, Any]:
    """Name the seeds whose mean the values are, where there are several."""
    return {"seeds": list(row.seeds)} if row.of_seeds else {}
