"""Batches that are read ahead: an end of a worker, or too little memory to share, is told and waited for by nobody."""

import multiprocessing
import os
import signal

import pytest
import torch
from support.small_training_runs import NamesItsReader, ThirdEndsItsReader, narrow_store, small_recipe, trained

from baselines.selva.training import reading
from baselines.selva.training.batches import Batch, TrainingBatches
from baselines.selva.training.checkpoints import Checkpoints
from baselines.selva.training.reading import Again, ReadingFailed, read
from baselines.selva.training.store import Store
from foundation.files import WriteFailed

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    store = narrow_store(tmp_path_factory.mktemp("store"))
    return TrainingBatches(Store.opened(store.path), small_recipe(), "generator")


@pytest.mark.slow(minutes=1)
def test_a_worker_that_is_killed_is_named_where_its_batch_is_waited_for(batches):
    before = signal.getsignal(signal.SIGCHLD)
    found = list(zip(range(9), read(ThirdEndsItsReader(batches), range(6), workers=1, device=CPU), strict=False))
    *read_before, (_, failed) = found
    assert isinstance(failed, ReadingFailed)
    assert len(read_before) < 3
    assert all(torch.equal(batch.noise, batches[number].noise) for number, batch in read_before)
    assert "a process that reads clips ahead is gone (" in str(failed)
    assert "--workers 0" in str(failed)
    assert signal.getsignal(signal.SIGCHLD) is before  # it breaks into nothing


@pytest.mark.slow(minutes=1)
def test_readers_stay_from_one_time_to_the_next_and_one_that_was_killed_between_is_named(batches):
    again = Again(NamesItsReader(batches), range(2), workers=1, device=CPU)
    readers = [{batch.ids for batch in again} for _ in range(2)]
    assert readers[0] == readers[1]
    ((reader,),) = readers[0]
    assert int(reader) != os.getpid()
    os.kill(int(reader), signal.SIGKILL)
    (failed,) = again
    assert "a process that reads clips ahead is gone (" in str(failed)


@pytest.mark.slow(minutes=1)
def test_readers_end_when_reading_is_left_whoever_still_knows_of_it(batches):
    again, once = Again(batches, range(2), workers=1, device=CPU), read(batches, range(4), workers=1, device=CPU)
    kept = [iter(again), once]  # as a traceback keeps them
    for reading_on in kept:
        next(reading_on)
    assert len(multiprocessing.active_children()) == 2
    again.close()
    once.close()
    assert not multiprocessing.active_children()


def test_what_was_read_is_closed_however_a_stage_ends(tmp_path, monkeypatch):
    def full(*_):
        raise WriteFailed("no room")

    closed = []
    monkeypatch.setattr(Again, "close", lambda self: closed.append(self))
    store = narrow_store(tmp_path / "store")
    monkeypatch.setattr(Checkpoints, "write", full)
    with pytest.raises(WriteFailed):
        trained(store, tmp_path / "run", workers=0)
    assert len(closed) == 2  # the batches to train with, and the held-out ones


def test_batches_can_be_read_again_by_this_process(batches):
    again = Again(batches, range(1, 3), workers=0, device=CPU)
    assert [[batch.ids for batch in again] for _ in range(2)] == [[batches[n].ids for n in (1, 2)]] * 2


def test_a_batch_that_finds_no_memory_to_share_is_told_by_who_read_it(batches, monkeypatch):
    def full(_batch):
        raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1_2_0>: Success (0)")

    batch = batches[0]
    assert all(value.is_shared() for value in vars(reading._shared(batch)).values() if isinstance(value, torch.Tensor))
    monkeypatch.setattr(Batch, "in_shared_memory", full)
    failed = reading._shared(batch)
    assert isinstance(failed, ReadingFailed)
    assert "does not fit into the memory that processes share" in str(failed)
    assert "unable to allocate shared memory" in str(failed)


def test_what_goes_wrong_in_reading_itself_is_not_taken_for_the_end_of_a_worker(batches, monkeypatch):
    def broken(_self, _number):
        raise RuntimeError("not a number of a batch")

    monkeypatch.setattr(TrainingBatches, "__getitem__", broken)
    with pytest.raises(RuntimeError, match="not a number of a batch"):
        next(read(batches, range(2), workers=0, device=CPU))


def test_no_numbers_are_no_batches_and_no_workers(batches):
    assert list(read(batches, range(0), workers=2, device=CPU)) == []
