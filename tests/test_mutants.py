"""The planted faults fit the code as it is, and their runner tells a fault that is noticed from one that is not."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from mutants.faults import Fault, problems, read_faults
from mutants.running import Verdict, run_faults

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("foundation", "vgg_monoaudio", "baselines", "metrics", "benchmark", "benchmark/report", "benchmark/cli")


def test_every_fault_s_text_occurs_once_and_its_test_is_there():
    assert list(problems(read_faults(), ROOT)) == []


def test_there_are_faults_in_every_room():
    files = [fault.file for fault in read_faults()]
    assert len(files) >= 60
    for room in ROOMS:
        assert sum(file.startswith(f"{room}/") for file in files) >= 4, room
    assert max(Counter(fault.name for fault in read_faults()).values()) == 1


NOTICED = Fault("adds", "toy/sums.py", "a + b", "a - b", "tests/test_sums.py::test_sum")


@pytest.fixture
def tree(tmp_path):
    """A small checkout: one module, and three tests of it."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "__init__.py").touch()
    (tmp_path / "toy" / "sums.py").write_text("def total(a, b):\n    return a + b\n\n\nNAME = 'sums'\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sums.py").write_text(
        "from toy.sums import NAME, total\n\n\ndef test_sum():\n    assert total(2, 2) == 4\n\n\n"
        "def test_name():\n    assert NAME\n"
    )
    (tmp_path / "tests" / "test_broken.py").write_text("def test_nothing():\n    assert False\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    return tmp_path


def test_a_fault_is_noticed_survives_or_no_longer_fits(tree, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # which these tests do without, and a start takes longer
    faults = [
        NOTICED,
        replace(NOTICED, name="survives", old="'sums'", new="'other'", test="tests/test_sums.py::test_name"),
        replace(NOTICED, name="is gone", old="a * b"),
        replace(NOTICED, name="fails anyway", test="tests/test_broken.py::test_nothing"),
        replace(NOTICED, name="cannot be imported", new="a +"),
    ]
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    found = {verdict.fault.name: verdict.problem for verdict in run_faults(faults, tree, workers=1, common=False)}
    assert found["adds"] == ""
    assert found["survives"] == "the test passes with the fault: nobody notices"
    assert "occurs 0 times in toy/sums.py, expected once: 'a * b'" in found["is gone"]
    assert found["fails anyway"].startswith("the tests do not pass without a fault (pytest ended with 1)")
    assert found["cannot be imported"].startswith("the test did not run (pytest ended with 4)")
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_a_fault_that_no_longer_fits_is_named_before_anything_is_run(tree):
    faults = [
        NOTICED,
        replace(NOTICED, file="toy/absent.py"),
        replace(NOTICED, old="a", new="c"),
        replace(NOTICED, test="tests/test_sums.py::test_product"),
    ]
    assert list(problems(faults, tree)) == [
        'fault "adds": there is no file toy/absent.py; point it at the code as it is now',
        "fault \"adds\": the text to replace occurs 3 times in toy/sums.py, expected once: 'a'; "
        "write the fault anew for the code as it is now",
        'fault "adds": there is no test tests/test_sums.py::test_product',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[fault]]\nname = "x"\nfile = "f"\nold = "a"\nnew = "b"\n', "x: .*missing.*'test'"),
        (
            '[[fault]]\nname = "x"\nfile = "f"\nold = "a"\nnew = "a"\ntest = "t"\n',
            "x: expected another name, and a text",
        ),
    ],
)
def test_a_list_that_says_too_little_is_refused(tmp_path, text, message):
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(ValueError, match=rf"list\.toml: {message}"):
        read_faults(tmp_path)


def test_a_name_that_no_fault_has_ends_with_status_1():
    command = [sys.executable, "-m", "mutants", "no such fault"]
    done = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True)
    expected = "no planted fault goes by no such fault; the lists are in tests/mutants/lists"
    assert (done.returncode, done.stdout.strip()) == (1, expected)


@pytest.mark.parametrize(("problem", "status"), [("", 0), ("nobody notices", 1)])
def test_faults_that_nobody_notices_are_named_and_end_with_status_1(monkeypatch, capsys, problem, status):
    from mutants import __main__ as program

    monkeypatch.setattr(program, "read_faults", lambda: [NOTICED])
    monkeypatch.setattr(
        program, "run_faults", lambda faults, tree, said: [Verdict(fault, problem, 1.0) for fault in faults]
    )
    assert program.main([]) == status
    said = capsys.readouterr().out
    assert ("adds\n  toy/sums.py, tests/test_sums.py::test_sum\n  nobody notices" in said) is bool(problem)
    assert f"{1 - status} of 1 faults were noticed" in said
