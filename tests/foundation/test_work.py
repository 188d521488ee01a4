"""Cores, and work on many items at once."""

import os
import threading

import pytest

from foundation import work
from foundation.work import available_cores, found_in_each, in_parallel, look_at_each


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


MANY = [f"{place}.wav" for place in range(500)]


def look_but_at(*absent):
    def look(name):
        if name in absent:
            raise FileNotFoundError(2, "No such file or directory", name)
        return name.upper()

    return look


def test_many_files_are_looked_at_by_several_threads():
    together = threading.Barrier(2)  # passes when two threads wait, breaks when one waits too long

    def look(name):
        return together.wait(timeout=20) if name in ("0.wav", "32.wav") else 0

    assert [name for name, _ in look_at_each(look, MANY, workers=2)] == MANY


def test_files_come_in_the_order_given_each_with_what_was_found_or_its_error():
    found = list(look_at_each(look_but_at("3.wav", "444.wav"), MANY, workers=3))
    assert [name for name, _ in found] == MANY
    errors = {name: result for name, result in found if isinstance(result, OSError)}
    assert {name: error.filename for name, error in errors.items()} == {"3.wav": "3.wav", "444.wav": "444.wav"}
    assert all(result == name.upper() for name, result in found if name not in errors)
    assert list(look_at_each(look_but_at(), [])) == []


@pytest.mark.parametrize("files", [MANY, MANY[:5]], ids=["many", "few"])
def test_the_error_of_the_first_file_in_order_is_raised(files):
    with pytest.raises(FileNotFoundError) as raised:
        found_in_each(look_but_at(*files[2:]), files, workers=4)
    assert raised.value.filename == files[2]
    assert found_in_each(look_but_at(), files) == {name: name.upper() for name in files}


def test_other_exceptions_are_raised_as_they_are():
    with pytest.raises(ZeroDivisionError):
        list(look_at_each(lambda name: 1 // (len(name) - 5), MANY, workers=2))


def test_who_stops_at_one_file_has_not_had_all_the_others_looked_at():
    looked = []
    for _ in look_at_each(looked.append, MANY, workers=2):
        break
    assert len(looked) < len(MANY)
