"""Cores, and work on many items at once."""

import os
import threading

import pytest

from foundation import work
from foundation.work import available_cores, in_parallel


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    assert available_cores() == 3


def test_cores_are_those_of_the_machine_where_the_system_has_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert available_cores() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1


def test_each_result_comes_with_the_position_of_its_item():
    assert dict(in_parallel(str.upper, ["a", "b", "c"], workers=2)) == {0: "A", 1: "B", 2: "C"}
    assert list(in_parallel(str.upper, [])) == []


def test_so_many_items_are_worked_on_at_once(monkeypatch):
    monkeypatch.setattr(work, "available_cores", lambda: 2)
    together = threading.Barrier(2)  # passes when two wait, breaks when one waits too long
    assert len(list(in_parallel(lambda _item: together.wait(timeout=20), range(2)))) == 2


def test_progress_counts_what_is_done():
    counts = []
    list(in_parallel(str, range(3), workers=1, done=counts.append))
    assert counts == [1, 2, 3]


def test_an_error_reaches_the_caller_and_items_not_begun_are_left():
    begun = []

    def fail(item):
        begun.append(item)
        raise KeyError(item)

    with pytest.raises(KeyError):
        list(in_parallel(fail, range(50), workers=1))
    assert len(begun) < 50
