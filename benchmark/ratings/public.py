"""Ratings that others published, so that metrics can be checked against people without a study of one's own.

Two forms, both of Audiobox-Aesthetics (Tjandra et al. 2025, arXiv:2502.05139) as of facebookresearch/
audiobox-aesthetics at 2618e9d, ratings under CC-BY 4.0:

- JSONL (`evaluation_data/*.jsonl`, `audiomos2025_track2/*_human_annotations.jsonl`): a line per sound with `data_path`
  and per axis a list of ratings from 0 to 10. The places of a list are not the same people from line to line.
- CSV (`audiomos2025_track2/*_list.csv`): columns sample_id, data_path and per axis the mean rating.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from benchmark.ratings.answers import NUMBERS, Answers
from benchmark.ratings.lines import read_csv_lines, read_utf8
from foundation.text import composed

AXES: Mapping[str, str] = {  # as the files name them, and as the paper abbreviates them
    "Production_Quality": "PQ",
    "Production_Complexity": "PC",
    "Content_Enjoyment": "CE",
    "Content_Usefulness": "CU",
}
POINTS = (0, 10)
SUBSET = "public"  # the files have no subsets
_CHALLENGE = "audiomos2025-track2-"


def is_public(path: Path) -> bool:
    """Tell whether a file is of one of the public forms, by its ending or its header."""
    if path.suffix == ".jsonl":
        return True
    return path.is_file() and "Production_Quality" in read_utf8(path).partition("\n")[0]


def read_public(path: Path) -> Answers:
    """Return public ratings as answers; the model is the system that made a sound, the sample its file's name.

    The system is the folder of the file, as in AES_PAM (`.../audiogen_m/generated_audio_index_1.wav`), or the part
    `sys...` of an anonymous name of AudioMOS 2025. Raters have no names: each place of a list is one of its own.

    Args:
        path: a JSONL or CSV, see the module.

    Raises:
        ValueError: no such file, a line that is no such record, lists of different length, or a rating outside 0 to
            10; names file and line.
    """
    rows = _of_jsonl(path) if path.suffix == ".jsonl" else _of_csv(path)
    if not rows:
        raise ValueError(f"{path}: no rating in it")
    table = pd.DataFrame(rows)
    criteria = tuple(axis for axis in AXES.values() if axis in table)
    again = table.duplicated(["rater", "sample_id", "model"])
    if again.any():
        row = table.iloc[int(again.to_numpy().argmax())]
        raise ValueError(f"{path}, line {row['line']}: {row['model']}/{row['sample_id']} stands there twice")
    table = table.assign(role="item", subset=SUBSET, **dict.fromkeys(("category", "expected", "answered_at"), ""))
    table = table.assign(**dict.fromkeys((*NUMBERS, "plays"), float("nan")))
    return Answers(table, criteria, POINTS, str(path), named=False)


def _of_jsonl(path: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, line in enumerate(read_utf8(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        record = _record(where, line)
        ratings = {axis: _list(where, name, record[name]) for name, axis in AXES.items() if name in record}
        lengths = {len(values) for values in ratings.values()}
        if len(lengths) != 1:
            told = "lists of different length" if lengths else f"none of {', '.join(AXES)}"
            raise ValueError(f"{where}: {told}; expected a list of ratings per axis, as long as the others")
        model, sample = map(composed, _names(where, record.get("data_path")))
        for place in range(lengths.pop()):
            points = {axis: values[place] for axis, values in ratings.items()}
            rows.append({"line": number, "rater": f"{model}/{sample}#{place + 1}", "model": model,
                         "sample_id": sample, **points})  # fmt: skip
    return rows


def _record(where: str, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: not JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{where}: expected an object with data_path and lists of ratings, got {line[:40]}")
    return record


def _list(where: str, name: str, values: object) -> list[float]:
    if not isinstance(values, list) or not values:
        raise ValueError(f"{where}: {name}: expected a list of ratings, got {values!r}")
    return [_rating(where, name, value) for value in values]


def _rating(where: str, name: str, value: object) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
    if not POINTS[0] <= number <= POINTS[1]:
        raise ValueError(f"{where}: {name}: expected a number from {POINTS[0]} to {POINTS[1]}, got {value!r}")
    return number


def _names(where: str, path: object) -> tuple[str, str]:
    """Return system and sample of a `data_path`."""
    if not isinstance(path, str) or not path.strip("/ "):
        raise ValueError(f"{where}: data_path: expected the path of a sound, got {path!r}")
    if path.startswith(_CHALLENGE):
        system, _, sample = path.removeprefix(_CHALLENGE).partition("-")
        if system and sample:
            return system, sample
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.parent.name or "unknown", parts.stem


def _of_csv(path: Path) -> list[dict[str, object]]:
    lines = read_csv_lines(path)
    axes = {name: axis for name, axis in AXES.items() if name in lines.header}
    if "data_path" not in lines.header or not axes:
        raise ValueError(f"{path}: expected the columns data_path and some of {', '.join(AXES)}")
    rows: list[dict[str, object]] = []
    for number, texts in zip(lines.numbers, lines.rows, strict=True):
        where, values = f"{path}, line {number}", dict(zip(lines.header, texts, strict=True))
        model, sample = map(composed, _names(where, values["data_path"]))
        points = {axis: _rating(where, name, _number(values[name])) for name, axis in axes.items()}
        rows.append({"line": number, "rater": f"{model}/{sample}#mean", "model": model, "sample_id": sample, **points})
    return rows


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text
