"""How often one person may ask."""

import pytest

from benchmark.web import limits
from benchmark.web.limits import RateLimit, line_of


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_burst_passes_and_what_follows_waits_for_its_turn():
    clock = Clock()
    limit = RateLimit(2.0, 3, clock=clock)
    assert [limit.wait_seconds("a") for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    clock.now = 0.5
    assert limit.wait_seconds("a") == 0
    assert limit.wait_seconds("a") == 0.5


def test_a_refused_request_costs_nothing():
    clock = Clock()
    limit = RateLimit(1.0, 1, clock=clock)
    assert limit.wait_seconds("a") == 0
    for tenth in range(1, 10):
        clock.now = tenth / 10
        assert limit.wait_seconds("a") > 0
    clock.now = 1.0
    assert limit.wait_seconds("a") == 0


def test_a_clock_that_is_set_back_takes_nothing_away():
    clock = Clock()
    limit = RateLimit(1.0, 2, clock=clock)
    assert limit.wait_seconds("a") == 0
    clock.now = -3600.0
    assert [limit.wait_seconds("a") for _ in range(2)] == [0, 1]


def test_keys_do_not_share_a_bucket_and_a_pause_fills_no_more_than_a_burst():
    clock = Clock()
    limit = RateLimit(1.0, 2, clock=clock)
    assert [limit.wait_seconds(key) for key in ("a", "a", "b", "b")] == [0, 0, 0, 0]
    clock.now = 1_000.0
    assert [limit.wait_seconds("a") for _ in range(3)] == [0, 0, 1]


def test_the_memory_of_keys_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "MOST_KEYS", 3)
    limit = RateLimit(1.0, 1, clock=Clock())
    for key in "abcd":
        limit.wait_seconds(key)
    assert list(limit._buckets) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True), ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "192.0.2.2", False), ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False), ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "testclient", True), ("", "testclient", False),
    ],
)  # fmt: skip
def test_addresses_that_one_customer_may_choose_from_are_one(one, other, same):
    assert (line_of(one) == line_of(other)) is same
