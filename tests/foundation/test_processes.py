"""Processes: one that runs, one that has ended, and one that has the number of another."""

import os
import subprocess
import sys

import pytest

from foundation import processes
from foundation.processes import is_running, process_space, started_at


@pytest.fixture
def sleeper():
    """A process that does nothing until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


def test_a_process_runs_from_its_start_to_its_end(sleeper):
    started = started_at(sleeper.pid)
    assert is_running(sleeper.pid, started) is True
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # ended, and nobody has asked for its status
    assert started_at(sleeper.pid) is None
    assert is_running(sleeper.pid, started) is False
    sleeper.wait()
    assert is_running(sleeper.pid, started) is False


def test_another_process_of_the_same_number_is_not_the_one_meant(sleeper):
    assert is_running(sleeper.pid, "before the machine was started") is False


def test_without_proc_the_program_ps_tells(sleeper, monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    started = started_at(sleeper.pid)
    assert started
    assert is_running(sleeper.pid, started) is True
    sleeper.kill()
    sleeper.wait()
    assert started_at(sleeper.pid) is None


def test_a_process_that_may_not_be_asked_about_is_not_declared_gone(monkeypatch, tmp_path):
    def refused(process, _signal):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(processes, "started_at", lambda _process: None)
    monkeypatch.setattr(os, "kill", refused)
    assert is_running(1, "then") is None


def test_the_space_of_process_numbers_is_the_same_for_a_child():
    code = "from foundation.processes import process_space; print(process_space())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == process_space()
