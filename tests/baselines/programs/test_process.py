"""Processes: no shell, everything logged, stopped when they hang, with an environment of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from baselines.programs import process
from baselines.programs.process import (
    Deadline,
    MissingProgram,
    ProgramFailed,
    captured,
    environment,
    find_interpreter,
    run_program,
    started,
    stop,
)


def run(code: str, tmp_path: Path, **others):
    basic = {"folder": tmp_path, "env": dict(os.environ), "log": tmp_path / "x.log", "time_limit_seconds": 60}
    run_program([sys.executable, "-c", code, "it's; $HOME\n--x"], **{**basic, **others})


def test_both_streams_and_the_command_are_in_the_log_and_no_shell_reads_the_arguments(tmp_path):
    run("import sys; print(sys.argv[1:]); print('oh', file=sys.stderr)", tmp_path)
    log = (tmp_path / "x.log").read_text()
    assert repr(["it's; $HOME\n--x"]) in log
    assert "\noh\n" in log
    assert log.startswith(f"\n$ {sys.executable} -c ")


def test_a_status_comes_with_the_last_lines_of_this_start_alone(tmp_path):
    (tmp_path / "x.log").write_text("words of yesterday\n")
    with pytest.raises(ProgramFailed, match=r"status 3; its last lines: b \| c \| d \| e \(log: ") as failure:
        run("print('a\\nb\\nc\\r\\nd\\n\\ne'); raise SystemExit(3)", tmp_path)
    assert "yesterday" not in str(failure.value)


def test_a_silent_end_is_called_so(tmp_path):
    with pytest.raises(ProgramFailed, match="status 3; its log is empty"):
        run("raise SystemExit(3)", tmp_path)


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended, whether or not init has taken note of its end."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def await_the_end_of(pid: int) -> None:
    """It was made to end; the system takes a moment for that. The patience is the test's own."""
    for _ in range(6000):
        if not is_running(pid):
            return
        time.sleep(0.01)
    raise AssertionError(f"{pid} still runs")


LEAVE_CHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=APART)
pathlib.Path("child").write_text(str(child.pid) + chr(10))
"""


def test_children_of_a_program_that_is_stopped_end_too(tmp_path, limits):
    limits.end_at(tmp_path / "child")
    with pytest.raises(ProgramFailed, match="finished nothing for 60 s and was stopped"):
        run(LEAVE_CHILD.replace("APART", "False") + "time.sleep(600)", tmp_path)
    await_the_end_of(int((tmp_path / "child").read_text()))


def test_a_daemon_that_keeps_our_files_open_neither_holds_us_nor_is_ended(tmp_path):
    run(LEAVE_CHILD.replace("APART", "True"), tmp_path)
    child = int((tmp_path / "child").read_text())
    try:
        assert is_running(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_a_program_prints_is_read_although_a_child_keeps_its_output_open(tmp_path):
    code = LEAVE_CHILD.replace("APART", "True") + "print('words', file=sys.stderr); print('word'); sys.exit(3)"
    assert captured([sys.executable, "-c", code], seconds=600, folder=tmp_path) == (3, b"word\n")
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_a_program_that_does_not_end_is_stopped_and_named(tmp_path):
    with pytest.raises(ProgramFailed, match=r"python\S* took more than 0\.05 s and was stopped"):
        captured([sys.executable, "-c", "import time; time.sleep(600)"], seconds=0.05)
    with pytest.raises(ProgramFailed, match=r"cannot be started: .*absent"):
        captured([str(tmp_path / "absent")], seconds=60)


def test_a_program_that_heeds_no_request_to_end_is_made_to_also_when_we_are_hurried(tmp_path, monkeypatch):
    code = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "pathlib.Path('deaf').touch(); time.sleep(600)"
    )
    deaf = started(
        [sys.executable, "-c", code], folder=tmp_path, env=dict(os.environ), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (tmp_path / "deaf").exists():
        time.sleep(0.01)
    wait, asked = deaf.wait, []

    def hurried(timeout=None):
        asked.append(timeout)
        if len(asked) == 1:
            raise KeyboardInterrupt  # Ctrl-C once more, while it is given time to end
        return wait(timeout)

    monkeypatch.setattr(deaf, "wait", hurried)
    with pytest.raises(KeyboardInterrupt):
        stop(deaf)
    assert deaf.returncode == -signal.SIGKILL


def test_progress_is_told_to_the_last_output_however_quick_the_program_is(tmp_path):
    seen = []
    count = lambda: len(list(tmp_path.glob("*.out")))  # noqa: E731
    run("import pathlib; pathlib.Path('1.out').touch(); pathlib.Path('2.out').touch()", tmp_path, finished=count,
        progress=seen.append)  # fmt: skip
    assert seen[-1] == 2


def test_the_limit_counts_from_the_last_output(tmp_path, monkeypatch):
    code = """
