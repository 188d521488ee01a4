"""Ledgers: every shard has one driver at a time, and what a driver that is gone leaves is taken over once."""

import errno
import os
import threading
from dataclasses import replace

import pytest

from foundation.holders import PATIENCE_SECONDS, Holder
from foundation.ledger import ledger as module
from foundation.ledger.ledger import Claim, Ledger, shards_of
from foundation.ledger.store import FolderStore

NAMES = [f"sample{number}" for number in range(10)]
SHARDS = shards_of(NAMES, 4)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    return Ledger(FolderStore(tmp_path / ".run.ledger"), clock=clock)


@pytest.fixture
def plan(ledger):
    return ledger.begin("mark", SHARDS, {"seconds": 2.5})


def another(ledger, plan, monkeypatch, **changes):
    """Join as another process would."""
    real = Holder.this()
    with monkeypatch.context() as patch:
        patch.setattr(module.Holder, "this", classmethod(lambda cls: replace(real, **changes)))
        return ledger.join(plan)


def test_a_plan_says_what_it_was_given(ledger, plan):
    found = ledger.plan()
    assert found == plan
    assert [list(names) for names in found.shards] == [NAMES[:4], NAMES[4:8], NAMES[8:]]
    assert (found.mark, found.known) == ("mark", {"seconds": 2.5})


def test_a_plan_of_another_version_is_none(ledger):
    ledger.store.create("plan-1", b'{"mark": "m"}')
    assert ledger.plan() is None


def test_every_shard_is_given_once_in_order_and_then_none(ledger, plan):
    with ledger.join(plan) as one, ledger.join(plan) as other:
        assert [driver.claim() for driver in (one, other, one, other)] == [
            Claim(0, ""), Claim(1, ""), Claim(2, ""), None,
        ]  # fmt: skip


def test_of_many_threads_that_claim_at_once_each_shard_has_one(ledger):
    plan = ledger.begin("mark", shards_of([str(n) for n in range(60)], 1), {})
    claims, start = [], threading.Barrier(6)

    def drive():
        with ledger.join(plan) as driver:
            start.wait()
            while (claim := driver.claim()) is not None:
                claims.append(claim)
                driver.finish(claim.shard, {})

    threads = [threading.Thread(target=drive) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.shard for claim in claims) == list(range(60))
    assert {claim.before for claim in claims} == {""}


def test_what_a_driver_leaves_unfinished_is_free_and_what_it_finished_is_not(ledger, plan):
    with ledger.join(plan) as driver:
        driver.claim()
        driver.claim()
        driver.finish(0, {"failures": ["a"]})
    with ledger.join(plan) as next_driver:
        assert next_driver.claim() == Claim(1, "a driver that has left")
        assert next_driver.finished == set(NAMES[:4])
        assert next_driver.found() == [{"failures": ["a"]}]


def test_what_a_killed_driver_leaves_is_taken_over_at_once(ledger, plan, monkeypatch):
    dead = another(ledger, plan, monkeypatch, process=2**22 + 1, process_started="then")
    dead.claim()
    with ledger.join(plan) as driver:
        claim = driver.claim()
        assert claim.shard == 0
        assert claim.before.startswith("process 4194305 on ")
        assert claim.before.endswith(", which is gone")
        with ledger.join(plan) as third:
            assert third.claim() == Claim(1, "")  # the shard that was taken over is held again


def test_a_driver_elsewhere_is_gone_when_its_heartbeat_stands_still_by_the_clock_of_the_one_who_looks(
    ledger, plan, clock, monkeypatch
):
    far = another(ledger, plan, monkeypatch, host="elsewhere")
    far.claim()
    with ledger.join(plan) as driver:
        assert [driver.claim().shard, driver.claim().shard, driver.claim()] == [1, 2, None]
        assert [seen.holder.host for seen in driver.others] == ["elsewhere"]
        clock.now += PATIENCE_SECONDS - 1
        assert driver.claim() is None
        ledger.store.replace(far._name, far._holder.written(7))  # it lives
        clock.now += PATIENCE_SECONDS - 1
        assert driver.claim() is None
        clock.now += PATIENCE_SECONDS
        assert driver.claim().shard == 0


