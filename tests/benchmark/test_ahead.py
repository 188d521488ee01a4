"""What is made ahead comes in order, in bounded number, and ends with who takes it."""

import threading

import pytest

from benchmark.ahead import made_ahead

PATIENCE = 60.0  # seconds; the test's own


def everything(_item):
    return True


def nothing(_item):
    return False


def threads():
    return set(threading.enumerate())


@pytest.mark.parametrize("large", [everything, nothing, lambda item: item % 3 == 0])
def test_items_come_in_their_order(large):
    assert list(made_ahead(lambda _stop: (number for number in range(50)), large=large, count=2)) == list(range(50))
    assert list(made_ahead(lambda _stop: (number for number in ()), large=large, count=1)) == []


def test_items_are_made_while_the_last_one_is_used():
    begun = threading.Event()

    def make(_stop):
        yield 0
        yield 1
        begun.set()
        yield 2

    items = made_ahead(make, large=everything, count=2)
    assert next(items) == 0
    assert begun.wait(PATIENCE)
    assert list(items) == [1, 2]


def test_large_items_wait_in_bounded_number_and_small_ones_do_not_keep_them_out():
    begun, full = [], threading.Event()

    def make(_stop):
        for number in range(30):
            begun.append(number)
            if len(begun) == 4:  # one in use, two that wait, one that is not let in
                full.set()
            yield number
            yield from ["small"] * 20

    items = made_ahead(make, large=lambda item: item != "small", count=2)
    assert next(items) == 0
    assert full.wait(PATIENCE)
    assert next(items) == "small"
    assert len(begun) == 4
    items.close()
    assert len(begun) == 4


def test_what_the_maker_raises_comes_after_what_it_made():
    def make(_stop):
        yield 1
        raise KeyboardInterrupt("in the other thread")

    items = made_ahead(make, large=nothing, count=1)
    assert next(items) == 1
    with pytest.raises(KeyboardInterrupt, match="in the other thread"):
        next(items)


@pytest.mark.parametrize("waits_for", ["room", "stop"])
def test_leaving_early_ends_the_maker_and_its_thread(waits_for):
    before, closed = threads(), threading.Event()

    def make(stop):
        try:
            while True:
                yield 0
                if waits_for == "stop":
                    stop.wait()
        finally:
            closed.set()

    items = made_ahead(make, large=everything, count=1)
    next(items)
    items.close()
    assert closed.is_set()
    assert threads() == before
