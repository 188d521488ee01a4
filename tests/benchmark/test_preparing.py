"""Decoding ahead: what a model prepares of requests, in which process or thread, and what becomes of failures."""

import os
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support import preparing_work
from support.preparing_work import Leaving, Spelling, Travelling

from baselines import GenerationError, Request
from benchmark.answers import BatchSize
from benchmark.preparing import batches, check_workers, prepares


def requests(count):
    return [Request(f"v{number}", Path(f"v{number}.mp4"), "a bell", "", 1.0, number) for number in range(count)]


class Model:
    """Prepares its requests by a hook, and answers with nothing."""

    sample_rate = 8_000

    def __init__(self, prepare):
        self.prepare = prepare
        self.generate_prepared = self.generate = lambda *_: None


def run(model, count=5, size=2, **options):
    return list(batches(model, requests(count), BatchSize(size), **options))


def test_a_model_without_the_hooks_is_given_its_requests_in_batches():
    class Plain:
        sample_rate = 8_000

        def generate(self, request):
            return None

    assert not prepares(Plain())
    found = run(Plain())
    assert [[request.sample_id for request in batch.requests] for batch in found] == [
        ["v0", "v1"],
        ["v2", "v3"],
        ["v4"],
    ]
    assert all(batch.prepared is None for batch in found)


@pytest.mark.parametrize("workers", [0, None, 1, 2])
def test_what_is_prepared_comes_with_its_request_whoever_prepares_it(workers):
    found = run(Model(Travelling()), workers=workers)
    assert [len(batch.requests) for batch in found] == [2, 2, 1]
    for batch in found:
        for request, prepared in zip(batch.requests, batch.prepared, strict=True):
            np.testing.assert_array_equal(prepared["seed"], np.full(3, request.seed, np.uint8))


def processes_of(found):
    return {int(prepared["process"]) for batch in found for prepared in batch.prepared}


def test_a_hook_that_travels_is_run_by_processes_where_they_are_asked_for():
    assert os.getpid() not in processes_of(run(Model(Travelling()), workers=2))
    assert processes_of(run(Model(Travelling()), workers=0)) == {os.getpid()}
    assert processes_of(run(Model(Travelling()), count=70)) == {os.getpid()}


def test_a_method_of_the_model_stays_with_it():
    class Bound(Model):
        def __init__(self):
            self.generate_prepared = self.generate = lambda *_: None

        def prepare(self, request):
            return {"process": np.asarray(os.getpid()), "thread": np.asarray(threading.get_ident())}

    found = run(Bound(), workers=2)
    assert processes_of(found) == {os.getpid()}
    assert {int(one["thread"]) for batch in found for one in batch.prepared} != {threading.get_ident()}


def test_a_model_of_a_file_that_other_processes_do_not_have_is_prepared_by_threads():
    assert processes_of(run(Model(Travelling()), workers=2, own=True)) == {os.getpid()}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sample_that_cannot_be_prepared_is_a_failure_in_its_place(workers, caplog):
    (first, second) = run(Model(Spelling(refused="v1", broken="v2")), count=4, workers=workers)
    assert isinstance(first.prepared[1], GenerationError)
    assert str(first.prepared[1]) == "v1: too dark"
    assert str(second.prepared[0]) == "KeyError: 'frames'"
    assert "in __call__" in caplog.text, "what nobody foresaw is logged with its traceback"
    assert [isinstance(one, GenerationError) for batch in (first, second) for one in batch.prepared] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_sample_that_kills_its_process_costs_itself():
    (batch,) = run(Model(Leaving(bad="v1")), count=3, size=3, workers=1)
    assert "v1.mp4 ended the process that read it, twice" in str(batch.prepared[1])
    assert all(batch.prepared[place]["process"] for place in (0, 2))


def test_what_needs_no_preparing_is_not_prepared():
    class Knowing(Model):
        def needs_preparing(self, request):
            if request.seed == 2:
                raise GenerationError("v2: no such file")
            return request.seed != 1

    (batch,) = run(Knowing(Spelling(refused="v2")), count=3, size=3)
    assert batch.prepared[1] == {}
    assert batch.prepared[0]["process"]
    assert str(batch.prepared[2]) == "v2: too dark", "preparing says what is wrong"


def test_a_size_that_is_changed_counts_from_the_next_batch_that_begins():
    size = BatchSize(4)
    found = []
    for batch in batches(Model(Travelling()), requests(9), size, workers=0):
        found.append(len(batch.requests))
        size.now = 2
    assert found == [4, 2, 2, 1]


