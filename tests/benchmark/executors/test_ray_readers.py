"""The readers of one driver: whatever befalls them, every item is done, and only its own fault costs it.

Readers here are threads of this process that are told what to do; no cluster is needed.
"""

import threading
import time

import pytest
from support.pool_work import process_id

from benchmark.executors import ray_readers
from benchmark.executors.outcomes import RESTARTS
from benchmark.executors.ray_reader import Core, ReaderLost
from benchmark.executors.ray_readers import TRIES, Readers
from benchmark.executors.ray_shares import Seat
from foundation.isolation import Lost
from foundation.pool import Elsewhere, Stopped, done_elsewhere, outcomes

LONG = 600.0  # a limit that no item here comes near


def everywhere(_item):
    return True


class Fake:
    """A reader that does what it is told."""

    def __init__(self, cluster, seat):
        self.cluster, self.seat, self.failures, self.ended = cluster, seat, 0, False
        self.killed = threading.Event()

    def begin(self, seen):
        assert seen == {"bench": "as here"}
        return self.cluster.begins(self)

    def ask(self, work, item, limit):
        with self.cluster.lock:
            self.cluster.asked.append(item)
        answer = self.cluster.answers(self, item)
        self.failures = 0
        return answer

    def end(self):
        self.ended = True
        self.killed.set()


class Cluster:
    """Starts fakes and keeps them."""

    def __init__(self, begins=lambda reader: "", answers=lambda reader, item: ("read", item)):
        self.begins, self.answers = begins, answers
        self.started, self.asked, self.lock = [], [], threading.Lock()

    def start(self, seat):
        with self.lock:
            self.started.append(Fake(self, seat))
            return self.started[-1]


class Here(Core):
    """A core that begins no process."""

    def ask(self, work, item, limit):
        return "here", item


@pytest.fixture
def readers(monkeypatch):
    """A maker of readers that are closed with the test, and cores that begin no process."""
    monkeypatch.setattr(ray_readers, "Core", Here)
    made = []

    def make(cluster, count=1, host="host"):
        seats = [Seat(f"node{number}", host) for number in range(count)]
        made.append(Readers(cluster.start, seats, 1, {"bench": "as here"}))
        return made[-1]

    yield make
    for each in made:
        each.close()


def through(readers, items, **more):
    """What a pool makes of items with these readers."""
    with done_elsewhere(Elsewhere(len(readers.seats), readers.worker)):
        return list(
            outcomes(process_id, items, count=len(readers.seats) + 1, limit_seconds=LONG, apart=everywhere, **more)
        )


def until(found):
    """Wait until something is so; a minute is more than that ever takes."""
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end
        time.sleep(0.001)


def begun(readers, count=1):
    """Wait until so many readers are free."""
    until(lambda: len(readers._free) == count)


def test_readers_and_own_cores_have_items_at_once_and_outcomes_keep_their_order(readers, monkeypatch):
    both = threading.Barrier(2)  # each item waits for one at the other place

    class Meeting(Here):
        def ask(self, work, item, limit):
            both.wait(timeout=60)
            return "here", item

    cluster = Cluster(answers=lambda reader, item: (both.wait(timeout=60), "read", item)[1:])
    monkeypatch.setattr(ray_readers, "Core", Meeting)
    made = readers(cluster)
    begun(made)
    told = through(made, range(6))
    assert [item for _, item in told] == list(range(6))
    assert {where for where, _ in told} == {"read", "here"}


def test_a_reader_that_has_not_begun_keeps_no_item_waiting(readers):
    never = threading.Event()
    made = readers(Cluster(begins=lambda reader: never.wait() or ""))
    assert through(made, range(5)) == [("here", item) for item in range(5)]
    never.set()


def lost(reader, item):
    raise ReaderLost(f"The actor {id(reader)} died")


