"""Real processes, killed or asked to end at several moments: the same call ends in the same place."""

import signal

import pytest
import torch
from support.small_training_runs import MOMENTS, Sent, course_of, narrow_store, run_in_a_process, trained

SAME = 1e-6  # of a loss; on a CPU in float32 they are equal to the bit


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return narrow_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def undisturbed(store, tmp_path_factory):
    return course_of(trained(store, tmp_path_factory.mktemp("undisturbed") / "run"))


def check_same(course, undisturbed):
    for stage, losses in undisturbed.losses.items():
        assert [step for step, _ in course.losses[stage]] == [step for step, _ in losses]  # each once, none left out
        assert [value for _, value in course.losses[stage]] == pytest.approx([value for _, value in losses], rel=SAME)
    assert course.weights.keys() == undisturbed.weights.keys()
    for name, value in undisturbed.weights.items():
        torch.testing.assert_close(course.weights[name], value, rtol=SAME, atol=SAME)


def kill(store, out, moment, time):
    status = run_in_a_process(store.path, out, Sent(signal.SIGKILL, moment, time))
    assert status == -signal.SIGKILL, f"{moment} {time}"


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_losses_and_averages(store, undisturbed, tmp_path):
    out = tmp_path / "run"
    kill(store, out, "a step", 4)  # of the first stage, two of which are saved
    kill(store, out, "a checkpoint is sealed", 1)
    kill(store, out, "the averages take a step", 5)  # in the second stage
    check_same(course_of(trained(store, out)), undisturbed)


@pytest.mark.slow(minutes=3)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_at_any_moment_ends_in_the_same_place(store, undisturbed, tmp_path, moment):
    for time in range(1, 20):
        out = tmp_path / f"run{time}"
        if run_in_a_process(store.path, out, Sent(signal.SIGKILL, moment, time)) == 0:
            break  # there are no so many
        check_same(course_of(trained(store, out)), undisturbed)
    assert time > 2


@pytest.mark.slow(minutes=1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_end_saves_the_step_that_it_is_at(store, undisturbed, tmp_path, number):
    out = tmp_path / "run"
    status = run_in_a_process(store.path, out, Sent(number, "a step", 3))
    assert status == (-signal.SIGTERM if number == signal.SIGTERM else 1)  # Python's own way with Ctrl-C
    run = trained(store, out, stop_after=0)
    assert run.read_record().stages["encoder"].step == 3
    check_same(course_of(trained(store, out)), undisturbed)
