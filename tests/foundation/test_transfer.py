"""Results from worker processes: arrays come whole, writable, beside the pickle, or it is said why not."""

import os
import pickle
import signal
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import numpy as np
import pytest
from support.pool_work import arrays, half_an_array, unreadable_if_odd

from foundation import transfer
from foundation.isolation import Death, Lost, ProcessWorker
from foundation.transfer import BESIDE_BYTES, TooSlow, receive, send

LONG = 600.0  # a limit that no result here comes near
MANY = 3_000_000  # bytes that no pipe holds at once


def carried(result):
    """The result as it comes at the other end."""
    ours, theirs = Pipe()
    sender = threading.Thread(target=send, args=(theirs, result))
    sender.start()
    try:
        return receive(ours, LONG)
    finally:
        sender.join()
        ours.close(), theirs.close()


def random(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def read_only(array):
    array.flags.writeable = False
    return array


ARRAYS = {
    "large": random(MANY),
    "small": random(7),
    "at the limit": random(BESIDE_BYTES),
    "empty": random(0, 4),
    "floats": random(MANY).astype(np.float32).reshape(300, -1),
    "columns first": np.asfortranarray(random(300, 10_000)),
    "turned": random(100, 30, 1000).transpose(1, 2, 0),
    "every second": random(MANY)[::2],
    "read-only": read_only(random(MANY)),
    "small and read-only": read_only(random(9)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_as_it_was_and_writable(name):
    sent = ARRAYS[name]
    (come,) = carried({"front": {"end": sent}})["front"].values()
    assert (come.dtype, come.shape) == (sent.dtype, sent.shape)
    np.testing.assert_array_equal(come, sent)
    come[...] = 0
    assert not come.any()


def test_what_is_no_array_comes_too_and_results_keep_their_order():
    ours, theirs = Pipe()
    sent = ["a reason", Lost("why"), {"a": random(MANY), "b": [random(5), random(MANY)]}, None]
    sender = threading.Thread(target=lambda: [send(theirs, result) for result in sent])
    sender.start()
    come = [receive(ours, LONG) for _ in sent]
    sender.join()
    assert (come[:2], come[3]) == (sent[:2], None)
    np.testing.assert_equal(come[2], sent[2])


def test_large_arrays_are_not_in_the_pickle(monkeypatch):
    heads = []
    loads = pickle.loads
    monkeypatch.setattr(transfer.pickle, "loads", lambda head, **more: heads.append(len(head)) or loads(head, **more))
    carried([ARRAYS[name] for name in ("large", "turned", "every second", "read-only", "floats")])
    assert max(heads) < 2000


def test_nothing_is_sent_of_what_cannot_be_pickled():
    ours, theirs = Pipe()
    with pytest.raises((AttributeError, pickle.PicklingError)):
        send(theirs, [random(MANY), lambda: 0])
    assert not ours.poll()


@pytest.mark.parametrize("sent", [0, 70_000])
def test_an_end_in_the_middle_of_an_array_is_the_end_of_the_file(sent):
    ours, theirs = Pipe()
    theirs.send((pickle.dumps(None), [MANY]))
    os.write(theirs.fileno(), bytes(sent))
    theirs.close()
    with pytest.raises(EOFError):
        receive(ours, LONG)


@pytest.mark.parametrize("beginning", [[], [0], [70_000]], ids=["no head", "a head", "half an array"])
def test_what_does_not_come_whole_in_time_is_given_up(beginning):
    ours, theirs = Pipe()
    for size in beginning:
        theirs.send((pickle.dumps(None), [MANY]))
        os.write(theirs.fileno(), bytes(size))
    with pytest.raises(TooSlow):
        receive(ours, 0.05)


def test_another_system_sends_each_array_as_a_message(monkeypatch):
    """Pipes of Windows are no files; the rest of the way is the same."""
    sizes = []
    original = Connection.send_bytes
    monkeypatch.setattr(Connection, "send_bytes", lambda pipe, data: sizes.append(len(data)) or original(pipe, data))
    monkeypatch.setattr(transfer, "_PIPES_ARE_FILES", False)
    np.testing.assert_array_equal(carried([ARRAYS["large"]])[0], ARRAYS["large"])
    assert sizes == [MANY]


def test_arrays_of_a_worker_process_come_writable_one_result_after_the_other():
    worker = ProcessWorker(arrays)
    for value in (1, 2):
        found = worker.ask(value, LONG)
        assert {name: (array.sum(), array.flags.writeable) for name, array in found.items()} == {
            "large": (value * MANY, True),
            "small": (value * 5, True),
        }
    worker.end()


def test_a_worker_that_dies_in_the_middle_of_an_array_is_dead_and_one_that_hangs_there_is_lost():
    dying, hanging = ProcessWorker(half_an_array), ProcessWorker(half_an_array)
    assert dying.ask("die", LONG) == Death("killed by SIGKILL, as the system does when memory is full")
    assert hanging.ask("begin", LONG) == "begun"
    assert hanging.ask("hang", 0.5) == Lost("was not read within 0.5 s")
    assert hanging.ended
    hanging.end()
    assert hanging._process.exitcode == -signal.SIGKILL


def test_a_result_that_cannot_be_read_here_is_lost_and_its_worker_goes_on():
    worker = ProcessWorker(unreadable_if_odd)
    try:
        assert isinstance(worker.ask(1, LONG), Lost)
        assert worker.ask(2, LONG) == 2
        assert not worker.ended
    finally:
        worker.end()
