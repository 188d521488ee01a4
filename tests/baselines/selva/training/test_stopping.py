"""A request to end is held back until the step is done; the second is not."""

import signal
import subprocess
import sys
import threading

import pytest

from baselines.selva.training.stopping import heeded


@pytest.fixture(autouse=True)
def _handlers_are_put_back():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    assert {number: signal.getsignal(number) for number in before} == before


def test_nothing_is_asked_as_long_as_no_signal_comes():
    with heeded() as request:
        assert request.number == 0
    request.pass_on()


def test_the_first_request_is_noted_and_passed_on_when_the_work_is_done():
    with heeded() as request:
        signal.raise_signal(signal.SIGINT)
        assert request.number == signal.SIGINT
    with pytest.raises(KeyboardInterrupt):
        request.pass_on()


def test_a_second_request_is_not_held_back():
    with heeded() as request:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert request.number == signal.SIGINT


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with heeded() as request:
            signal.raise_signal(signal.SIGTERM)
            assert request.number == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_outside_the_main_thread_no_signal_is_touched():
    asked = []

    def work():
        with heeded() as request:
            asked.append(request.number)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [0]


def test_where_nothing_is_lost_a_request_has_its_way_at_once():
    with heeded() as request:
        with request.not_held_back(), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert request.number == signal.SIGINT


def test_a_request_that_was_held_back_has_its_way_where_nothing_is_lost():
    with heeded() as request:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), request.not_held_back():
            raise AssertionError("the signal came too late")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_process_that_reads_leaves_the_first_request_to_its_parent_and_ends_by_the_second(name):
    program = f"""
import signal
import subprocess
import sys
from baselines.selva.training.stopping import leave_to_parent
leave_to_parent()
signal.raise_signal(signal.SIGINT)
signal.raise_signal(signal.{name})
print("reads on", flush=True)
signal.raise_signal(signal.{name})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("reads on\n", -signal.Signals[name])