def test_the_heartbeat_of_a_driver_goes_on_until_it_leaves(ledger, plan, monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    with ledger.join(plan) as driver:
        first = ledger.store.read(driver._name)
        while ledger.store.read(driver._name) == first:
            pass
    assert ledger.store.read(driver._name) == b""
    assert ledger.at_work() == []


def test_a_shard_that_two_have_finished_has_what_the_first_found(ledger, plan):
    with ledger.join(plan) as one, ledger.join(plan) as other:
        one.claim()
        other.finish(0, {"by": "other"})
        one.finish(0, {"by": "one"})
        assert one.found() == [{"by": "other"}]


def test_a_plan_is_over_when_all_is_finished_or_when_it_was_ended(ledger, plan):
    with ledger.join(plan) as driver:
        for shard in range(3):
            assert not driver.is_over()
            driver.finish(shard, {})
        assert driver.is_over()
    with ledger.join(ledger.begin("mark", SHARDS, {})) as driver:
        assert not driver.is_over()
        ledger.store.clear()
        assert driver.is_over()
        ledger.begin("mark", SHARDS, {})
        assert driver.is_over()


def test_a_driver_knows_whether_it_is_the_last(ledger, plan):
    with ledger.join(plan) as one:
        with ledger.join(plan):
            assert not one.is_last()
        assert one.is_last()


def test_a_claim_that_was_cut_as_it_was_written_is_taken_over(ledger, plan):
    ledger.store.create(f"claim-{plan.token}-000000.0", b"")
    with ledger.join(plan) as driver:
        assert driver.claim() == Claim(0, "a driver that has left")


def test_a_driver_that_leaves_an_ended_plan_brings_nothing_back(ledger, plan, tmp_path):
    with ledger.join(plan) as driver:
        driver.claim()
        ledger.store.clear()
        driver.finish(0, {})
        assert driver.claim() is None
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_does_not_keep_a_driver_from_leaving(ledger, plan, monkeypatch):
    def full(*_given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with ledger.join(plan):
        monkeypatch.setattr(FolderStore, "replace", full)


def test_a_shard_that_was_finished_since_the_look_is_not_taken_over(ledger, plan, monkeypatch):
    with ledger.join(plan) as before:
        before.claim()
        before.finish(0, {})
    real = FolderStore.names
    with ledger.join(plan) as driver, monkeypatch.context() as patch:
        patch.setattr(FolderStore, "names", lambda self: [n for n in real(self) if not n.startswith("done-")])
        assert driver.claim() == Claim(1, "")


def test_a_claim_whose_answer_was_lost_and_that_was_made_again_is_the_driver_s(ledger, plan, monkeypatch):
    real = FolderStore.create
    with ledger.join(plan) as driver, monkeypatch.context() as patch:
        patch.setattr(FolderStore, "create", lambda self, *given: real(self, *given) and real(self, *given))
        assert driver.claim() == Claim(0, "")


def test_a_driver_that_stood_still_until_another_plan_was_made_says_nothing_of_that_one(ledger, plan, monkeypatch):
    with ledger.join(plan) as late:
        late.claim()
        later = ledger.begin("mark", SHARDS, {})
        assert late.claim() is None
        monkeypatch.setattr(late, "is_planned", lambda: True)  # it looked just before
        late.finish(0, {"failures": ["of before"]})
        with ledger.join(later) as driver:
            assert driver.claim() == Claim(0, "")
            assert driver.found() == []


def test_a_record_of_a_finished_shard_that_was_cut_is_said_and_the_others_count(ledger, plan, caplog):
    with ledger.join(plan) as driver:
        ledger.store.create(f"done-{plan.token}-000000", b'{"failures": [')
        driver.finish(1, {"failures": ["b"]})
        assert driver.found() == [{"failures": ["b"]}]
    assert f"done-{plan.token}-000000: damaged" in caplog.text
