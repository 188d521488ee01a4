"""Locks on a store: one holder at a time, a holder that is gone is found out, one that lives never."""

import threading
from dataclasses import replace

import pytest

from foundation.holders import PATIENCE_SECONDS, Holder
from foundation.locks import POLL_SECONDS, LockLost
from foundation.remote.locks import StoreLock
from foundation.remote.store import FsspecStore

SINCE = "2026-01-01T00:00:00+00:00"


class Clock:
    """Time that passes only while somebody sleeps; what is due at every turn happens then."""

    def __init__(self, due=lambda _now: None):
        self.now, self.due = 0.0, due

    def sleep(self, seconds):
        self.now += seconds
        self.due(self.now)

    def __call__(self):
        return self.now


@pytest.fixture
def store(new_bucket):
    return FsspecStore(f"{new_bucket('memory')}/runs/.model.lock")


def lock(store, clock=None):
    clock = clock or Clock()
    return StoreLock(store, "memory://bucket/runs/model", sleep=clock.sleep, clock=clock)


def elsewhere(token="f" * 16):
    """A holder on another machine: the same one however often it is asked for."""
    command = "python -m benchmark generate"
    return replace(Holder.this(), token=token, host="elsewhere", command=command, since=SINCE)


def test_a_lock_names_its_holder_and_is_given_back(store):
    with lock(store):
        assert store.names() == ["lock.0"]
        assert str(Holder.this().process).encode() in store.read("lock.0")
    with lock(store):
        assert store.names() == ["lock.1"]


def test_one_at_a_time_holds_it(bucket):
    store, inside, most = FsspecStore(f"{bucket}/.model.lock"), [], []

    def work():
        with StoreLock(store, bucket):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_a_holder_elsewhere_that_beats_is_waited_for(store, caplog):
    holder, beats = elsewhere(), iter(range(1, 10_000))
    store.create("lock.0", holder.written())

    def due(now):
        store.replace("lock.0", b"given back\n" if now > 3 * PATIENCE_SECONDS else holder.written(next(beats)))

    clock = Clock(due)
    with lock(store, clock):
        assert clock.now > 3 * PATIENCE_SECONDS
    assert [record.message for record in caplog.records] == [
        f"memory://bucket/runs/model: {holder} is at work on it; waiting for its end"
    ]


def test_a_holder_elsewhere_that_stands_still_is_taken_over_and_that_is_said(store, caplog):
    store.create("lock.0", elsewhere().written(7))
    clock = Clock()
    with lock(store, clock):
        assert PATIENCE_SECONDS <= clock.now < PATIENCE_SECONDS + 3 * POLL_SECONDS
    assert (
        caplog.records[-1].message == f"memory://bucket/runs/model: took over the lock of {elsewhere()}, which is gone"
    )


def test_a_process_of_this_machine_that_has_ended_is_taken_over_at_once(store):
    store.create("lock.0", replace(Holder.this(), token="f" * 16, process_started="another time").written())
    clock = Clock()
    with lock(store, clock):
        assert clock.now == 0


def test_of_several_that_take_over_one_does(store):
    store.create("lock.0", elsewhere().written())
    late = lock(store, Clock(lambda now: store.create("lock.1", elsewhere("a" * 16).written()) and None))
    waited = []
    late._sleep = lambda seconds: (waited.append(seconds), late._clock.sleep(seconds))
    beats = iter(range(1, 10_000))
    late._clock.due = lambda now: (
        store.create("lock.1", elsewhere("a" * 16).written())
        if now < PATIENCE_SECONDS
        else store.replace(
            "lock.1", b"given back\n" if now > 2 * PATIENCE_SECONDS else elsewhere().written(next(beats))
        )
    )
    with late:
        assert store.names()[-1] == "lock.2"
        assert late._clock.now > 2 * PATIENCE_SECONDS


def test_a_claim_made_from_an_old_look_does_not_count(store):
    for number in (0, 2):
        store.create(f"lock.{number}", b"given back\n")
    old = lock(store)
    assert old._claim(1) is False
    assert old._claim(3) is True
    assert store.names() == ["lock.3"]


def test_one_that_lost_the_lock_is_told_and_leaves_the_other_its_claim(store):
    with pytest.raises(LockLost, match="memory://bucket/runs/model: another process took it over"), lock(store):
        store.create("lock.1", elsewhere().written())
    assert store.read("lock.1") == elsewhere().written()


def test_a_beat_changes_the_claim_and_keeps_its_holder(store):
    with lock(store) as held:
        before = store.read("lock.0")
        held.beat()
        assert store.read("lock.0") != before
        assert store.read("lock.0") == held._holder.written(1)
