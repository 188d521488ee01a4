"""Files of a study to `Answers` and `Preferences`: every column checked, and whatever is wrong named by its line.

Three forms, known by their columns: `answers.csv` and `preferences.csv` as a study exports them, and the short form
`subset,sample_id,model,rater` with some of AQ, TA, VA that any spreadsheet can hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmark.ratings.answers import (
    ANSWER,
    CHOICES,
    NUMBERS,
    PAIR,
    ROLES,
    TEXTS,
    Answers,
    Preferences,
)
from benchmark.ratings.criteria import CRITERIA, SCALE
from benchmark.ratings.lines import Lines, read_csv_lines
from foundation.markup import text_of_spreadsheet
from foundation.paths import fault_of_name
from foundation.text import composed

SHORT = ("subset", "sample_id", "model", "rater")  # the columns that the short form must have
RESERVED = ("line", "key", "raters")  # columns of this program's own tables
MOST_POINTS = 100  # of a scale whose length a file does not state

_WHOLE = r"[0-9]{1,9}(\.0*)?"  # 4.0 is how programs write whole numbers beside empty fields
_EXPECTED = r"[^=;]+=[^=;]+(;[^=;]+=[^=;]+)*"  # AQ=2;TA=2


def read_answers(path: Path) -> Answers | Preferences:
    """Return what a file holds; its columns say which form it has.

    Raises:
        ValueError: no such file, not a CSV in UTF-8, columns of no form, no answer in it, or a row that cannot be
            right: an empty name, a point off the scale, a choice that is none, or one rater's second answer to an item
            that is not marked as a repeat; names file and line.
    """
    return answers_of_lines(read_csv_lines(path))


def answers_of_table(table: pd.DataFrame, source: str) -> Answers | Preferences:
    """Return the answers in a table with the columns of `answers.csv` or `preferences.csv`, as a study hands them on.

    Raises:
        ValueError: as for `read_answers`; the line is the row's number, from 2 on as in a file with a header.
    """
    texts = table.astype(object).where(table.notna(), "")
    rows = tuple(tuple(_as_text(value) for value in row) for row in texts.itertuples(index=False, name=None))
    header = tuple(str(name) for name in table.columns)
    return answers_of_lines(Lines(Path(source), header, tuple(range(2, len(rows) + 2)), rows))


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value).strip()


def answers_of_lines(lines: Lines) -> Answers | Preferences:
    """Return the answers in the rows of a file; see `read_answers`."""
    lines = replace(lines, header=tuple(map(_name, lines.header)))
    if "role" not in lines.header:
        return _short_form(lines)
    pairs = "model_a" in lines.header
    names, plays = (PAIR, ("plays_a", "plays_b")) if pairs else (ANSWER, ("plays",))
    known = {*names, *TEXTS, *NUMBERS, *plays, *(("shown_first",) if pairs else ())}
    criteria = tuple(name for name in lines.header if name not in known)
    _check_header(lines, ("rater", "role", *names), criteria)
    table = _texts(lines)
    _check(lines, table, "role", table["role"].isin(ROLES), f"expected one of {', '.join(ROLES)}")
    for name in ("rater", "sample_id", "subset", *names[2:]):
        needed = table["role"] != "attention" if name in ("subset", *names[2:]) else table["role"] != ""
        _check(lines, table, name, (table[name] != "") | ~needed, "is empty", told=False)
    _check_subsets(lines, table)
    for name in (*NUMBERS, *plays):
        table[name] = _numbers(lines, table, name)
    for name in (*TEXTS, *(("shown_first",) if pairs else ())):
        if name not in table:
            table[name] = ""
    _check_expected(lines, table, criteria)
    _check_second_answers(lines, table, names)
    if pairs:
        return _preferences(lines, table, criteria)
    points = [_points(lines, table, name, (1, MOST_POINTS)) for name in criteria]
    for name, column in zip(criteria, points, strict=True):
        table[name] = column
    _check_rated(lines, table[list(criteria)].notna())
    scale = SCALE[0], _highest(points)
    wanted = f"points from {scale[0]} to {scale[1]}, the highest that anybody gave"
    _check_asked(lines, table, lambda text: _is_point(text, scale), wanted)
    return Answers(table, criteria, scale, str(lines.path))


def _highest(points: Sequence[pd.Series[float]]) -> int:
    """Return the highest point given, at least that of the paper's scale: a file does not say how far its goes."""
    return max([SCALE[1], *(int(column.max()) for column in points if column.notna().any())])