import pathlib, time
for k in range(1, 5):
    pathlib.Path(f"{k}.out").touch()
    while not pathlib.Path(f"{k}.seen").exists():
        time.sleep(0.01)
"""
    count = lambda: len(list(tmp_path.glob("*.out")))  # noqa: E731
    monkeypatch.setattr(process, "clock", lambda: 3.0 * count())  # so each takes three seconds
    run(code, tmp_path, time_limit_seconds=3.5, finished=count, progress=lambda n: (tmp_path / f"{n}.seen").touch())
    assert count() == 4


def test_a_deadline_is_over_when_its_time_has_come_and_not_before(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(process, "clock", lambda: now[0])
    deadline = Deadline(5)
    now[0] = 104.9
    assert not deadline.passed
    deadline.renew()
    now[0] = 109.8
    assert not deadline.passed
    now[0] = 109.9
    assert deadline.passed


def test_a_program_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ProgramFailed, match=r"cannot be started: .*No such file"):
        run_program([str(tmp_path / "absent")], folder=tmp_path, env={}, log=tmp_path / "l", time_limit_seconds=1)


@pytest.mark.parametrize(
    ("device", "visible"), [("cuda", "7"), ("cuda:3", "3"), ("cpu", ""), (None, "7")]
)  # the programs have cuda:0 hard-coded
def test_the_device_is_the_only_one_visible(device, visible, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert environment(None, device, {})["CUDA_VISIBLE_DEVICES"] == visible


def test_a_strange_device_is_refused():
    with pytest.raises(ValueError, match="device: expected cuda, cuda:N or cpu, got 'tpu'"):
        environment(None, "tpu", {})


def test_a_program_sees_its_own_environment_and_not_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("VIRTUAL_ENV", "/ours")
    env = environment(tmp_path / "bin" / "python", None, {"HF_HOME": "/models", "PATH_TO": "é"})
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & set(env)
    assert env["PATH"].split(os.pathsep)[0] == str(tmp_path / "bin")
    assert (env["HF_HOME"], env["PATH_TO"], env["PYTHONUTF8"]) == ("/models", "é", "1")


def test_an_interpreter_is_a_file_or_an_environment_and_links_are_not_followed(tmp_path):
    (tmp_path / "env" / "bin").mkdir(parents=True)
    link = tmp_path / "env" / "bin" / "python"
    link.symlink_to(sys.executable)
    assert find_interpreter(str(tmp_path / "env")) == find_interpreter(str(link)) == link
    with pytest.raises(MissingProgram, match="is not an executable; give an interpreter, an environment or conda:NAME"):
        find_interpreter(str(tmp_path / "absent"))


def test_a_conda_environment_is_found_by_name(tmp_path, monkeypatch):
    prefix = tmp_path / "envs" / "rewas"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to(sys.executable)
    conda = tmp_path / "conda"
    conda.write_text(f'#!/bin/sh\necho \'{{"envs": ["{tmp_path}", "{prefix}"]}}\'\n')
    conda.chmod(0o755)
    monkeypatch.setenv("CONDA_EXE", str(conda))
    assert find_interpreter("conda:rewas") == prefix / "bin" / "python"
    with pytest.raises(MissingProgram, match=r"no environment 'vintage'; it has .*rewas"):
        find_interpreter("conda:vintage")
