"""Which rows of a printed table are to be made, and by which models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines import UnknownModel, get_model, list_models
from benchmark.report.results import Row
from benchmark.report.tables.published import FOLDER, of_paper, read_published, read_published_file
from foundation.names import joined, nearest

MAIN = "1"  # its numbers are not at hand
_FROM_OUTSIDE = ("recorded", "external")
# Samples of the paper's own lists, arXiv:2512.02650, appendix B. How many VGGSound clips it scored, it does not say.
PUBLISHED_SAMPLES: Mapping[str, int] = {"inter": 560, "intra": 511}


@dataclass(frozen=True)
class PlannedRow:
    """A printed row, and the model that makes it."""

    printed: Row
    model: str

    @property
    def name(self) -> str:
        """The row as printed."""
        return self.printed.model

    @property
    def subset(self) -> str:
        """Which subset it is on."""
        return self.printed.subset

    @property
    def published_samples(self) -> int | None:
        """How many samples the printed numbers are over; None where that is not known."""
        if self.printed.expected is not None:
            return self.printed.expected
        return PUBLISHED_SAMPLES.get(self.subset) if of_paper(self.printed) else None


@dataclass(frozen=True)
class Plan:
    """The rows of a table, in its order.

    Attributes:
        table: its name.
        file: where the printed numbers are from.
        rows: those that are made.
        left_out: the other printed rows, with the reason.
        every: all printed rows, also those left out.
    """

    table: str
    file: Path
    rows: tuple[PlannedRow, ...]
    left_out: tuple[str, ...]
    every: tuple[Row, ...]

    @property
    def models(self) -> list[str]:
        """The models, each once, in the order of the rows."""
        return list(dict.fromkeys(row.model for row in self.rows))

    @property
    def subsets(self) -> list[str]:
        """The subsets, each once."""
        return list(dict.fromkeys(row.subset for row in self.rows))

    @property
    def of_paper(self) -> bool:
        """Whether some of the printed numbers are the paper's, which are of profile paper."""
        return any(of_paper(row) for row in self.every)

    def column(self, metric: str, subset: str) -> list[str]:
        """Return every number printed for a metric on a subset."""
        return [row.texts[metric] for row in self.every if row.subset == subset and metric in row.texts]


def plan_of(
    table: str, published: Path | None = None, *, rows: Collection[str] = (), skip_unpublished: bool = False
) -> Plan:
    """Return which rows of a table are to be made.

    A row's model is that of its column `model`; else the registered one that says it makes this row; else the one that
    is called like the row.

    Args:
        table: 1, A1, D3, D4 or D5, or the name of a table of one's own.
        published: file of the printed numbers; None takes the one that comes with the suite.
        rows: only these, by what is printed or by their models' names.
        skip_unpublished: leave out rows whose weights are not published.

    Raises:
        ValueError: no such table, or a file that cannot be read; a row that is not in it; a row that no model makes;
            none is left.
    """
    if published is None and table == MAIN:
        raise ValueError(
            f"table {MAIN}: its printed numbers do not come with the suite; write them into a CSV with the columns of "
            f"{FOLDER / 'D4.csv'}, and perhaps the columns model and samples, and give it with --published FILE"
        )
    if published is None:
        table = next((path.stem for path in FOLDER.glob("*.csv") if path.stem.lower() == table.lower()), table)
    file = published or FOLDER / f"{table}.csv"
    of_table = read_published(table) if published is None else read_published_file(file, table)
    made_by = [(row, _model_of(table, row)) for row in of_table]
    _check_rows(rows, made_by, file)
    wanted, left_out = [], []
    for row, model in made_by:
        why = _why_left_out(row.model, model, rows, skip_unpublished)
        if why:
            left_out.append(f"{row.model}, {row.subset}: {why}")
        elif model is None:
            raise ValueError(
                f"{file}: no model is known to make row {row.model!r} of table {table}; name it in a column model, "
                "or take the other rows with --rows"
            )
        else:
            wanted.append(PlannedRow(row, model))
    _check_recorded(wanted, file)
    if not wanted:
        raise ValueError(f"table {table}: no row is left of {len(of_table)}: {'; '.join(left_out)}")
    return Plan(table, file, tuple(wanted), tuple(left_out), tuple(of_table))


def _model_of(table: str, row: Row) -> str | None:
    if row.model_name:
        return row.model_name
    mark = f"{table}: {row.model}"
    made_by = next((entry.name for entry in list_models() if mark in entry.rows), None)
    if made_by is not None:
        return made_by
    return row.model if row.model in {entry.name for entry in list_models()} else None


def _check_rows(rows: Collection[str], made_by: Sequence[tuple[Row, str | None]], file: Path) -> None:
    printed = list(dict.fromkeys(row.model for row, _ in made_by))
    known = list(dict.fromkeys([*printed, *(model for _, model in made_by if model)]))
    for name in rows:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {joined(near)}?" if near else f"there are {', '.join(printed)}"
            raise ValueError(f"--rows: {file} has no row {name!r}; {hint}")


def _check_recorded(wanted: Sequence[PlannedRow], file: Path) -> None:
    """Refuse two rows of one subset whose sounds come from outside: an option names one folder or one address."""
    outside = {entry.name for entry in list_models() if entry.kind in _FROM_OUTSIDE}
    from_outside = Counter((row.model, row.subset) for row in wanted if row.model in outside)
    for (model, subset), count in from_outside.items():
        if count > 1:
            raise ValueError(
                f"{file}: {count} rows of {subset} are of model {model}, which is told one place; take one at a time "
                "with --rows, each with a --run-name and an --out of its own"
            )


def _why_left_out(name: str, model: str | None, rows: Collection[str], skip_unpublished: bool) -> str:
    if rows and name not in rows and model not in rows:
        return "not asked for"
    if skip_unpublished and model is not None and (parts := unpublished_parts(model)):
        return f"its weights are not published ({', '.join(parts)})"
    return ""


def unpublished_parts(model: str) -> Sequence[str]:
    """Return the parts of a model's weights that are not published.

    Raises:
        ValueError: there is no such model.
    """
    try:
        return get_model(model).unpublished
    except UnknownModel as error:
        raise ValueError(str(error)) from error
