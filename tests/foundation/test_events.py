"""Events: told to whoever listens, from whichever thread or process, and nearly free where nobody does."""

import os
import threading
import time
from functools import partial

import pytest

from foundation.events import Timed, listening, span, spanned, timed


@pytest.fixture
def heard():
    events = []
    with listening(events.append):
        yield events


def test_a_span_is_an_event_with_its_time_thread_and_samples(heard):
    before = time.perf_counter_ns()
    with span("extract", (name for name in "ab"), "panns.audio"):
        time.sleep(0.01)
    after = time.perf_counter_ns()
    (event,) = heard
    assert (event.stage, event.samples, event.detail) == ("extract", ("a", "b"), "panns.audio")
    assert (event.process, event.thread) == (os.getpid(), threading.get_native_id())
    assert before <= event.start_ns < event.start_ns + event.duration_ns <= after
    assert event.duration_ns >= 9_000_000


def test_what_raises_is_an_event_too(heard):
    with pytest.raises(KeyError), span("generate", ("a",)):
        raise KeyError
    assert [event.stage for event in heard] == ["generate"]


def test_work_is_an_event_in_the_thread_that_does_it(heard):
    ran = []
    thread = threading.Thread(target=spanned("write", "a", partial(ran.append, 1)))
    thread.start()
    thread.join()
    assert ran == [1]
    assert heard[0].thread != threading.get_native_id()


def test_a_result_brings_its_time_along_and_is_told_where_it_arrives(heard):
    made = timed(str, 7)
    assert heard == []
    assert Timed("7", 1, 2, 3, 4).told("decode", "a") == made.told("decode", "b") == "7"
    first, second = heard
    assert (first.start_ns, first.duration_ns, first.process, first.thread) == (1, 2, 3, 4)
    assert second.process == os.getpid()
    assert second.samples == ("b",)


def test_where_nobody_listens_samples_are_not_looked_at():
    def names():
        raise AssertionError
        yield

    with span("generate", names()):
        pass
    assert Timed("7", 1, 2, 3, 4).told("decode", "a") == "7"


def test_two_listen_and_each_leaves_alone():
    first, second = [], []
    with listening(first.append):
        with listening(second.append), span("a", ()):
            pass
        with span("b", ()):
            pass
    with span("c", ()):
        pass
    assert [event.stage for event in first] == ["a", "b"]
    assert [event.stage for event in second] == ["a"]
