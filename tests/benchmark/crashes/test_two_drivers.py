"""Two processes at once on one folder: the second says for whom it waits, and both end where one alone does.

Where a model answers, the second does what nobody is at, and waits for no more than what the first holds.
"""

import os
import signal

import pytest

from foundation.locks import lock_path

SUBJECTS = {"build": "bench", "generate": "runs/tiny/inter/humming", "evaluate": "runs/tiny/inter/humming"} | {
    "report": "report"
}


@pytest.fixture(params=SUBJECTS)
def held(request, undisturbed, commands, tmp_path):
    """A command that stands still half way, holding its folder, and a second one that waits for it."""
    whole = undisturbed(request.param)
    folder = whole.journey.set_out(tmp_path / "folder")
    half_way = "done-" if request.param == "generate" else whole.steps // 2  # a sample is asked for, and not finished
    first = whole.journey.start(commands, folder, at=half_way, what="stop")
    commands.until_stopped(first)
    subject = folder / SUBJECTS[request.param]
    driven = list(subject.parent.glob(f".{subject.name}.ledger/driver-*"))
    assert len(driven) == 1 if request.param == "generate" else lock_path(subject).is_file()
    second = whole.journey.start(commands, folder)
    return whole, folder, first, second, commands.until(second, "waiting for its end\n")


def test_the_second_waits_and_says_for_whom(held, commands):
    whole, folder, first, second, said = held
    subject = folder / SUBJECTS[whole.journey.name]
    assert said.startswith(f"{subject}: process {first} on ")
    assert f"(`benchmark {whole.journey.words[0]}`, since " in said
    assert said.count("\n") == 1
    commands.go_on(first)
    ends = [commands.ended(process) for process in (first, second)]
    assert [(ended.status, ended.err) for ended in ends] == [(0, ""), (0, said)]
    assert whole.journey.outcome(folder) == whole.outcome
    assert not [*folder.rglob("*.lock*"), *folder.rglob("*.ledger*")]


def test_the_second_takes_over_when_the_first_is_killed(held, commands):
    whole, folder, first, second, said = held
    os.kill(first, signal.SIGKILL)
    commands.ended(first)
    ended = commands.ended(second)
    assert ended.status == 0, ended
    what = "1 samples" if whole.journey.name == "generate" else "the lock"
    assert f": took over {what} of process {first} on " in ended.err.removeprefix(said)
    assert whole.journey.outcome(folder) == whole.outcome
    assert not [*folder.rglob("*.lock*"), *folder.rglob("*.ledger*")]