def test_an_item_whose_reader_is_lost_is_done_elsewhere_and_the_reader_begins_again(readers, caplog):
    def answers(reader, item):
        return lost(reader, item) if reader in cluster.started[:2] else ("read", item)

    cluster = Cluster(answers=answers)
    made = Readers(cluster.start, [Seat("node", "host")] * 2, 1, {"bench": "as here"})
    begun(made, 2)
    worker = made.worker(process_id)
    assert worker.ask("film", LONG)[1] == "film"
    begun(made, 2)
    assert worker.ask("next", LONG) == ("read", "next")
    assert [reader.ended for reader in cluster.started] == [True, True, False, False]
    made.close()
    (said,) = caplog.messages
    assert said.startswith("reader on host: The actor ")
    assert said.endswith(" died; what it was at is read elsewhere")


def test_an_item_that_loses_readers_again_and_again_is_done_on_a_core_of_the_driver(readers):
    cluster = Cluster(answers=lost)
    made = readers(cluster, count=3)
    begun(made, 3)
    assert made.worker(process_id).ask("film", LONG) == ("here", "film")
    assert cluster.asked == ["film"] * TRIES


def test_a_seat_in_which_every_reader_is_lost_is_given_up_and_the_work_goes_on(readers, caplog):
    cluster = Cluster(answers=lost)
    made = readers(cluster)
    worker = made.worker(process_id)
    while len(cluster.asked) <= RESTARTS:  # one item may lose two of them
        begun(made)
        assert worker.ask("film", LONG) == ("here", "film")
    assert through(made, range(9)) == [("here", item) for item in range(9)]
    assert len(cluster.started) == RESTARTS + 1
    assert caplog.messages[-1] == "reader on host: none is started there again"


def test_a_reader_that_never_begins_is_given_up(readers, caplog):
    def begins(reader):
        raise ReaderLost("The node is gone.")

    cluster = Cluster(begins=begins)
    made = readers(cluster)
    until(lambda: "reader on host: none is started there again" in caplog.messages)
    assert len(cluster.started) == RESTARTS + 1
    assert made.worker(process_id).ask("film", LONG) == ("here", "film")


def test_a_node_that_does_not_see_the_same_files_reads_nothing_and_it_is_said_once(readers, caplog):
    cluster = Cluster(begins=lambda reader: "the node does not have /bench")
    made = Readers(cluster.start, [Seat("node", "host")] * 3, 1, {"bench": "as here"})
    until(lambda: len(cluster.started) == 3 and all(reader.ended for reader in cluster.started))
    assert through(made, range(3)) == [("here", item) for item in range(3)]
    made.close()
    assert caplog.messages == ["reader on host: the node does not have /bench"]
    assert (cluster.asked, len(cluster.started)) == ([], 3)


def test_leaving_early_ends_what_readers_are_at_and_the_next_pool_has_fresh_ones(readers):
    at_work = threading.Event()

    def answers(reader, item):
        if item != "hang":
            return "read", item
        at_work.set()
        assert reader.killed.wait(timeout=60)
        raise ReaderLost("killed")

    cluster = Cluster(answers=answers)
    made = readers(cluster)
    begun(made)
    stop = threading.Event()
    with done_elsewhere(Elsewhere(1, made.worker)):
        stream = outcomes(process_id, ["hang", "b"], count=1, limit_seconds=LONG, apart=everywhere, stop=stop)
        threading.Thread(target=lambda: (at_work.wait(60), stop.set())).start()
        with pytest.raises(Stopped):
            next(stream)
    assert cluster.started[0].ended
    begun(made)
    assert through(made, ["c"]) == [("read", "c")]


def test_closing_ends_all_readers_and_those_who_wait_for_one():
    made = Readers(Cluster().start, [], 1)
    waiting = made.worker(process_id)
    taken = made.take(made.worker(process_id), here=True)
    found = []
    thread = threading.Thread(target=lambda: found.append(waiting.ask("film", LONG)))
    thread.start()
    made.close()
    thread.join(60)
    assert found == [Lost("was left, because all is")]
    assert taken.ended
