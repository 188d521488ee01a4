"""A reader, and what the driver has of it: as a worker process is, but for what befalls the reader itself.

The actor is a plain object here, and Ray a stand-in; `test_ray.py` has the real one.
"""

import os
import pickle
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support import front_ends
from support.pool_work import arrays, die_once, hang, process_id, unreadable_if_odd
from support.preparing_work import Travelling

from baselines import Request
from benchmark.answers import BatchSize
from benchmark.executors.ray_folder import difference, sight_of
from benchmark.executors.ray_reader import Core, Reader, ReaderLost, RemoteReader
from benchmark.executors.ray_readers import Readers
from benchmark.executors.ray_shares import Seat
from benchmark.preparing import batches
from benchmark.workers import Extractor, Workers
from foundation import media
from foundation.isolation import Death, Lost
from foundation.pool import Elsewhere, done_elsewhere

LONG = 600.0  # a limit that no item here comes near


class RayError(Exception):
    """As Ray has it."""


class RayTaskError(RayError):
    """As Ray has it."""


class StandIn:
    """Ray, as far as a reader needs it: what is asked is done at once, and results come as they lie in its store."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, reader):
        self.killed, self.stored = [], []
        self.silent = False
        self.actor = SimpleNamespace(
            begin=SimpleNamespace(remote=lambda *given: lambda: reader.begin(*given)),
            read=SimpleNamespace(remote=lambda *given: lambda: reader.read(*given)),
        )

    def wait(self, references, timeout, fetch_local):
        assert not fetch_local  # it is fetched when there is room
        return ([], references) if self.silent else (references, [])

    def get(self, reference, timeout=None):
        found = reference()
        if isinstance(found, tuple):
            self.stored += found[1]
        return found

    def kill(self, actor):
        self.killed.append(actor)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    actor = Reader(os.fspath(tmp_path), {})
    yield actor
    actor._core.end()


def remote(reader):
    ray = StandIn(reader)
    return RemoteReader(ray, ray.actor, Seat("node", "host"), threading.Semaphore(1))


def test_arrays_come_writable_and_are_no_part_of_the_object_store(reader):
    ours = remote(reader)
    come = ours.ask(pickle.dumps(arrays), 7, LONG)
    assert {name: (array.dtype, array.size, set(array.tolist())) for name, array in come.items()} == {
        "large": (np.uint8, 3_000_000, {7}),
        "small": (np.uint8, 5, {7}),
    }
    assert [array.size for array in ours.ray.stored] == [3_000_000]
    assert not any(np.shares_memory(array, stored) for array in come.values() for stored in ours.ray.stored)
    come["large"][0] = come["small"][0] = 8


def test_an_item_that_kills_its_process_is_said_to_and_the_reader_goes_on(reader, tmp_path):
    ours, work = remote(reader), pickle.dumps(die_once)
    dead = ours.ask(work, tmp_path / "a", LONG)
    assert dead == Death("killed by SIGKILL, as the system does when memory is full")
    alive = ours.ask(work, tmp_path / "a", LONG)
    assert alive != os.getpid()
    assert ours.ask(work, tmp_path / "a", LONG) == alive
    assert not ours.ended


def test_an_item_that_takes_too_long_is_lost_and_the_reader_goes_on(reader):
    ours, work = remote(reader), pickle.dumps(hang)
    assert ours.ask(work, "whole", LONG) == "whole"
    assert ours.ask(work, "hang", 0.05) == Lost("was not read within 0.05 s")
    assert ours.ask(work, "whole", LONG) == "whole"


def test_other_work_has_a_process_of_its_own(reader):
    ours = remote(reader)
    assert ours.ask(pickle.dumps(process_id), 1, LONG) == ours.ask(pickle.dumps(process_id), 2, LONG)
    assert ours.ask(pickle.dumps(hang), "whole", LONG) == "whole"


def test_what_cannot_travel_costs_its_item_alone(reader):
    ours, work = remote(reader), pickle.dumps(unreadable_if_odd)
    assert ours.ask(work, threading.Lock(), LONG) == Lost("TypeError: cannot pickle '_thread.lock' object")
    assert ours.ask(work, 1, LONG).reason.startswith("ValueError: invalid literal for int()")
    assert ours.ask(work, 2, LONG) == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RayError("The actor died.\n\tclass_name: Reader"), "The actor died."),
        (RayTaskError("Traceback:\n  ...\nModuleNotFoundError: No module named 'plugin'"), "ModuleNotFoundError: No m"),
        (RayError(), "RayError"),
    ],
)
def test_whatever_befalls_the_reader_is_told_from_what_befalls_the_item(reader, error, reason, monkeypatch):
    def fails(*_given, **_how):
        raise error

    ours = remote(reader)
    ours.failures = 2
    monkeypatch.setattr(ours.ray, "get", fails)
    with pytest.raises(ReaderLost, match=reason):
        ours.ask(pickle.dumps(process_id), 1, LONG)
    with pytest.raises(ReaderLost, match=reason):
        ours.begin({})
    assert ours.failures == 2


def test_a_reader_that_does_not_answer_is_lost_and_one_that_does_begins_its_count_anew(reader):
    ours = remote(reader)
    ours.failures, ours.ray.silent = 2, True
    with pytest.raises(ReaderLost, match="it did not answer within 960 s"):
        ours.ask(pickle.dumps(process_id), 1, LONG)
    ours.ray.silent = False
    ours.ask(pickle.dumps(process_id), 1, LONG)
    assert ours.failures == 0
    ours.end()
    assert (ours.ended, ours.ray.killed) == (True, [ours.ray.actor])


def test_a_core_that_was_ended_begins_no_process():
    core = Core()
    core.end()
    assert core.ask(pickle.dumps(process_id), 1, LONG) == Lost("was left, because all is")


def test_a_reader_works_where_the_command_was_given_and_only_if_it_sees_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VGG_MONOAUDIO_READING_SECONDS", "7")
    there = tmp_path / "there"
    (there / "bench").mkdir(parents=True)
    (there / "bench" / "benchmark.json").write_text("{}")
    monkeypatch.chdir(there)
    seen = sight_of(["bench/benchmark.json", "bench"])
    monkeypatch.chdir(tmp_path)
    reader = Reader(os.fspath(there), {"VGG_MONOAUDIO_READING_SECONDS": "5"})
    assert (reader.begin(seen), Path.cwd(), os.environ["VGG_MONOAUDIO_READING_SECONDS"]) == ("", there, "5")
    (there / "bench" / "benchmark.json").write_text("{} ")
    assert "has another " in reader.begin(seen)
    (there / "bench" / "benchmark.json").unlink()
    assert reader.begin(seen).endswith(f"does not have {there}/bench/benchmark.json")
    assert "does not have " in Reader(os.fspath(tmp_path / "absent"), {}).begin(seen)
    assert difference(sight_of(["absent"])) == ""


@pytest.fixture
def with_readers(reader):
    """Lets pools have one reader and one core; yields what the reader was asked."""
    asked = []

    class Asked(RemoteReader):
        def ask(self, work, item, limit_seconds):
            asked.append(item)
            return super().ask(work, item, limit_seconds)

    ray = StandIn(reader)
    readers = Readers(lambda seat: Asked(ray, ray.actor, seat, threading.Semaphore(1)), [Seat("node", "host")], 1)
    with done_elsewhere(Elsewhere(1, readers.worker)):
        yield asked
    readers.close()


def test_features_are_the_same_to_the_last_bit_whoever_decodes(tmp_path, with_readers):
    files = [tmp_path / f"{number}.wav" for number in range(6)]
    for number, file in enumerate(files):
        noise = np.random.default_rng(number).standard_normal(8_000 * (3 if number else 1))
        media.write_audio(file, (0.1 * noise).astype(np.float32), 16_000)
    front_end = Extractor("level.sound", "1", "audio", front_ends.level)
    jobs = [(file, "audio", 1.0, (front_end,)) for file in files]
    with closing(Workers(1)) as workers:
        there = list(workers.prepared(jobs))
    assert with_readers
    here = list(Workers(0).prepared(jobs))
    assert there[0] == here[0] == (files[0], "0.500 s of sound, 1 s are scored")
    assert [path for path, _ in there] == files
    for (_, one), (_, other) in zip(there[1:], here[1:], strict=True):
        np.testing.assert_array_equal(one["level.sound"]["level"], other["level.sound"]["level"])


class Model:
    """A model whose hook travels."""

    sample_rate = 8_000

    def __init__(self):
        self.prepare = Travelling()
        self.generate_prepared = self.generate = lambda *_: None


@pytest.mark.parametrize(
    ("workers", "own", "readers_asked"), [(1, False, True), (1, True, False), (None, False, False)]
)
def test_a_model_of_the_user_s_own_and_threads_leave_readers_alone(with_readers, workers, own, readers_asked):
    requests = [Request(f"v{number}", Path("v.mp4"), "a bell", "", 1.0, number) for number in range(5)]
    found = list(batches(Model(), requests, BatchSize(2), workers=workers, own=own))
    assert [int(one["seed"][0]) for batch in found for one in batch.prepared] == list(range(5))
    assert bool(with_readers) == readers_asked