def _short_form(lines: Lines) -> Answers:
    header = lines.header
    criteria = tuple(name for name in CRITERIA if name in header)
    if not set(SHORT) <= set(header) <= {*SHORT, *CRITERIA} or not criteria or len(set(header)) < len(header):
        raise ValueError(
            f"{lines.path}: expected the columns {', '.join(SHORT)} and some of {', '.join(CRITERIA)}, each once, "
            f"got {', '.join(header)}; answers.csv and preferences.csv of a study have a column role"
        )
    if not lines.rows:
        raise ValueError(f"{lines.path}: no rating in it")
    table = _texts(lines)
    for name in SHORT:
        _check(lines, table, name, table[name] != "", "is empty", told=False)
    _check_subsets(lines, table)
    for name in criteria:
        table[name] = _points(lines, table, name, SCALE)
    _check_rated(lines, table[list(criteria)].notna())
    table = table.assign(role="item")
    _check_second_answers(lines, table, ANSWER)
    table = table.assign(**dict.fromkeys(("category", "expected", "answered_at"), ""))
    table = table.assign(**dict.fromkeys((*NUMBERS, "plays"), float("nan")))
    return Answers(table, criteria, SCALE, str(lines.path))


def _check_header(lines: Lines, needed: Sequence[str], criteria: Sequence[str]) -> None:
    header = lines.header
    missing = [name for name in needed if name not in header]
    if missing or not criteria or len(set(header)) < len(header):
        fault = f"no column {missing[0]}" if missing else "a column twice" if criteria else "no column of a criterion"
        raise ValueError(
            f"{lines.path}: {fault}; expected {', '.join(needed)}, a column per criterion and what else a study "
            f"exports, each once, got {', '.join(header)}"
        )
    taken = [name for name in (*header, *criteria) if name in RESERVED or (name in criteria and not name)]
    if taken:
        raise ValueError(f"{lines.path}: no criterion can be named {taken[0]!r}; rename that column, or leave it out")
    if not lines.rows:
        raise ValueError(f"{lines.path}: no answer in it")


def _texts(lines: Lines) -> pd.DataFrame:
    rows = [list(map(_name, row)) for row in lines.rows]
    table = pd.DataFrame(rows, columns=list(lines.header), dtype=object)
    table.insert(0, "line", list(lines.numbers))
    return table


def _name(text: str) -> str:
    """Return a text as it was before spreadsheets and file systems: macOS spells an umlaut as two signs."""
    return composed(text_of_spreadsheet(text))


def _check(
    lines: Lines, table: pd.DataFrame, name: str, right: pd.Series[bool], wanted: str, *, told: bool = True
) -> None:
    """Refuse the first row in which a column is not right."""
    if right.all():
        return
    row = table.iloc[int((~right).to_numpy().argmax())]
    got = f": {wanted}, got {row[name]!r}" if told else f" {wanted}"
    raise ValueError(f"{lines.path}, line {row['line']}: {name}{got}")


def _check_rated(lines: Lines, given: pd.DataFrame) -> None:
    if not given.to_numpy().any():
        raise ValueError(f"{lines.path}: no rating in it; the columns {', '.join(given.columns)} are empty")


def _check_subsets(lines: Lines, table: pd.DataFrame) -> None:
    """Refuse a subset whose name leads elsewhere: figures are named after it."""
    faults = {name: fault_of_name(name) for name in table["subset"].unique() if name}
    right = ~table["subset"].isin([name for name, fault in faults.items() if fault])
    told = next(filter(None, faults.values()), "")
    _check(lines, table, "subset", right, f"expected a name that a file can have, but {told}")


