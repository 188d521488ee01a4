"""Exit statuses: an error that the user can fix is one line and status 2; a defect shows its traceback and is not 1."""

import errno
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest
import typer

from benchmark import exits

LIGHT = (
    "benchmark", "foundation", "vgg_monoaudio",
    "baselines.generator", "baselines.controls", "baselines.programs", "metrics.interop",
)  # fmt: skip


def leave(action, arguments=(), monkeypatch=None):
    """Run a command line of one command that does `action`; return the exit status."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    def command(number: int = 0) -> None:
        action()

    app.command()(command)
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    with pytest.raises(SystemExit) as leaving:
        exits.run(app)
    return leaving.value.code


def raising(error):
    def action():
        raise error

    return action


def test_a_command_that_is_done_leaves_with_0_and_says_nothing_on_stderr(monkeypatch, capsys):
    assert leave(lambda: None, monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().err == ""


def test_a_command_that_works_until_it_is_stopped_says_so_and_calls_it_no_error(monkeypatch, capsys):
    assert leave(raising(exits.EndedAsAsked("study: stopped")), monkeypatch=monkeypatch) == 130
    assert capsys.readouterr().err == "study: stopped\n"


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_command_leaves_with_the_status_it_asks_for(monkeypatch, capsys, status):
    assert leave(raising(typer.Exit(status)), monkeypatch=monkeypatch) == status
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--nmber", "1"], "No such option: --nmber (Possible options: --number)"),
        (["--number", "one"], "Invalid value for '--number': "),
        (["--number"], "Option '--number' requires an argument."),
        (["more"], "Got unexpected extra argument"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line_and_status_2(monkeypatch, capsys, arguments, line):
    assert leave(lambda: None, arguments, monkeypatch) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {line}")


def _our_exceptions():
    """Every exception class that a light module of ours defines."""
    found = set()
    for name in LIGHT:
        package = importlib.import_module(name)
        inside = pkgutil.walk_packages(package.__path__, f"{name}.") if hasattr(package, "__path__") else []
        for module in [
            package,
            *(
                importlib.import_module(part.name)
                for part in inside
                if not {"__main__", "drivers"} & {*part.name.split(".")}
            ),
        ]:
            found |= {
                kind for _, kind in inspect.getmembers(module, inspect.isclass)
                if issubclass(kind, Exception) and kind.__module__.partition(".")[0] == name.partition(".")[0]
            }  # fmt: skip
    return sorted(found - {exits.EndedAsAsked}, key=lambda kind: kind.__name__)  # that one is no error


@pytest.mark.parametrize("kind", _our_exceptions(), ids=lambda kind: kind.__name__)
def test_each_of_our_exceptions_is_shown_as_its_message(monkeypatch, capsys, kind):
    error = kind.__new__(kind)
    Exception.__init__(error, "film.mp4: no sound")
    assert leave(raising(error), monkeypatch=monkeypatch) == 2
    assert capsys.readouterr().err == f"error: {error}\n"


def test_there_are_exceptions_of_ours_to_show():
    assert {"MediaError", "UnusableRun", "BenchmarkError", "BuildError", "UnknownModel", "MissingCheckpoint"} <= {
        kind.__name__ for kind in _our_exceptions()
    }


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("--pad: expected yes or no, got 'maybe'"), "--pad: expected yes or no, got 'maybe'"),
        (PermissionError(errno.EACCES, "Permission denied", "/runs"), "[Errno 13] Permission denied: '/runs'"),
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device"),
    ],
)
def test_an_error_that_the_user_can_fix_is_one_line_and_status_2(monkeypatch, capsys, error, line):
    assert leave(raising(error), monkeypatch=monkeypatch) == 2
    assert capsys.readouterr().err == f"error: {line}\n"


def test_the_problems_behind_an_error_are_listed(monkeypatch, capsys):
    from vgg_monoaudio.building.scenes import BuildError, Problem

    error = BuildError(
        "2 of 3 clips cannot be used", [Problem("a", "a.mp4: no audio stream"), Problem("b", "b: absent")]
    )
    assert leave(raising(error), monkeypatch=monkeypatch) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: 2 of 3 clips cannot be used", "  a.mp4: no audio stream", "  b: absent",
    ]  # fmt: skip


def test_a_defect_shows_its_traceback_and_is_not_taken_for_failed_samples(monkeypatch, capsys):
    assert leave(raising(KeyError("frames")), monkeypatch=monkeypatch) == 70
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "KeyError: 'frames'" in told


def test_the_traceback_of_an_error_is_shown_on_demand(monkeypatch, capsys):
    monkeypatch.setenv("VGG_MONOAUDIO_TRACEBACK", "1")
    assert leave(raising(ValueError("level: -1")), monkeypatch=monkeypatch) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_ctrl_c_is_status_130_and_one_line(monkeypatch, capsys, error):
    assert leave(raising(error), monkeypatch=monkeypatch) == 130
    assert capsys.readouterr().err == "error: interrupted; the same command goes on from here\n"


@pytest.mark.parametrize("lines", [1, 9999], ids=["flushed at the end", "more than a pipe holds"])
def test_a_reader_that_leaves_early_sees_no_traceback(lines):
    """`python -m benchmark list-metrics --json | head -0`."""
    program = f"""
import sys, typer
from benchmark.exits import run
app = typer.Typer()

@app.command()
def talk():
    sys.stdin.read()  # until the reader has gone
    for _ in range({lines}):
        print("x" * 99)

run(app)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    process.stdin.close()
    told = process.stderr.read()
    assert process.wait() == 141
    assert told == b""
