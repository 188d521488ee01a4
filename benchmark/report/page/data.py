"""What the page shows of every sample, as one compact structure for its script."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.report.display_names import display_name
from benchmark.report.page.media import Placed
from benchmark.report.results import Results, Row
from benchmark.report.samples import SAMPLE_COLUMNS, Samples
from benchmark.report.subsets import subset_title
from benchmark.report.tables.cells import Column, Table


def wanted_media(samples: Sequence[Samples], rows: Sequence[Row], benchmark: Path | None) -> dict[str, Path]:
    """Return every file that the page plays or shows: path inside the media folder to the file.

    Args:
        samples: those the page lists.
        rows: the runs whose answers are played.
        benchmark: the benchmark directory; None: neither scenes nor sources.
    """
    wanted: dict[str, Path] = {}
    runs = {(row.subset, row.key): row.run for row in rows if row.run}
    for part in samples:
        if benchmark is not None:
            for sample in part.ids:
                wanted[f"scenes/{part.subset}/{sample}.mp4"] = benchmark / part.subset / "video" / f"{sample}.mp4"
            for clip in pd.unique(part.listing[["target_id", "paired_id"]].to_numpy().ravel()):
                if clip:
                    wanted[f"sources/{clip}.wav"] = benchmark / "sources" / f"{clip}.wav"
        for key in part.scored:
            for sample in part.ids:
                wanted[f"answers/{key}/{part.subset}/{sample}.wav"] = runs[part.subset, key].audio(sample)
    return wanted


def page_data(
    results: Results, table: Table, samples: Sequence[Samples], placed: Mapping[str, Placed], media: str
) -> dict[str, Any]:
    """Return what the page's script reads: columns of values rather than rows of records, so that it stays small."""
    columns = [column for column in table.columns if column.metric.per == "sample"]
    models = {row.key: row for row in results.rows if row.run is not None}
    return {
        "media": media,
        "columns": [_column(column) for column in columns],
        "selectivity": _selectivity(columns),
        "models": [{"key": row.key, "name": display_name(row.model), "kind": row.kind} for row in models.values()],
        "subsets": [_subset(part, columns, placed) for part in samples],
        "sources": {
            name.removeprefix("sources/").removesuffix(".wav"): item.picture.rpartition("/")[2]
            for name, item in placed.items()
            if name.startswith("sources/") and item.file
        },
    }


def _column(column: Column) -> dict[str, Any]:
    metric = column.metric
    return {
        "name": metric.name,
        "label": metric.label,
        "arrow": metric.arrow,
        "decimals": column.decimals,
        "better": metric.better,
        "headline": column.foremost,
        "about": metric.description,
    }


def _selectivity(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return the margins between the two sounds of a scene, each with the metric that says which of them is nearer."""
    wins = {column.metric.target: column.metric.name for column in columns if column.metric.field == "win"}
    return [
        {
            "margin": column.metric.name,
            "win": wins[column.metric.target],
            "label": column.metric.label.removesuffix(" margin"),
            "decimals": column.decimals,
            "about": column.metric.description,
        }
        for column in columns
        if column.metric.field == "margin" and column.metric.target in wins
    ]


def _subset(part: Samples, columns: Sequence[Column], placed: Mapping[str, Placed]) -> dict[str, Any]:
    listing = part.listing.astype(object).where(part.listing.notna(), "")
    own = listing["target_id"] == listing["paired_id"]  # a film's own sound is not asked for: it is played as paired
    listing.loc[own, "target_id"] = ""
    scenes = [placed.get(f"scenes/{part.subset}/{sample}.mp4") for sample in listing["sample_id"]]
    soundtracks = [item.soundtrack.rpartition("/")[2] if item else "" for item in scenes]
    return {
        "name": part.subset,
        "title": subset_title(part.subset),
        **{name: listing[name].tolist() for name in SAMPLE_COLUMNS},
        "scenes": [item.picture.rpartition("/")[2] if item and item.file else None for item in scenes],
        "soundtracks": soundtracks,
        "models": {key: _answers(part, key, table, columns, placed) for key, table in part.scored.items()},
    }


def _answers(
    part: Samples, key: str, table: pd.DataFrame, columns: Sequence[Column], placed: Mapping[str, Placed]
) -> dict[str, Any]:
    items = [placed.get(f"answers/{key}/{part.subset}/{sample}.wav") for sample in table["sample_id"]]
    failed = table["status"] != "scored"
    return {
        "pictures": [item.picture.rpartition("/")[2] if item and item.file else None for item in items],
        "failed": {int(place): str(table["reason"].iloc[place]) for place in failed.to_numpy().nonzero()[0]},
        "scores": {
            column.metric.name: [_rounded(value, column) for value in table[column.metric.name]]
            for column in columns
            if column.metric.name in table.columns
        },
    }


def _rounded(value: float, column: Column) -> float | None:
    return float(column.text(value)) if math.isfinite(value) else None


def embedded(data: Mapping[str, Any]) -> str:
    """Return JSON that is safe inside a script element: without a character that could end it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
