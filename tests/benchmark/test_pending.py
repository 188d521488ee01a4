"""Features that are computed and not yet kept: written in packs of tens of files, and whatever ends the work."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from support import front_ends
from support.packs import features_below, kept_in, packs_below

from benchmark import pending
from benchmark.feature_store import FeatureStore
from benchmark.features import Extractor, Wanted, extract
from benchmark.pending import Pending
from foundation import media
from foundation.files import WriteFailed

ROW = Extractor("test.row", "v1", "audio", front_ends.level)
OTHER = Extractor("test.other", "v1", "audio", front_ends.level)


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when a test says so."""
    now = [1000.0]
    monkeypatch.setattr(pending.time, "monotonic", lambda: now[0])
    return now


def add(gathered, count, row=ROW, size=4, start=0):
    for number in range(start, start + count):
        gathered.add(row, f"{number:064x}", {"x": np.full(size, number, np.float32)}, str(number))


def gather(store, count, error=None):
    """Gather features, write what is due, and end with an error, if there is one."""
    with Pending(store) as gathered:
        add(gathered, count)
        gathered.write_due()
        if error is not None:
            raise error


def kept(tmp_path):
    """Of each pack the extractor, and of how many files it holds features."""
    return {(kept_in(pack)[0].extractor, len(kept_in(pack))) for pack in packs_below(tmp_path)}


@pytest.mark.usefixtures("clock")
def test_a_pack_is_written_when_there_are_many_files_and_the_rest_at_the_end(store, tmp_path):
    with Pending(store) as gathered:
        add(gathered, pending.PENDING_FILES - 1)
        add(gathered, 1, OTHER)
        gathered.write_due()
        assert packs_below(tmp_path) == []
        add(gathered, 1, start=pending.PENDING_FILES)
        gathered.write_due()
        assert kept(tmp_path) == {("test.row", pending.PENDING_FILES)}
        add(gathered, 2, start=100)
    assert kept(tmp_path) == {("test.row", pending.PENDING_FILES), ("test.row", 2), ("test.other", 1)}


@pytest.mark.usefixtures("clock")
def test_a_pack_is_written_when_its_arrays_are_large(store, tmp_path):
    with Pending(store) as gathered:
        add(gathered, 3, size=pending.PENDING_BYTES // 16)
        gathered.write_due()
        assert packs_below(tmp_path) == []
        add(gathered, 1, size=pending.PENDING_BYTES // 16, start=3)
        gathered.write_due()
        assert kept(tmp_path) == {("test.row", 4)}


def test_what_took_long_is_written_at_once_and_what_is_quick_after_some_seconds(store, tmp_path, clock):
    with Pending(store) as gathered:
        add(gathered, 1)
        clock[0] += pending.PENDING_SECONDS
        gathered.write_due()
        assert kept(tmp_path) == {("test.row", 1)}
        add(gathered, 2, start=1)
        clock[0] += pending.PENDING_SECONDS / 2
        gathered.write_due()
        assert len(packs_below(tmp_path)) == 1
        clock[0] += pending.PENDING_SECONDS / 2
        gathered.write_due()
        assert kept(tmp_path) == {("test.row", 1), ("test.row", 2)}


@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.usefixtures("clock")
def test_whatever_ends_the_work_what_is_gathered_is_written(store, tmp_path, error):
    with pytest.raises(type(error)) as raised:
        gather(store, 2, error)
    assert raised.value is error
    assert kept(tmp_path) == {("test.row", 2)}


@pytest.mark.usefixtures("clock")
def test_an_interruption_while_a_pack_is_written_costs_nothing(store, tmp_path, monkeypatch):
    original, interrupted = FeatureStore.write_many, []

    def once(self, *given):
        if not interrupted:
            interrupted.append(given)
            raise KeyboardInterrupt
        original(self, *given)

    monkeypatch.setattr(FeatureStore, "write_many", once)
    with pytest.raises(KeyboardInterrupt):
        gather(store, pending.PENDING_FILES)
    assert kept(tmp_path) == {("test.row", pending.PENDING_FILES)}


@pytest.mark.usefixtures("clock")
def test_a_disk_that_is_full_is_said_once_and_does_not_hide_another_error(store, monkeypatch, caplog):
    def full(_self, _extractor, _features):
        tried.append(1)
        raise WriteFailed(28, os.strerror(28), "x.pack")

    tried = []
    monkeypatch.setattr(FeatureStore, "write_many", full)
    with pytest.raises(WriteFailed, match=r"x\.pack"):
        gather(store, pending.PENDING_FILES)
    assert (len(tried), caplog.messages) == (1, [])
    with pytest.raises(RuntimeError, match="odd"):
        gather(store, 1, RuntimeError("odd"))
    assert len(tried) == 2
    (said,) = caplog.messages
    assert said.startswith("x.pack: cannot be written: No space left on device")


def sounds(folder, count):
    paths = [folder / f"{number}.wav" for number in range(count)]
    for number, path in enumerate(paths):
        media.write_audio(path, np.full(8000, (1 + number) / 100, np.float32), 16_000)
    return paths


def test_an_extraction_of_many_files_writes_few_packs(store, tmp_path, monkeypatch):
    monkeypatch.setattr(pending, "PENDING_SECONDS", float("inf"))
    network = Extractor("test.net", "v1", "audio", front_ends.level, network=list, batch_size=8)
    paths = sounds(tmp_path, 70)
    done = extract([Wanted(path, "audio", (ROW, network)) for path in paths], store, seconds=0.5, workers=0)
    assert done.computed == 140
    assert kept(tmp_path) == {("test.row", 64), ("test.row", 6), ("test.net", 64), ("test.net", 6)}
    fresh = FeatureStore(tmp_path / "cache")
    assert all(fresh.has(row, sha256) for row in (ROW, network) for sha256 in done.sha256.values())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("odd")])
def test_what_was_extracted_before_an_error_is_kept(store, tmp_path, monkeypatch, error):
    monkeypatch.setattr(pending, "PENDING_SECONDS", float("inf"))

    def network(prepared):
        raise error

    failing = Extractor("test.failing", "v1", "audio", front_ends.level, network=network, batch_size=3)
    wanted = [Wanted(path, "audio", (ROW, failing)) for path in sounds(tmp_path, 3)]
    with pytest.raises(type(error)):
        extract(wanted, store, seconds=0.5, workers=0)
    assert kept(tmp_path) == {("test.row", 3)}


ENDLESS = """
import sys, time
from pathlib import Path
import numpy as np
from benchmark import pending
from benchmark.exits import run
from benchmark.features import Extractor, FeatureStore, Wanted, extract
from support.front_ends import level
import typer
pending.PENDING_SECONDS = float("inf")
app = typer.Typer()

def network(prepared):
    Path("at it").touch()
    time.sleep(600)

@app.command()
def work():
    both = Extractor("test.row", "v1", "audio", level), Extractor("test.slow", "v1", "audio", level, network=network)
    wanted = [Wanted(path, "audio", both) for path in sorted(Path.cwd().glob("*.wav"))]
    extract(wanted, FeatureStore("cache"), seconds=0.5, workers=0)

run(app)
"""


@pytest.mark.parametrize(("word", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_that_is_asked_to_end_keeps_what_it_has_gathered(tmp_path, word, status):
    sounds(tmp_path, 8)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        while not (tmp_path / "at it").exists():
            assert process.poll() is None, process.communicate()
        process.send_signal(word)
        told = process.communicate()[1]
    finally:
        process.kill()
    assert (process.returncode, len(told.splitlines())) == (status, 1)
    assert len(features_below(tmp_path / "cache")) == 8
