"""The list of planted faults: what is wrong, in which file, and which test notices.

[[fault]]
name = "IB of the target's own sound"        what the product would get wrong
file = "metrics/registry.py"                 relative to the checkout
old = 'takes=("video.imagebind", ...'        text that occurs exactly once in the file
new = '...'                                  what takes its place
test = "tests/benchmark/...py::test_name"    must pass without the fault and fail with it
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).parent / "lists"


@dataclass(frozen=True)
class Fault:
    """One planted fault; the fields are those of the list."""

    name: str
    file: str
    old: str
    new: str
    test: str

    @property
    def test_file(self) -> str:
        """Path of the test's file, relative to the checkout."""
        return self.test.partition("::")[0]

    def planted(self, tree: Path) -> str:
        """Return the file's text with the fault in it.

        Raises:
            ValueError: the file is not there, or the text to replace does not occur exactly once.
        """
        path = tree / self.file
        if not path.is_file():
            raise ValueError(f'fault "{self.name}": there is no file {self.file}; point it at the code as it is now')
        text = path.read_text(encoding="utf-8")
        if (found := text.count(self.old)) != 1:
            raise ValueError(
                f'fault "{self.name}": the text to replace occurs {found} times in {self.file}, expected once: '
                f"{self.old!r}; write the fault anew for the code as it is now"
            )
        return text.replace(self.old, self.new)


def read_faults(lists: Path = LISTS) -> list[Fault]:
    """Return the faults of all lists in a folder, in the order of the files' names.

    Raises:
        ValueError: a field is missing or unknown, a fault changes nothing, or two have one name.
    """
    faults: dict[str, Fault] = {}
    for path in sorted(lists.glob("*.toml")):
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["fault"]:
            try:
                fault = Fault(**row)
            except TypeError as error:
                raise ValueError(f"{path.name}: {row.get('name', row)}: {error}") from error
            if fault.name in faults or fault.old == fault.new:
                raise ValueError(f"{path.name}: {fault.name}: expected another name, and a text that differs")
            faults[fault.name] = fault
    return list(faults.values())


def problems(faults: list[Fault], tree: Path) -> Iterator[str]:
    """Yield what is wrong with faults as they stand: texts that are gone, tests that are not there."""
    names: dict[str, set[str]] = {}
    for fault in faults:
        try:
            fault.planted(tree)
        except ValueError as error:
            yield str(error)
        if fault.test_file not in names:
            names[fault.test_file] = _functions(tree / fault.test_file)
        _, _, test = fault.test.partition("::")
        if test.partition("[")[0] not in names[fault.test_file]:
            yield f'fault "{fault.name}": there is no test {fault.test}'


def _functions(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}
