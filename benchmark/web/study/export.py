"""Answers as tables: whose they are, in the order given, with what analysis needs to judge the raters too."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
from sqlmodel import col, select

from benchmark.web.study.design import Item
from benchmark.web.study.raters import STEPS
from benchmark.web.study.study import Study
from benchmark.web.study.tables import Placement, Rater
from foundation.files import PathLike, replacing
from foundation.markup import one_line, spreadsheet_text

_BEGIN = ("rater", "position", "role", "subset", "sample_id")
_END = ("expected", "seconds", "clip_seconds")
_IDS = ("panel_id", "panel_study", "panel_session")


def answers_of(folder: PathLike) -> pd.DataFrame:
    """Return the answers of a study of form "rating", one row per rater and item.

    Columns: rater (r001, ...), position (place in the rater's session, from 1 on), role (item, repeat or attention),
    subset, sample_id, model, category (of the target), one per criterion (whole points from 1 on), expected (what an
    attention item asked for, such as "AQ=2;TA=2"), seconds (from the first start of the clip to the answer),
    clip_seconds, plays, focus_losses, answered_at (ISO 8601, UTC).

    Raises:
        ValueError: the study is of the other form.
        benchmark.web.study.design.UnusableStudy: there is none.
    """
    return _of_form(folder, "rating")


def preferences_of(folder: PathLike) -> pd.DataFrame:
    """Return the answers of a study of form "preference", one row per rater and pair.

    Columns as in `answers_of`, but for model_a and model_b (in the order of their names) in place of model, plays_a and
    plays_b in place of plays, a, b or tie as answers, and shown_first (a or b) at the end.

    Raises:
        ValueError: the study is of the other form.
        benchmark.web.study.design.UnusableStudy: there is none.
    """
    return _of_form(folder, "preference")


def write_export(study: Study, out: Path, *, with_ids: bool = False) -> Iterator[tuple[Path, int]]:
    """Write the tables of a study; yield each file with its number of rows.

    Args:
        study: that is open, here or in a server too.
        out: folder; made where it is absent.
        with_ids: also the panels' ids of raters.

    Raises:
        foundation.files.WriteFailed: the disk is full.
    """
    table = _table(study)
    if study.design.form == "rating":
        yield _written(out / "answers.csv", table)
        yield _written(out / "ratings.csv", _ratings(study, table))
    else:
        yield _written(out / "preferences.csv", table)
    yield _written(out / "raters.csv", _raters(study, with_ids=with_ids))


def _of_form(folder: PathLike, form: str) -> pd.DataFrame:
    with closing(Study.opened(Path(folder))) as study:
        if study.design.form != form:
            raise ValueError(f"{folder}: a study of form {study.design.form!r}, not {form!r}")
        return _table(study)


def _table(study: Study) -> pd.DataFrame:
    """Return every answer that was given, in the order of raters and positions."""
    query = (
        select(Placement, Rater.id)
        .join(Rater, col(Rater.id) == col(Placement.rater_id))
        .where(Placement.state == "answered")
        .order_by(col(Placement.rater_id), col(Placement.position))
    )
    with study.database.reading() as session:
        rows = [_row(study, placement, rater) for placement, rater in session.exec(query).all()]
    return pd.DataFrame(rows, columns=_columns(study))


def _columns(study: Study) -> list[str]:
    criteria = list(study.design.criteria)
    if study.design.form == "rating":
        return [*_BEGIN, "model", "category", *criteria, *_END, "plays", "focus_losses", "answered_at"]
    models = ["model_a", "model_b", "category"]
    return [*_BEGIN, *models, *criteria, *_END, "plays_a", "plays_b", "focus_losses", "answered_at", "shown_first"]


def _row(study: Study, placement: Placement, rater: int | None) -> dict[str, Any]:
    item = study.items[placement.item]
    end = placement.answered_at or 0.0
    row: dict[str, Any] = {
        "rater": f"r{rater:03d}", "position": placement.position, "role": placement.role, "subset": item.subset,
        "sample_id": item.sample_id, "category": item.category, **json.loads(placement.answers),
        "expected": ";".join(f"{name}={wanted}" for name, wanted in item.expected.items()),
        "seconds": round(end - min(moment for moment in json.loads(placement.started) if moment is not None), 3),
        "clip_seconds": item.seconds, "focus_losses": placement.focus_losses, "answered_at": _iso(end),
    }  # fmt: skip
    return row | _sides(item, placement)


def _sides(item: Item, placement: Placement) -> dict[str, Any]:
    """Return what is told of the one answer, or of each of two whatever the order in which they were shown."""
    plays: Sequence[int] = json.loads(placement.plays)
    if len(item.answers) == 1:
        return {"model": item.answers[0].model, "plays": plays[0]}
    of_a, of_b = reversed(plays) if placement.swapped else plays
    return {
        "model_a": item.answers[0].model, "model_b": item.answers[1].model, "plays_a": of_a, "plays_b": of_b,
        "shown_first": "b" if placement.swapped else "a",
    }  # fmt: skip


def _ratings(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings in the form that `report --ratings` reads: no repeats, no attention items."""
    columns = ["subset", "sample_id", "model", "rater", *study.design.criteria]
    return table.loc[table["role"] == "item", columns]


def _raters(study: Study, *, with_ids: bool) -> pd.DataFrame:
    """Return everyone who agreed to take part."""
    asked = [question.id for question in study.design.questionnaire]
    agreed = select(Rater).where(col(Rater.consented_at).is_not(None)).order_by(col(Rater.id))
    placed: dict[int, list[Placement]] = defaultdict(list)
    with study.database.reading() as session:
        raters = session.exec(agreed).all()
        for placement in session.exec(select(Placement).order_by(col(Placement.position))):
            placed[placement.rater_id].append(placement)
    rows = [_of_rater(rater, placed[rater.id or 0], asked, with_ids=with_ids) for rater in raters]
    return pd.DataFrame(rows, columns=_of_a_rater(asked, with_ids=with_ids))


def _of_rater(rater: Rater, placed: Sequence[Placement], asked: Sequence[str], *, with_ids: bool) -> dict[str, Any]:
    """Return the row of a rater.

    Args:
        rater: who.
        placed: what this rater was given, in order.
        asked: ids of the questions of the questionnaire.
        with_ids: also the panel's ids.
    """
    states = [one.state for one in placed]
    minutes, why_not = _minutes(rater, placed)
    given: Mapping[str, Any] = json.loads(rater.questionnaire or "{}")
    row: dict[str, Any] = {
        "rater": f"r{rater.id:03d}", "state": _state(rater), "consented_at": _iso(rater.consented_at),
        "finished_at": _iso(rater.finished_at), "minutes": minutes, "minutes_unknown": why_not,
        "answered": states.count("answered"), "skipped": states.count("skipped"),
        "ended_early": str(rater.ended_early).lower(),
        "headphone_tries": rater.headphone_tries,
        "headphones_passed": "" if rater.headphones_passed is None else str(rater.headphones_passed).lower(),
        **_device(rater), "panel": rater.panel, **{f"question_{name}": given.get(name, "") for name in asked},
    }  # fmt: skip
    return row | {name: getattr(rater, name) for name in _IDS if with_ids}


def _of_a_rater(questions: Sequence[str], *, with_ids: bool) -> list[str]:
    """Return the columns of `raters.csv`, which it has without raters too."""
    return [
        "rater", "state", "consented_at", "finished_at", "minutes", "minutes_unknown", "answered", "skipped",
        "ended_early", "headphone_tries", "headphones_passed", "width", "height", "panel",
        *(f"question_{name}" for name in questions), *(_IDS if with_ids else ()),
    ]  # fmt: skip


def _state(rater: Rater) -> str:
    """Return finished, excluded (by the headphone check), or at which step a rater was last."""
    return {STEPS[-1]: "finished", "unsuited": "excluded"}.get(rater.step, rater.step)


def _device(rater: Rater) -> dict[str, Any]:
    device = json.loads(rater.device or "{}")
    return {"width": device.get("width", ""), "height": device.get("height", "")}


def _minutes(rater: Rater, placed: Sequence[Placement]) -> tuple[float | str, str]:
    """Return how long a rater took from consent to end, "" where that is not known; and why it is not.

    People are paid by it. What happened one after the other has to have times in that order: where it has not, the
    machine's clock was set back meanwhile, and the difference of two of its times says nothing.
    """
    if rater.finished_at is None or rater.consented_at is None:
        return "", "has not finished"
    ended = [one.answered_at for one in placed if one.answered_at is not None]
    moments = [rater.consented_at, *ended, rater.finished_at]
    if any(later < earlier for earlier, later in pairwise(moments)):
        return "", "the server's clock was set back meanwhile"
    return round((rater.finished_at - rater.consented_at) / 60, 1), ""


def _iso(moment: float | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _written(path: Path, table: pd.DataFrame) -> tuple[Path, int]:
    """Write a table that a spreadsheet shows and does not calculate."""
    safe = table.map(lambda cell: spreadsheet_text(one_line(cell)) if isinstance(cell, str) else cell)
    with replacing(path) as temporary:
        safe.to_csv(temporary, index=False, lineterminator="\n")
    return path, len(table)
