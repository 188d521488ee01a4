"""SIGTERM and SIGHUP: programs and workers end, the record says so, and the same command goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.checkouts import benchmark_of_two as benchmark_of_two

from benchmark.runs import RunDirectory
from foundation import media

TALKER = Path(__file__).parents[1] / "support" / "programs" / "talker.py"

WITH_PROGRAM = """
import os, sys, typer
from pathlib import Path
from baselines.programs.process import run_program
from benchmark.exits import run
app = typer.Typer()

@app.command()
def work():
    code = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid()) + chr(10)); time.sleep(600)"
    run_program([sys.executable, "-c", code], folder=Path.cwd(), env=dict(os.environ), log=Path("log").absolute(),
                time_limit_seconds=600)

run(app)
"""

HANGING = """
import os, threading
from pathlib import Path

def prepare(audio, seconds):
    Path(f"pid.{os.getpid()}").touch()
    threading.Event().wait()
"""
WITH_WORKERS = f"""
import typer
from pathlib import Path
from benchmark.exits import run
from benchmark.features import Extractor, FeatureStore, Wanted, extract
Path("hanging_work.py").write_text({HANGING!r})
from hanging_work import prepare
app = typer.Typer()

@app.command()
def work():
    hanging = Extractor("test.hanging", "v1", "audio", prepare)
    wanted = [Wanted(Path(name), "audio", (hanging,)) for name in ("0.wav", "1.wav")]
    extract(wanted, FeatureStore("cache"), seconds=0.05, workers=2)

run(app)
"""


def await_that(condition):
    """Wait; the test's own patience, not a measurement."""
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited two minutes in vain")


def gone(pid):
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def start(command, folder, **env):
    return subprocess.Popen(
        command, cwd=folder, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize(("word", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_program_ends_with_us(tmp_path, word, status):
    process = start([sys.executable, "-c", WITH_PROGRAM], tmp_path)
    pid = tmp_path / "pid"
    await_that(lambda: pid.is_file() and pid.read_text().endswith("\n"))
    process.send_signal(word)
    assert process.communicate()[1] == f"error: interrupted by {word.name}; the same command goes on from here\n"
    assert process.returncode == status
    assert gone(int(pid.read_text()))


def test_workers_end_with_us(tmp_path):
    for name in ("0.wav", "1.wav"):
        media.write_audio(tmp_path / name, [0.5 * float(name[0])] * 1600, 16_000)
    (tmp_path / "program.py").write_text(WITH_WORKERS)
    process = start([sys.executable, "program.py"], tmp_path)
    await_that(lambda: len(list(tmp_path.glob("pid.*"))) == 2)
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[1] == "error: interrupted by SIGTERM; the same command goes on from here\n"
    assert process.returncode == 143
    for path in tmp_path.glob("pid.*"):
        await_that(lambda path=path: gone(int(path.suffix[1:])))


def test_a_hang_up_that_is_ignored_stays_so(tmp_path):
    """As under nohup."""
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + WITH_PROGRAM
    process = start([sys.executable, "-c", code], tmp_path)
    await_that((tmp_path / "pid").is_file)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert "by SIGTERM" in process.communicate()[1]


def test_a_run_that_was_asked_to_end_says_what_was_done_and_goes_on(benchmark_of_two, tmp_path):
    command = [
        sys.executable, "-m", "benchmark", "generate", "external", "--benchmark", str(benchmark_of_two), "--runs",
        "runs", "--option", f"command={sys.executable} {TALKER}", "--option", "log=log", "--subset", "inter",
    ]  # fmt: skip
    process = start(command, tmp_path, NOTES=str(tmp_path), MOOD="hang", AT="dog")
    await_that((tmp_path / "hangs").is_file)
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[1] == "error: interrupted by SIGTERM; the same command goes on from here\n"
    assert process.returncode == 143
    assert gone(int((tmp_path / "started").read_text()))
    run = RunDirectory.locate(tmp_path / "runs", "two", "inter", "external")
    record = run.read_run()
    asked = [json.loads(line)["prompt"] for line in (tmp_path / "lines").read_text().splitlines()]
    assert (record.status, record.reason) == ("failed", "interrupted")
    assert record.counts.generated == len(asked) - 1  # the dog may be the first or the second

    again = start(command, tmp_path, NOTES=str(tmp_path))
    assert again.communicate()[1] == ""
    record = run.read_run()
    assert (record.status, record.reason, record.counts.generated) == ("finished", None, 2)
    assert sorted(json.loads(line)["prompt"] for line in (tmp_path / "lines").read_text().splitlines()) == sorted(
        ["bell", "dog", "dog"]
    )
