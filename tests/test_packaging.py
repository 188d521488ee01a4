"""What an installed copy of the packages holds besides Python files."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio")
COMES_WITH_TORCH = {"triton"}  # on some systems, and is looked for before it is used
BY_NAME = {
    "find_spec",
    "import_isolated",
    "import_module",
    "load_extra",
    "load_isolated",
}  # functions that import a module of a name

DRIVERS = ROOT / "baselines" / "programs" / "drivers"


def declared(*, without: str = "dev") -> set[str]:
    """Distributions among the dependencies and in extras, but for one extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra, packages in project["optional-dependencies"].items():
        lines += packages if extra != without else []
    return {spelled(re.match(r"[\w.-]+", line)[0]) for line in lines}


def spelled(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported(source: str) -> Iterator[str]:
    """Top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in BY_NAME and node.args:
            names = [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
        yield from (name.partition(".")[0] for name in names)


def test_every_file_of_a_package_is_installed_with_it():
    """A file that `package-data` does not name is in the checkout alone, and missing after `pip install`."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    left_out = set()
    for pattern in setuptools["packages"]["find"]["include"]:
        room = ROOT / pattern.rstrip("*")
        files = {path for path in room.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
        for named in setuptools["package-data"].get(room.name, []):
            files -= set(room.glob(named))
        left_out |= {str(path.relative_to(ROOT)) for path in files}
    assert left_out == set()


def test_every_package_that_is_imported_is_a_dependency_or_of_an_extra():
    """One that comes along with another package is gone when that one does without it."""
    installed, named = packages_distributions(), declared()
    own = {*sys.stdlib_module_names, *ROOMS, *COMES_WITH_TORCH}
    unnamed: dict[str, str] = {}
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        if path.parent == DRIVERS:
            continue  # run by the interpreters of other programs, which have packages of their own
        for package in set(imported(path.read_text())) - own:
            if not named & {spelled(name) for name in installed.get(package, [package])}:
                unnamed.setdefault(package, str(path.relative_to(ROOT)))
    assert unnamed == {}


def test_imports_are_found_wherever_they_stand():
    source = "import a.b\ndef f():\n    from c.d import e\n    load_extra('g.h', 'web')\nfrom . import own\n"
    assert set(imported(source)) == {"a", "c", "g"}
