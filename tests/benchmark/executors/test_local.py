"""Drivers as processes here: they share the work, are started again when they die, and end with the command."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import patient_model
from support.small_benchmarks import short_film, write_benchmark

from benchmark import Choices, evaluate, generate
from benchmark.executors import DriversLost, EvaluateOrder, GenerateOrder, drive_locally
from benchmark.runs import RunDirectory
from foundation.files import file_sha256

__all__ = ["short_film", "write_benchmark"]

PAIRS = [(a, b) for a in range(4) for b in range(4) if a != b]
MODEL = f"{Path(patient_model.__file__)}:Patient"


@pytest.fixture
def bench(write_benchmark):
    """Twelve scenes: with two drivers, shards of eight and four."""
    return write_benchmark(pairs={"inter": PAIRS})


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def order(bench, notes, tmp_path):
    return GenerateOrder(
        str(bench), MODEL, "inter", runs=str(tmp_path / "runs"), options={"notes": str(notes)}, run_name="patient"
    )


def processes(notes):
    return {path.name.split()[1] for path in notes.glob("* *")}


def sounds(run):
    return {path.name: file_sha256(path) for path in Path(run).glob("audio/*.wav")}


def test_two_drivers_share_a_run_and_its_sounds_are_those_of_one(order, bench, notes, tmp_path):
    alone = generate(bench, MODEL, subset="inter", runs=tmp_path / "alone", options={"notes": str(notes)})
    for note in notes.iterdir():
        note.unlink()
    seen = []
    run = drive_locally(order, drivers=2, progress=lambda *said: seen.append(said))
    assert sounds(run) == sounds(alone.path)
    assert len(sounds(run)) == 12
    assert len(processes(notes)) == 2
    assert str(os.getpid()) not in processes(notes)
    assert seen[-1] == ("generate", 12, 12)
    assert RunDirectory(Path(run)).read_run().status == "finished"
    assert not list(Path(run).parent.glob(".*"))


def test_a_driver_that_dies_is_started_again_and_nothing_is_lost(order, notes, caplog):
    (notes / "deadly").touch()
    run = drive_locally(order, drivers=2)
    assert len(sounds(run)) == 12
    assert "driver" in caplog.text
    assert "left with status 9; it is started again" in caplog.text


def test_what_every_driver_raises_is_raised_here_as_itself(order, notes):
    with pytest.raises(ValueError, match="no option"):
        drive_locally(order.__class__(**{**vars(order), "options": {"nots": "x"}}), drivers=2)


def test_drivers_that_die_each_time_end_the_command(order, notes, monkeypatch):
    monkeypatch.setattr("benchmark.executors.local.RESTARTS", 0)
    (notes / "deadly").touch()
    with pytest.raises(DriversLost, match="driver 0: it left with status 9"):
        drive_locally(order, drivers=1)


def test_an_evaluation_is_shared_with_the_numbers_of_one_alone(tiny, tmp_path):
    run = generate(tiny.path, "mixture", subset="inter", runs=tmp_path / "runs")
    choices = Choices(profile="signal", resamples=100)
    alone = evaluate(run, tiny.path, choices, cache=tmp_path / "alone", workers=0)
    run.metrics_json.unlink()
    order = EvaluateOrder(str(run.path), str(tiny.path), choices, cache=str(tmp_path / "cache"), workers=1)
    assert drive_locally(order, drivers=2) == str(run.path)
    shared = run.read_metrics()
    assert shared.model_dump(exclude={"scored_at"}) == alone.model_dump(exclude={"scored_at"})


SCRIPT = """
import sys
from benchmark.executors import GenerateOrder, drive_locally
bench, model, runs, notes = sys.argv[1:]
if __name__ == "__main__":
    options = {"notes": notes, "seconds": 1.0}
    order = GenerateOrder(bench, model, "inter", runs=runs, options=options, run_name="patient")
    drive_locally(order, drivers=2)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_drivers_end_with_the_command_however_it_ends(bench, notes, tmp_path, environment, number):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(bench), MODEL, str(tmp_path / "runs"), str(notes)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    until(lambda: len(processes(notes)) == 2)
    process.send_signal(number)
    process.wait(30)
    until(lambda: not any(Path("/proc", driver).exists() for driver in processes(notes)))


def until(condition):
    end = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_numbers_that_cannot_be_are_refused(order):
    for drivers, devices in ((0, ()), (True, ()), (2, ("cpu",))):
        with pytest.raises(ValueError, match="--d"):
            drive_locally(order, drivers=drivers, devices=devices)
