"""What the packages offer is what `dir`, editors and type checkers see, and what a console shows of it is one line."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ["baselines", "benchmark", "benchmark.report", "metrics", "vgg_monoaudio"]
LAZY = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for room in ("baselines", "benchmark", "metrics", "vgg_monoaudio")
    for path in (ROOT / room).rglob("__init__.py")
    if "lazy_exports" in path.read_text()
)


@pytest.mark.parametrize("name", PACKAGES)
def test_dir_shows_public_names_and_submodules_and_nothing_that_a_package_imports_for_itself(name):
    package = import_module(name)
    shown = {one for one in dir(package) if not one.startswith("__")}
    modules = {one for one in shown if f"{name}.{one}" in sys.modules}
    assert set(package.__all__) <= shown
    assert shown - modules <= set(package.__all__)


def for_type_checkers(tree):
    """Name to its module, of what stands under `if TYPE_CHECKING`."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for line in node.body:
                found |= {alias.name: line.module for alias in line.names}
    return found


@pytest.mark.parametrize("name", LAZY)
def test_type_checkers_are_told_of_every_name_that_is_imported_on_first_use(name):
    tree = ast.parse((ROOT / name.replace(".", "/") / "__init__.py").read_text())
    package = import_module(name)
    told = for_type_checkers(tree)
    assert sorted(told) == sorted(package.__all__)
    for public, home in told.items():
        assert getattr(package, public) is (getattr(import_module(home), public))
    written = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__")
    assert ast.literal_eval(written) == list(package.__all__), "a type checker reads a list, and computes none"


@pytest.mark.slow(2)
def test_mypy_knows_the_type_of_every_public_name(tmp_path):
    names = [(package, name) for package in PACKAGES for name in import_module(package).__all__]
    lines = [f"from {package} import {name} as v{place}" for place, (package, name) in enumerate(names)]
    (tmp_path / "user.py").write_text("\n".join([*lines, *(f"reveal_type(v{n})" for n in range(len(names)))]))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "pyproject.toml", tmp_path / "user.py"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    revealed = [line.partition('Revealed type is "')[2] for line in done.stdout.splitlines() if "Revealed" in line]
    assert len(revealed) == len(names), done.stdout
    assert [name for name, kind in zip(names, revealed, strict=True) if kind.startswith("Any")] == []
    assert "error:" not in done.stdout
