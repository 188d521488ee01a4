"""Clips read by worker processes: one that ends or confuses its worker costs itself alone, and none is left behind."""

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import torch
from support import dying_readers, preparing_process
from support.training_clips import clip, clips_with_faults

from baselines.selva.training import preparing, preparing_reading, preparing_shard
from baselines.selva.training.clip_list import Entry
from baselines.selva.training.clip_reading import Unusable
from baselines.selva.training.preparing import Options, prepare
from baselines.selva.training.preparing_reading import ClipReader, Job
from foundation.faults import MachineFault
from foundation.isolation import Death, Lost
from foundation.ledger.ledger import Driver
from foundation.pool import Elsewhere, done_elsewhere

SECONDS = 0.8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return clips_with_faults(tmp_path_factory.mktemp("clips"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """What the networks make is not the subject here, nor may a stand-in of a worker change this process."""
    monkeypatch.setattr(preparing, "PreparingNetworks", preparing_process.FormulaNetworks)
    monkeypatch.setattr(torch, "set_num_threads", lambda _count: None)


def prepared(folder, out, *, workers=2, shard_clips=3, **how):
    options = Options(seconds=SECONDS, shard_clips=shard_clips, workers=workers)
    return prepare(folder / "clips", [folder / "list.csv"], out, options=options, **how)


def shards(store):
    return {path.name: path.read_bytes() for path in (store / "shards").iterdir()}


class InThread:
    """Stands for a worker process; what it does not come back from is given."""

    begun = 0

    def __init__(self, work, lost):
        type(self).begun += 1
        self.work, self.lost, self.ended = work, lost, False

    def ask(self, job, _limit):
        outcome = self.lost.get(job.path.stem)
        self.ended = isinstance(outcome, Death)
        return outcome or pickle.loads(pickle.dumps(self.work(job)))

    def end(self):
        self.ended = True


@contextmanager
def workers_in_threads(**lost):
    """Let workers be threads; what becomes of some clips is given by their ids."""
    InThread.begun = 0
    with done_elsewhere(Elsewhere(0, lambda work: InThread(work, lost))):
        yield


def test_a_clip_that_ends_its_worker_is_skipped_and_named_and_the_rest_go_on(folder, tmp_path):
    whole = prepared(folder, tmp_path / "whole", workers=0)
    with workers_in_threads(c=Death("killed by SIGSEGV"), e=Lost("was not read within 300 s")):
        found = prepared(folder, tmp_path / "store")
    said = {skip.id: (skip.kind, skip.reason) for skip in found.skipped}
    assert said.pop("c") == ("decoder crashed", "ended the process that read it, twice: killed by SIGSEGV")
    assert said.pop("e") == ("unreadable", "was not read within 300 s")
    assert said == {skip.id: (skip.kind, skip.reason) for skip in whole.skipped}
    assert found.record.counts.skipped["decoder crashed"] == 1
    assert (found.record.counts.train, found.record.counts.validation) == (2, 2)
    with workers_in_threads():
        again = prepared(folder, tmp_path / "store")
    assert (again.skipped, InThread.begun) == (found.skipped, 0), "it is not met again by the same command"


def test_shards_are_the_same_whoever_reads(folder, tmp_path):
    with workers_in_threads():
        found = prepared(folder, tmp_path / "store")
    assert shards(found.store) == shards(prepared(folder, tmp_path / "whole", workers=0).store)
    assert len(shards(found.store)) == 4
    assert InThread.begun <= 2


def test_workers_stay_from_one_call_to_the_next(folder):
    jobs = [job(folder / "clips" / f"{id}.mp4") for id in ("a", "b")]
    with workers_in_threads(), closing(ClipReader(seconds=SECONDS, rates=(), picture="lossless", workers=1)) as reader:
        for one in jobs:
            ((_, found),) = reader.read([one])
            assert len(found.frames) == 20
    assert InThread.begun == 1


def test_clips_of_the_next_shard_are_read_while_the_networks_are_at_this_one(folder, tmp_path, monkeypatch):
    events = []
    claim, write = Driver.claim, preparing_shard.write_shard

    def claiming(driver):
        taken = claim(driver)
        events.append(("claimed", taken.shard if taken else None))
        return taken

    def writing(path, *content, **more):
        events.append(("written", int(path.stem)))
        write(path, *content, **more)

    monkeypatch.setattr(Driver, "claim", claiming)
    monkeypatch.setattr(preparing_shard, "write_shard", writing)
    with workers_in_threads():
        prepared(folder, tmp_path / "store")
    for shard in range(3):
        assert events.index(("claimed", shard + 1)) < events.index(("written", shard))


def test_progress_is_told_by_the_clip_and_by_the_shard(folder, tmp_path):
    told = []
    with workers_in_threads():
        prepared(folder, tmp_path / "store", report=lambda *standing: told.append(standing))
    clips = [done for stage, done, total in told if (stage, total) == ("clips", 11)]
    assert sorted(clips) == clips
    assert set(clips) == set(range(12))
    assert [done for stage, done, _ in told if stage == "shards"] == [0, 1, 2, 3, 4, 4]
    assert [done for stage, done, total in told if (stage, total) == ("texts", 4)] == [0, 1, 2, 3, 4]
    (tmp_path / "store" / "shards" / "00001.safetensors").unlink()
    told.clear()
    with workers_in_threads():
        prepared(folder, tmp_path / "store", report=lambda *standing: told.append(standing))
    assert [done for stage, done, _ in told if stage == "clips"][:4] == [8, 9, 10, 11], "what is there counts"


def job(path):
    return Job(0, Entry(path.stem, "flute", None), path)


def read(jobs, workers=0):
    with closing(ClipReader(seconds=SECONDS, rates=("16k",), picture="lossless", workers=workers)) as reader:
        return [found for _, found in reader.read(jobs)]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_exception_that_nobody_foresaw_is_the_reason_of_its_clip(tmp_path, monkeypatch, caplog, workers):
    def odd(path, **_):
        raise ZeroDivisionError(path.stem)

    monkeypatch.setattr(preparing_reading, "read_clip", odd)
    with workers_in_threads():
        (found,) = read([job(tmp_path / "a.mp4")], workers)
    assert (found.kind, found.reason) == ("unreadable", "ZeroDivisionError: a")
    assert "a.mp4: cannot be read" in caplog.text


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("error", "wanted", "said"),
    [
        (MemoryError(), MachineFault, r"a\.mp4: Cannot allocate memory; that is no fault of the file"),
        (ModuleNotFoundError("No module named 'PIL'"), ImportError, "PIL"),
    ],
)
def test_what_is_wrong_with_the_machine_ends_the_work_and_is_no_reason_of_a_clip(
    tmp_path, monkeypatch, workers, error, wanted, said
):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(preparing_reading, "read_clip", broken)
    with workers_in_threads(), pytest.raises(wanted, match=said):
        read([job(tmp_path / "a.mp4")], workers)


def test_what_is_known_before_needs_no_worker():
    known = Unusable("bad features", "not finite")
    with workers_in_threads():
        (found,) = read([Job(0, Entry("a", "flute", None), None, known)], workers=1)
    assert (found, InThread.begun) == (known, 0)


def test_a_number_of_workers_that_is_none_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="workers: expected 0 or more, got -1"):
        prepared(folder, tmp_path / "store", workers=-1)
    assert not (tmp_path / "store").exists()


