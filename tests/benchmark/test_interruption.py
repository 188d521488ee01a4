"""Real processes, stopped by Ctrl-C and by `kill -9` at several moments: the same command ends in the same place."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support.packs import kept_below

from benchmark import Choices, evaluate, generate
from benchmark.runs import RunDirectory
from foundation import media

pytestmark = pytest.mark.usefixtures("models")

FEATURES = 12  # of four sources' sounds and films, and of four generated sounds
# Each in a pack of its own, so that there are moments between them.
ONE_BY_ONE = """
import benchmark.pending
benchmark.pending.PENDING_FILES = 1
from benchmark.cli import main
main()
"""


@pytest.fixture(scope="module")
def whole(tiny, models, tmp_path_factory):
    """The same run, made in this process without any interruption."""
    folder = tmp_path_factory.mktemp("whole")
    run = generate(tiny.path, "dawdling", subset="inter", runs=folder)
    evaluate(run, tiny.path, Choices(profile="signal"), cache=folder / "cache", workers=0)
    return run


def _heed_ctrl_c():
    """A shell that runs the tests in the background lets its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Evaluation:
    """`python -m benchmark eval` in a folder, as a shell starts it: with a process group of its own."""

    def __init__(self, folder, tiny, environment):
        self.run = RunDirectory.locate(folder / "runs", "tiny", "inter", "dawdling")
        self.cache = folder / "cache"
        self._folder, self._environment = folder, environment
        self._command = [
            sys.executable, "-c", ONE_BY_ONE, "eval", "--benchmark", str(tiny.path), "--model", "dawdling", "--subset",
            "inter", "--profile", "signal", "--runs", "runs", "--cache", "cache", "--out", "report", "--workers", "2",
        ]  # fmt: skip

    def start(self):
        return subprocess.Popen(
            self._command, cwd=self._folder, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True, preexec_fn=_heed_ctrl_c,
        )  # fmt: skip

    def stop_when(self, moment, how):
        """Start, send a signal at the moment, wait for the end of every process; return status and stderr."""
        self.features_before = count(self.cache, "*.pack")
        process = self.start()
        try:
            while not moment(self):
                if process.poll() is not None:
                    raise AssertionError(f"over before it was stopped: {process.communicate()}")
                time.sleep(0.002)
            if how == signal.SIGINT:
                os.killpg(process.pid, how)  # a terminal sends it to the whole group
            else:
                process.send_signal(how)
            _, told = process.communicate()
            await_the_end_of_group(process.pid)
        finally:
            if group_lives(process.pid):
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, told


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def await_the_end_of_group(group):
    """Workers follow the process they work for; the patience is the test's own, not a measurement."""
    for _ in range(6000):
        if not group_lives(group):
            return
        time.sleep(0.01)
    raise AssertionError("processes were left behind")


def count(folder, pattern):
    return sum(not path.name.startswith(".") for path in folder.rglob(pattern))


MOMENTS = {  # each is reached after the start of the process that is stopped there
    "generating": lambda evaluation: count(evaluation.run.path, "*.wav") >= 1,
    "generating on": lambda evaluation: count(evaluation.run.path, "*.wav") >= 3,
    "reading": lambda evaluation: count(evaluation.cache, "*.pack") >= 1,
    "reading on": lambda evaluation: count(evaluation.cache, "*.pack") >= evaluation.features_before + 3,
    "scoring": lambda evaluation: count(evaluation.cache, "*.pack") == FEATURES,
    "reporting": lambda evaluation: evaluation.run.metrics_json.is_file(),
}


def check_that_nothing_is_half_written(evaluation, whole):
    """Whatever has its final name is whole."""
    for path in evaluation.run.path.glob("audio/[!.]*.wav"):
        assert path.read_bytes() == whole.audio(path.stem).read_bytes()
        assert media.read_audio_native(path).samples.shape == (1, 80_000)
    assert all(kept.arrays for kept in kept_below(evaluation.cache))
    if evaluation.run.run_json.is_file():
        evaluation.run.read_run()
    if evaluation.run.metrics_json.is_file():
        evaluation.run.read_metrics()


@pytest.mark.parametrize(
    ("how", "moments"),
    [
        pytest.param(signal.SIGINT, ["generating on", "scoring"], id="Ctrl-C"),
        pytest.param(signal.SIGKILL, ["reading"], id="kill -9"),
        pytest.param(signal.SIGINT, list(MOMENTS), id="Ctrl-C at every moment", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, list(MOMENTS), id="kill -9 at every moment", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_stopped_again_and_again_ends_with_the_same_numbers(
    tiny, environment, tmp_path, look, whole, how, moments
):
    evaluation = Evaluation(tmp_path, tiny, environment)
    for name in moments:
        status, told = evaluation.stop_when(MOMENTS[name], how)
        if how == signal.SIGINT:
            assert (status, told) == (130, "error: interrupted; the same command goes on from here\n"), name
        else:
            assert status == -signal.SIGKILL
        check_that_nothing_is_half_written(evaluation, whole)

    process = evaluation.start()
    out, told = process.communicate()
    assert process.returncode == 0, told
    taken_over = r"(\S+: took over the lock of process \d+ on .*, which is gone\n)?"  # if one was held when it died
    assert re.fullmatch(taken_over if how == signal.SIGKILL else "", told), told
    assert "4/4" in out
    run = evaluation.run
    assert look.audio(run) == look.audio(whole)
    assert look.untimed(run.metrics_json) == look.untimed(whole.metrics_json)
    assert look.untimed(run.run_json) == look.untimed(whole.run_json)
    assert run.samples_parquet.read_bytes() == whole.samples_parquet.read_bytes()

    before = look.written(tmp_path / "runs") | look.written(tmp_path / "cache")
    process = evaluation.start()
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    assert look.written(tmp_path / "runs") | look.written(tmp_path / "cache") == before