def _points(lines: Lines, table: pd.DataFrame, name: str, scale: tuple[int, int]) -> pd.Series[float]:
    given = table[name] != ""
    whole = table[name].str.fullmatch(_WHOLE).astype(bool)
    points = pd.to_numeric(table[name].where(whole & given), errors="coerce").astype("float64")
    right = ~given | points.between(*scale)
    _check(lines, table, name, right, f"expected a whole number from {scale[0]} to {scale[1]}")
    return points


def _numbers(lines: Lines, table: pd.DataFrame, name: str) -> pd.Series[float]:
    if name not in table:
        return pd.Series(float("nan"), index=table.index)
    numbers = pd.to_numeric(table[name].where(table[name] != ""), errors="coerce").astype("float64")
    right = (table[name] == "") | (numbers.between(0, float("inf"), inclusive="left"))
    _check(lines, table, name, right, "expected a number from 0 on, or nothing")
    return numbers


def _check_expected(lines: Lines, table: pd.DataFrame, criteria: Sequence[str]) -> None:
    checks = table["role"] == "attention"
    right = ~checks | table["expected"].str.fullmatch(_EXPECTED).astype(bool)
    _check(lines, table, "expected", right, "expected what an attention item asks for, such as AQ=2;TA=2")
    asked = table["expected"].where(checks, "").map(lambda text: set(expected_answers(text)) if text else set())
    right = asked.map(lambda names: names <= set(criteria)).astype(bool)
    _check(lines, table, "expected", right, f"expected some of the criteria {', '.join(criteria)}")


def _is_point(text: str, scale: tuple[int, int]) -> bool:
    return re.fullmatch(_WHOLE, text) is not None and scale[0] <= float(text) <= scale[1]


def _check_asked(lines: Lines, table: pd.DataFrame, possible: Callable[[str], bool], wanted: str) -> None:
    """Refuse an attention item that asks for what nobody can answer: it would leave out everybody."""
    asked = table["expected"].where(table["role"] == "attention", "")
    right = asked.map(lambda text: not text or all(map(possible, expected_answers(text).values()))).astype(bool)
    _check(lines, table, "expected", right, f"expected {wanted}")


def expected_answers(text: str) -> dict[str, str]:
    """Return what an attention item asks for, by criterion: "AQ=2;TA=2" gives {"AQ": "2", "TA": "2"}."""
    return {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in text.split(";"))}


def _check_second_answers(lines: Lines, table: pd.DataFrame, names: Sequence[str]) -> None:
    """Refuse one rater's second answer to an item that is not marked as a repeat."""
    items = table[table["role"] == "item"]
    again = items.duplicated(["rater", *names])
    if again.any():
        row = items.iloc[int(again.to_numpy().argmax())]
        what = " against ".join(str(row[name]) for name in names[2:])
        raise ValueError(f"{lines.path}, line {row['line']}: {row['rater']} rates {what} on {row['sample_id']} twice")


def _preferences(lines: Lines, table: pd.DataFrame, criteria: tuple[str, ...]) -> Preferences:
    judged = table["role"] != "attention"
    right = ~judged | (table["model_a"] < table["model_b"])
    _check(lines, table, "model_b", right, "expected a name after that of model_a in the alphabet")
    for name in criteria:
        right = table[name].isin((*CHOICES, ""))
        _check(lines, table, name, right, f"expected one of {', '.join(CHOICES)}, or nothing")
    _check_rated(lines, table[list(criteria)] != "")
    _check_asked(lines, table, lambda text: text in CHOICES, f"one of {', '.join(CHOICES)} for each")
    right = table["shown_first"].isin(("a", "b", ""))
    _check(lines, table, "shown_first", right, "expected a or b, or nothing")
    return Preferences(table, criteria, str(lines.path))
