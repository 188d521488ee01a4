"""The import contracts refuse what they are there to refuse: each case breaks a copy of the tree in one place."""

import ast
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("benchmark", "vgg_monoaudio", "baselines", "metrics", "foundation")
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command(['--no-cache']))"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The packages' Python files and the contracts."""
    copy = tmp_path_factory.mktemp("tree")
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "*.csv", "*.html", "*.js")
        )
    shutil.copy2(ROOT / "pyproject.toml", copy)
    return copy


def lint(tree):
    return subprocess.run([sys.executable, "-c", LINT], cwd=tree, capture_output=True, text=True)


def test_the_tree_keeps_its_contracts(tree):
    done = lint(tree)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "code", "named"),
    [
        pytest.param("metrics/kl.py", "import benchmark.runs", "metrics.kl", id="a metric on the harness"),
        pytest.param("vgg_monoaudio/pairing.py", "import benchmark.runs", "vgg_monoaudio.pairing", id="the builder"),
        pytest.param("baselines/controls.py", "import benchmark.runs", "baselines.controls", id="a model"),
        pytest.param("metrics/kl.py", "import baselines.controls", "metrics.kl", id="a metric on a model"),
        pytest.param("foundation/names.py", "import metrics.kl", "foundation.names", id="the ground floor on a room"),
        pytest.param("benchmark/runs.py", "import benchmark.scoring", "benchmark.runs", id="upwards in the harness"),
        pytest.param("metrics/uncertainty/intervals.py", "import metrics.kad", "metrics.uncertainty", id="a circle"),
        pytest.param("benchmark/rooms.py", "", "benchmark.rooms", id="the harness: a module without a place"),
        pytest.param("benchmark/report/rooms.py", "", "benchmark.report.rooms", id="the report: likewise"),
        pytest.param("vgg_monoaudio/rooms.py", "", "vgg_monoaudio.rooms", id="the builder: likewise"),
        pytest.param("foundation/rooms.py", "", "foundation.rooms", id="the ground floor: likewise"),
        pytest.param("benchmark/web/study/rooms.py", "", "benchmark.web.study.rooms", id="the study: likewise"),
        pytest.param("benchmark/web/curation/rooms.py", "", "benchmark.web.curation.rooms", id="curation: likewise"),
        pytest.param(
            "benchmark/web/study/sitting.py",
            "import benchmark.web.study.sounds",
            "study.sounds",
            id="a study that is served on how it was made",
        ),
        pytest.param(
            "benchmark/web/curation/rows.py", "import benchmark.web.curation.desk", "curation.rows", id="rows on a desk"
        ),
    ],
)
def test_what_a_contract_forbids_is_refused_by_name(tree, file, code, named):
    path = tree / file
    before = path.read_bytes() if path.exists() else None
    path.write_text((before or b"").decode() + f"\n{code}\n")
    try:
        done = lint(tree)
    finally:
        path.unlink() if before is None else path.write_bytes(before)
    assert done.returncode == 1, done.stdout
    assert named in done.stdout


# What import-linter cannot see: addresses that no file has, because they are old or lead to another module, addresses
# in strings, packages of no room, and folders without an `__init__.py`.

BELOW = {  # room: rooms that it may name
    "foundation": {"foundation"},
    "metrics": {"foundation", "metrics"},
    "baselines": {"foundation", "baselines"},
    "vgg_monoaudio": {"foundation", "vgg_monoaudio"},
    "benchmark": {"foundation", "metrics", "baselines", "vgg_monoaudio", "benchmark"},
}
SYNCHFORMER = "metrics.backbones.synchformer"  # the one exception: the native models' video branch
ADDRESS = re.compile(r"([a-z_]+)(\.[A-Za-z_]\w*)+(:[A-Za-z_][\w.]*)?")


@cache  # each case changes one file of hundreds
def words_of(text):
    """What a file imports, each with what it takes from it, and its strings that look like an address of a module."""
    imports, strings = [], []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imports += [(name.name, ()) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append((node.module, tuple(name.name for name in node.names)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ADDRESS.fullmatch(node.value):
            strings.append(node.value.partition(":")[0])
    return imports, strings


def addresses(path, root):
    """Every module that a file imports, or that a string of it is the address of, with what it takes from it."""
    imports, strings = words_of(path.read_text(encoding="utf-8"))
    yield from imports
    for module in strings:
        place = root / module.replace(".", "/")
        if place.is_dir() or place.with_suffix(".py").is_file():
            yield module, ()


def forbidden(root):
    """Each place where a file names a room above or beside its own, or an address that is not a file's."""
    ours = {path.name for path in root.iterdir() if path.is_dir()} | {"tests"}
    for room, below in BELOW.items():
        for path in sorted((root / room).rglob("*.py")):
            file = path.relative_to(root)
            if not (path.parent / "__init__.py").is_file():
                yield f"{file}: its folder has no __init__.py"
            native = room == "baselines" and file.parts[1] in {"mmaudio", "selva"}
            for module, names in addresses(path, root):
                first = module.partition(".")[0]
                if first not in ours or (native and module.startswith(SYNCHFORMER)):
                    continue
                if first not in below:
                    yield f"{file}: names {module}"
                if module == "benchmark" and not all((root / "benchmark" / f"{name}.py").exists() for name in names):
                    yield f"{file}: takes {', '.join(names)} from the front door"


def test_no_room_names_one_above_or_beside_it():
    assert list(forbidden(ROOT)) == []


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        ("vgg_monoaudio/pairing.py", "from benchmark.media import sound", "names benchmark.media"),
        ("metrics/kl.py", "from benchmark.checkpoints import find", "names benchmark.checkpoints"),
        ("foundation/names.py", "from baselines.rewas import ReWaS", "names baselines.rewas"),
        ("metrics/kl.py", "import_module('benchmark.runs')", "names benchmark.runs"),
        ("baselines/own.py", "load('benchmark.runs:RunRecord')", "names benchmark.runs"),
        ("foundation/work.py", "import tests.support", "names tests.support"),
        ("metrics/kl.py", "import extra", "names extra"),
        ("baselines/controls.py", "import metrics.backbones.synchformer", f"names {SYNCHFORMER}"),
        ("benchmark/runs.py", "from benchmark import generate", "takes generate from the front door"),
        ("benchmark/rooms/one.py", "", "its folder has no __init__.py"),
    ],
)  # fmt: skip
def test_what_import_linter_does_not_see_is_refused(tree, file, code, said):
    (tree / "extra").mkdir(exist_ok=True)
    path = tree / file
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text((before or b"").decode() + f"\n{code}\n")
    try:
        assert list(forbidden(tree)) == [f"{file}: {said}"]
    finally:
        path.unlink() if before is None else path.write_bytes(before)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
