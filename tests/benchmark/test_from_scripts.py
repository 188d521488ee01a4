"""From Python: a script, what is given on standard input, and a notebook work as they stand, without a main guard."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
from benchmark import Choices, evaluate, generate
from vgg_monoaudio import load_benchmark

print("begun")
tiny = load_benchmark({path!r})
run = generate(tiny, "mixture", subset="inter", workers=2)
record = evaluate(run, tiny, Choices(profile="signal", resamples=40), workers=2)
print(record.counts.scored)
"""
CELLS = """
import sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in sys.stdin.read().split("\\n\\n"):
    shell.run_cell(cell).raise_error()
"""


@pytest.mark.parametrize("way", ["file", "standard input", "notebook"])
def test_what_a_script_does_is_done_once_though_worker_processes_read(way, tiny, tmp_path, environment):
    script = SCRIPT.format(path=str(tiny.path))
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "cells.py").write_text(CELLS)
    if way == "notebook":
        pytest.importorskip("IPython")
    arguments = {"file": ["script.py"], "standard input": ["-"], "notebook": ["cells.py"]}[way]
    path = os.pathsep.join([str(ROOT), environment["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, *arguments], input="" if way == "file" else script, cwd=tmp_path, capture_output=True,
        text=True, timeout=600, env={**environment, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "begun\n4\n"
