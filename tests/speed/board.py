"""What measurements share: figures are shown as they come, and kept with the machine that they were measured on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from foundation.files import write_text
from foundation.measurements import Figure, Measurements, measured_now, this_machine, told

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "performance"


def line(figure: Figure) -> str:
    """Return a figure with what it stands beside, and whether what was promised of it holds."""
    bounds = {"at most": figure.at_most, "at least": figure.at_least}
    promised = [f"promised: {word} {bound:g}" for word, bound in bounds.items() if bound is not None]
    beside = [
        f"{name} {told(value, figure.unit)}" + (f" ({what})" if what else "")
        for name, value, what in (
            ("the usual way", figure.usual, figure.usual_way), ("floor", figure.floor, figure.floor_of),
        )
        if value is not None
    ]  # fmt: skip
    words = "; ".join([*beside, *promised, *([figure.note] if figure.note else [])])
    verdict = "MISS" if figure.missed else "ok  " if promised else "    "
    return f"{verdict} {figure.what}: {told(figure.figure, figure.unit)}" + (f"  [{words}]" if words else "")


def shown(figures: Iterable[Figure]) -> Iterator[Figure]:
    """Yield figures, each printed when it comes."""
    for figure in figures:
        print(line(figure), flush=True)
        yield figure


def show(figures: Iterable[Figure]) -> int:
    """Print figures; return 1 where one is not what was promised."""
    return int(sum(figure.missed for figure in shown(figures)) > 0)


def keep(section: str, figures: Iterable[Figure], folder: Path = FOLDER) -> int:
    """Print figures and keep them as `folder/SECTION.json`; return 1 where one is not what was promised.

    What does not come to its end leaves the record that was there.
    """
    found = list(shown(figures))
    written(measured_now(section, found, this_machine()), folder)
    return int(any(figure.missed for figure in found))


def written(record: Measurements, folder: Path = FOLDER) -> Path:
    """Write a record under the name of its section; return the file."""
    path = folder / f"{record.section}.json"
    write_text(path, record.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n")
    return path


def significant(value: float, digits: int = 3) -> float:
    """Return a measured value with no more digits than it deserves."""
    return float(f"{value:.{digits}g}")
