"""What was measured of speed and memory, on which machine: records that are kept as JSON, and their tables."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from foundation.records import Record, read_bounded, what_is_wrong
from foundation.work import available_cores

GIGABYTE = 1e9


class Machine(Record):
    """Where something was measured; what is not known is absent. It names no host and no folder.

    Attributes:
        name: a few words, such as "2 cores".
        cpu: model of the processor.
        cores: that the measurement could use.
        memory_gb: of the machine, 10^9 bytes.
        gpu: model of the card.
        python: version, as those that follow.
    """

    name: str
    cpu: str | None = None
    cores: int | None = Field(None, ge=1)
    memory_gb: float | None = Field(None, gt=0)
    gpu: str | None = None
    python: str | None = None
    torch: str | None = None
    numpy: str | None = None


class Figure(Record):
    """One measured figure.

    Attributes:
        what: was measured.
        figure: its value.
        unit: of the value; of `usual` and `floor` too. Empty for a ratio.
        usual: the same figure, the usual way.
        usual_way: what that is.
        floor: the same figure, were only done what cannot be left out.
        floor_of: what that is, such as bytes decoded or arithmetic at the card's rate.
        n: samples, where the figure grows with their number.
        at_most: promised.
        at_least: promised.
        note: what else a reader must know.
    """

    what: str = Field(min_length=1)
    figure: float = Field(allow_inf_nan=False)
    unit: str = ""
    usual: float | None = Field(None, allow_inf_nan=False)
    usual_way: str | None = None
    floor: float | None = Field(None, allow_inf_nan=False)
    floor_of: str | None = None
    n: int | None = Field(None, ge=1)
    at_most: float | None = None
    at_least: float | None = None
    note: str | None = None

    @property
    def missed(self) -> bool:
        """Tell whether the figure is not what was promised."""
        too_much = self.at_most is not None and self.figure > self.at_most
        return too_much or (self.at_least is not None and self.figure < self.at_least)


class Measurements(Record):
    """The figures of one section, all of one machine and one day.

    Attributes:
        schema_version: of this record.
        section: what was measured; the name of the file.
        date: day, ISO 8601.
        commit: of the code, with "+changes" where it was not committed as it was; absent where it is not known.
        machine: where.
        settings: what holds for all figures.
        figures: in the order of the table.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    section: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    commit: str | None = Field(None, pattern=r"^[0-9a-f]{7,40}(\+changes)?$")
    machine: Machine
    settings: str | None = None
    figures: tuple[Figure, ...] = Field(min_length=1)


def this_machine(gpu: str | None = None) -> Machine:
    """Return what there is to know of this machine.

    Args:
        gpu: model of the card that is measured; None: the processor alone.
    """
    cores = available_cores()
    name = f"one {gpu}, {cores} cores" if gpu else "1 core" if cores == 1 else f"{cores} cores"
    known: dict[str, str | int | float | None] = {
        "name": name, "cpu": _cpu(), "cores": cores, "memory_gb": _memory_gb(), "gpu": gpu,
        "python": platform.python_version(), "torch": _version("torch"), "numpy": _version("numpy"),
    }  # fmt: skip
    return Machine.model_validate({field: value for field, value in known.items() if value is not None})


def measured_now(
    section: str, figures: Sequence[Figure], machine: Machine, settings: str | None = None
) -> Measurements:
    """Return figures of this code and this day as a record."""
    content: dict[str, object] = {
        "schema": 1, "section": section, "date": datetime.now(UTC).date().isoformat(), "commit": _commit(),
        "machine": machine, "settings": settings, "figures": figures,
    }  # fmt: skip
    return Measurements.model_validate({field: value for field, value in content.items() if value is not None})


def read_measurements(path: Path) -> Measurements:
    """Return a record; its file is called after its section.

    Raises:
        ValueError: names the file, and what is wrong with it.
    """
    try:
        found = Measurements.model_validate_json(read_bounded(path))
    except ValidationError as error:
        raise ValueError(f"{path}: {what_is_wrong(error)}") from error
    if found.section != path.stem:
        raise ValueError(f"{path}: holds section {found.section!r}; call the file {found.section}.json")
    return found


def measured_tables(folder: Path) -> dict[str, str]:
    """Return the table of each record in a folder as Markdown, by the name in its mark: `measured SECTION`.

    Raises:
        ValueError: a record cannot be read; names it.
    """
    records = map(read_measurements, sorted(folder.glob("*.json")))
    return {f"measured {record.section}": markdown(record) for record in records}


def markdown(record: Measurements) -> str:
    """Return a line that says where and when, and a table with the columns that one of the figures fills."""
    machine = record.machine
    versions = [f"torch {machine.torch}"] if machine.torch else []
    known = [machine.name, *([machine.cpu] if machine.cpu else []), *versions, record.date]
    caption = ", ".join([*known, *([record.settings] if record.settings else [])]) + "."
    figures = record.figures
    columns = [(title, cells) for title, cell in _COLUMNS.items() if any(cells := [cell(figure) for figure in figures])]
    head = ["| " + " | ".join(title for title, _ in columns) + " |", "|" + "---|" * len(columns)]
    rows = ("| " + " | ".join(row) + " |" for row in zip(*(cells for _, cells in columns), strict=True))
    return "\n".join([caption, "", *head, *rows])


def told(value: float, unit: str) -> str:
    """Return a figure as people read it: no more digits than were given, thousands apart."""
    digits = f"{value:,.0f}" if abs(value) >= 1000 and value == round(value) else f"{value:g}"
    return f"{digits} {unit}".strip()


def _beside(value: float | None, unit: str, what: str | None) -> str:
    if value is None:
        return ""
    return told(value, unit) + (f" ({what})" if what else "")


def _promised(figure: Figure) -> str:
    bounds = {"at most": figure.at_most, "at least": figure.at_least}
    words = [f"{word} {told(bound, figure.unit)}" for word, bound in bounds.items() if bound is not None]
    return " and ".join(words) + (": missed" if figure.missed else "")


_COLUMNS: dict[str, Callable[[Figure], str]] = {
    "what": lambda figure: figure.what,
    "n": lambda figure: "" if figure.n is None else f"{figure.n:,}",
    "measured": lambda figure: told(figure.figure, figure.unit),
    "the usual way": lambda figure: _beside(figure.usual, figure.unit, figure.usual_way),
    "floor": lambda figure: _beside(figure.floor, figure.unit, figure.floor_of),
    "promised": lambda figure: _promised(figure),
    "note": lambda figure: figure.note or "",
}


def _cpu() -> str | None:
    """Return the processor's model, without the folder or host that the system may add elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE, 1)
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the checkout that this code runs from; None outside of one."""
    head = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", ":/", ":(top,exclude)docs")  # figures are kept one by one
    return f"{head}+changes" if head and changes else head


def _git(*arguments: str) -> str | None:
    here = os.fspath(Path(__file__).parent)
    try:
        done = subprocess.run(["git", "-C", here, *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