# Real processes


@pytest.mark.slow(minutes=1)
def test_a_decoder_that_crashes_its_process_costs_its_clip_alone(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing_reading, "_read", dying_readers.crashing)
    found = prepared(folder, tmp_path / "store")
    (crashed,) = [skip for skip in found.skipped if skip.kind == "decoder crashed"]
    assert (crashed.id, crashed.reason) == ("c", "ended the process that read it, twice: killed by SIGSEGV")
    monkeypatch.undo()
    monkeypatch.setattr(preparing, "PreparingNetworks", preparing_process.FormulaNetworks)
    there, whole = shards(found.store), shards(prepared(folder, tmp_path / "whole", workers=0).store)
    assert {name for name in whole if there[name] != whole[name]} == {"00001.safetensors"}


@pytest.mark.slow(minutes=1)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_worker_outlives_the_command(folder, tmp_path, how):
    program = (
        "from support import dying_readers, preparing_process\n"
        "from baselines.selva.training import preparing, preparing_reading\n"
        "from baselines.selva.training.preparing import Options, prepare\n"
        "preparing.PreparingNetworks = preparing_process.FormulaNetworks\n"
        "preparing_reading._read = dying_readers.hanging\n"
        f"prepare({str(folder / 'clips')!r}, [{str(folder / 'list.csv')!r}], {str(tmp_path / 'store')!r},\n"
        f"        options=Options(seconds={SECONDS}, workers=2))\n"
    )
    at_work = tmp_path / "workers"
    at_work.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "WORKERS_AT_WORK": str(at_work)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.DEVNULL) as command:
        while len(workers := [int(path.name) for path in at_work.iterdir()]) < 2:
            assert command.poll() is None
            time.sleep(0.1)
        command.send_signal(how)
        command.wait(timeout=60)
    for _ in range(600):
        if not any(Path(f"/proc/{worker}/stat").exists() for worker in workers):
            return
        time.sleep(0.1)
    pytest.fail("a worker is still there")


def test_a_clip_comes_whole_from_a_worker_process(tmp_path):
    path = clip(tmp_path / "a.mp4")
    (tmp_path / "torn.mp4").write_bytes(b"not a film" * 50)
    one, torn = read([job(path), job(tmp_path / "torn.mp4")], workers=1)
    (here,) = read([job(path)])
    assert (list(one.files), one.frames.shape) == (list(here.files), (20, 3, 224, 224))
    assert (one.sounds["16k"] == here.sounds["16k"]).all()
    assert (torn.kind, torn.reason) == ("unreadable", "not a media file, or damaged")
