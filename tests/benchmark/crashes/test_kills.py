"""`kill -9` at moments drawn by a seed: the same command ends where an undisturbed one does, byte for byte.

Every other time the process dies in the middle of a write, where no step of it comes by.
"""

import signal

import numpy as np
import pytest

from vgg_monoaudio.building.verification import differences
from vgg_monoaudio.dataset import load_benchmark

NAMES = ("build", "generate", "evaluate", "report")


def kill_and_go_on(whole, commands, folder, kills):
    """Kill a command so many times, going on after each; then let it end."""
    journey, draws, killed = whole.journey, np.random.default_rng(11), 0
    journey.set_out(folder)
    while killed < kills:
        how = ("kill", "cut")[killed % 2]
        ended = journey.run(commands, folder, at=int(draws.integers(1, whole.steps + 1)), what=how)
        died = ended.status in {-signal.SIGKILL, -signal.SIGXFSZ}
        if died or (how == "cut" and ended.status == 2):  # the latter: ffmpeg died in its stead
            killed += 1
            if journey.name == "build" and (folder / "bench").exists():
                assert differences(load_benchmark(folder / "bench")) == [], "a benchmark is there whole or not at all"
            continue
        assert ended.status == 0, ended
        assert journey.outcome(folder) == whole.outcome
        journey.set_out(folder)  # it got to its end: from the start again
    ended = journey.run(commands, folder)
    assert ended.status == 0, ended
    assert journey.outcome(folder) == whole.outcome
    assert not list(folder.rglob("*.lock*")), "no lock is left"


@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_is_killed_ends_as_if_it_had_not_been(undisturbed, commands, tmp_path, name):
    kill_and_go_on(undisturbed(name), commands, tmp_path / "folder", kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_is_killed_ten_times_ends_as_if_it_had_not_been(undisturbed, commands, tmp_path, name):
    kill_and_go_on(undisturbed(name), commands, tmp_path / "folder", kills=10)
