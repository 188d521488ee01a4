"""What lies next to a model file and is imported by it: the file's own folder counts, not the working directory's.

A module has one name per process. Two files that import different modules of one name, or a module whose name belongs
to an installed package, are refused: the second would run with the first's code.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_SERVED: dict[str, Path] = {}  # module name to file, for good: functions of a model import later
_FOLDERS: set[str] = set()  # of model files, on the search path for imports that are not written out
_SUITE = Path(__file__).resolve().parents[1]


class _Finder:
    """Serves the neighbours of model files ahead of the search path."""

    @staticmethod
    def find_spec(name: str, _path: Sequence[str] | None = None, _for: ModuleType | None = None) -> ModuleSpec | None:
        """Return how to import a neighbour; None for every other module."""
        file = _SERVED.get(name)
        return importlib.util.spec_from_file_location(name, file) if file is not None and file.is_file() else None


@contextmanager
def served(path: Path) -> Iterator[None]:
    """Serve the modules next to a model file, while it is executed and ever after unless it fails.

    Raises:
        ValueError: the file, or a neighbour that it imports, would get another module of that name.
    """
    _FOLDERS.add(str(path.parent))
    append_to_path(path.parent)
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    neighbours = _neighbours(path)
    for name, file in neighbours.items():
        _refuse_another(path, name, file)
    before = dict(_SERVED)
    _SERVED.update(neighbours)
    try:
        yield
        for name, file in neighbours.items():
            _refuse_another(path, name, file)
    except BaseException:
        _SERVED.clear()
        _SERVED.update({name: file for name, file in neighbours.items() if name in sys.modules} | before)
        raise


def append_to_path(folder: Path) -> None:
    """Put a folder at the end of the search path, where it hides nothing that is installed."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _refuse_another(path: Path, name: str, file: Path) -> None:
    there = _elsewhere(name, path.parent)
    if there is not None and not (Path(there).exists() and file.samefile(there)):
        raise ValueError(
            f"{path}: imports {name} from {there}, not the one next to it; rename it, or run each model alone"
        )


def _elsewhere(name: str, folder: Path) -> str | None:
    """Return where a module of that name comes from if not from `folder`; None where there is no other.

    The working directory does not count: it is on the search path because Python was started there.
    """
    if (module := sys.modules.get(name)) is not None:
        return _place(module.__spec__, getattr(module, "__file__", None))
    if name in _SERVED:
        return str(_SERVED[name])
    ours = _SUITE / name / "__init__.py"
    if ours.is_file():  # imported later, perhaps, and from the working directory
        return str(ours)
    here = {Path.cwd(), folder.resolve()}
    others = [entry for entry in sys.path if entry not in _FOLDERS and Path(entry).resolve() not in here]
    spec = PathFinder.find_spec(name, others)
    for finder in sys.meta_path:
        if spec is None and finder not in (_Finder, PathFinder):
            spec = finder.find_spec(name, None)
    return None if spec is None else spec.origin  # a folder without `__init__.py` has none, and gives way to a module


def _place(spec: ModuleSpec | None, file: str | None) -> str | None:
    """Return where an imported module is: its file, `built-in`, or the folder of one without `__init__.py`."""
    if file is not None or spec is None:
        return file
    return spec.origin or next(iter(spec.submodule_search_locations or []), None)


def _neighbours(path: Path) -> dict[str, Path]:
    """Return the modules next to a file that it imports, directly or by way of each other: name to file."""
    found: dict[str, Path] = {}
    to_read = [path]
    while to_read:
        source = to_read.pop()
        for name in _imported_names(source) - found.keys():
            file = _next_to(path, name)
            if file is None or (name == path.stem and source == path):  # a wrapper named after the package it wraps
                continue
            found[name] = file
            if name in sys.modules:  # and what it imports with it
                continue
            to_read += file.parent.rglob("*.py") if file.name == "__init__.py" else [file]
    return found


def _next_to(path: Path, name: str) -> Path | None:
    places = (path.parent / name / "__init__.py", path.parent / f"{name}.py")
    return next((place for place in places if place.is_file()), None)


def _imported_names(file: Path) -> set[str]:
    """Return the top-level modules that a file imports anywhere; none where it cannot be parsed."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names
