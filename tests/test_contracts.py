"""The import contracts refuse what they are there to refuse: each case breaks a copy of the tree in one place."""

import shutil
import subprocess
import sys
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
        pytest.param("benchmark/executors.py", "", "benchmark.executors", id="the harness: a module without a place"),
        pytest.param("benchmark/report/rooms.py", "", "benchmark.report.rooms", id="the report: likewise"),
        pytest.param("vgg_monoaudio/rooms.py", "", "vgg_monoaudio.rooms", id="the builder: likewise"),
        pytest.param("foundation/rooms.py", "", "foundation.rooms", id="the ground floor: likewise"),
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