def test_work_goes_on_while_a_batch_is_answered():
    """Two batches at most are prepared beyond the one that is answered; then nothing runs ahead any further."""
    ahead = batches(Model(preparing_work.Counting()), requests(31), BatchSize(2))
    preparing_work.PREPARED.clear()
    next(ahead)
    deadline = time.monotonic() + 30
    while len(preparing_work.PREPARED) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(preparing_work.PREPARED) >= 4
    time.sleep(0.2)
    assert len(preparing_work.PREPARED) < 31, "memory is bounded"
    ahead.close()


def test_arrays_are_copied_to_the_gpu_that_the_model_is_on(monkeypatch):
    import torch

    from benchmark import preparing

    here = Model(Spelling(refused="v1"))
    here.device = torch.device("cuda")
    stand_in = preparing.Uploader(torch.device("cpu"))
    monkeypatch.setattr(preparing, "Uploader", lambda device: stand_in)
    (batch,) = run(here, count=3, size=3)
    assert [type(one) for one in batch.prepared] == [dict, GenerationError, dict]
    assert all(isinstance(tensor, torch.Tensor) for tensor in batch.prepared[2].values())


def test_what_cannot_be_copied_to_the_gpu_stays_on_the_host_and_that_is_said(monkeypatch, caplog):
    import torch

    from benchmark import preparing

    class Full:
        def stage(self, arrays):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    here = Model(Travelling())
    here.device = "cuda:0"
    monkeypatch.setattr(preparing, "Uploader", lambda device: Full())
    (batch,) = run(here, count=2, size=2)
    assert all(isinstance(one["seed"], np.ndarray) for one in batch.prepared)
    assert "what was prepared stays on the host: OutOfMemoryError" in caplog.text


def test_hooks_that_are_no_functions_are_none():
    class Without(Model):
        def __init__(self):
            self.prepare = self.generate_prepared = None

    assert not prepares(Without())


class Unruly(Travelling):
    def __reduce__(self):
        raise RuntimeError("not for travelling")


class FromScript(Travelling):
    pass


FromScript.__module__ = "__main__"


def of_script(request):
    return {"process": np.asarray(os.getpid())}


@pytest.mark.parametrize("hook", [lambda request: {"process": np.asarray(os.getpid())}, Unruly(), FromScript()])
def test_a_hook_that_cannot_travel_is_run_by_threads(hook):
    assert processes_of(run(Model(hook), workers=2)) == {os.getpid()}


def test_a_hook_that_holds_something_of_the_script_is_run_by_threads(monkeypatch):
    monkeypatch.setattr(of_script, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "of_script", of_script, raising=False)
    assert processes_of(run(Model(partial(of_script)), workers=2)) == {os.getpid()}


@pytest.mark.parametrize("workers", [0, None])
def test_whatever_a_hook_raises_or_returns_costs_its_sample(workers):
    class Speechless(BaseException):
        def __str__(self):
            raise ValueError

    def odd(request):
        if request.seed == 0:
            raise Speechless
        if request.seed == 1:
            raise SystemExit(3)
        return [1, 2] if request.seed == 2 else {"fine": np.zeros(1)}

    (batch,) = run(Model(odd), count=4, size=4, workers=workers)
    assert [isinstance(one, GenerationError) for one in batch.prepared] == [True, True, True, False]
    assert "its message cannot be read" in str(batch.prepared[0])
    assert str(batch.prepared[2]) == "TypeError: prepare returned list, expected a mapping of arrays by name"


@pytest.mark.parametrize("error", [IndexError, KeyError, SystemError])
@pytest.mark.parametrize("workers", [0, None])
def test_a_model_that_does_not_know_whether_it_needs_preparing_is_prepared(error, workers):
    class Unsure(Model):
        def needs_preparing(self, request):
            raise error("who knows")

    (batch,) = run(Unsure(Travelling()), count=3, size=3, workers=workers)
    assert all("seed" in one for one in batch.prepared)


def test_a_size_below_one_is_one():
    assert [len(batch.requests) for batch in run(Model(Travelling()), count=2, size=0)] == [1, 1]


@pytest.mark.parametrize("workers", [-1, 1.5, "2", True])
def test_a_number_of_workers_that_is_none_is_refused(workers):
    with pytest.raises(ValueError, match="workers: expected 0 or more, got"):
        check_workers(workers)


def test_a_gpu_that_is_not_here_is_said_and_what_is_prepared_stays_on_the_host(caplog):
    elsewhere = Model(Travelling())
    elsewhere.device = "cuda:17"
    (batch,) = run(elsewhere, count=2, size=2)
    assert all(isinstance(one["seed"], np.ndarray) for one in batch.prepared)
    assert "what is prepared stays on the host" in caplog.text
