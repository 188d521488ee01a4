"""Evaluations that share their features: each file is read once, by whichever, and all return one record."""

import threading

import pytest

from benchmark import Choices, evaluate, generate, sharing
from benchmark.features import FeatureStore
from benchmark.site import LocalSite
from foundation.events import listening

pytestmark = pytest.mark.usefixtures("models")
WITHIN_SECONDS = 60


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Shards of two files, and no long waiting."""
    monkeypatch.setattr(sharing, "FILES_AT_ONCE", 2)
    monkeypatch.setattr(sharing, "POLL_SECONDS", 0.02)


@pytest.fixture
def run(tiny, tmp_path):
    return generate(tiny.path, "humming", subset="inter", runs=tmp_path / "runs")


@pytest.fixture
def written(monkeypatch):
    """Which feature was kept by which thread."""
    found, write_many = [], FeatureStore.write_many

    def seen(self, extractor, features):
        found.extend((threading.current_thread().name, extractor.name, sha256) for sha256 in features)
        write_many(self, extractor, features)

    monkeypatch.setattr(FeatureStore, "write_many", seen)
    return found


@pytest.fixture
def both_at_work(monkeypatch):
    """Keeps either of two threads at its first files until the other has some too."""
    extract, met, seen = sharing.extract, threading.Barrier(2), set()

    def together(*given, **how):
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            met.wait(WITHIN_SECONDS / 2)
        return extract(*given, **how)

    monkeypatch.setattr(sharing, "extract", together)


def score(tiny, run, cache, **how):
    return evaluate(run, tiny.path, Choices(profile="signal"), cache=cache, workers=0, **how)


def in_threads(count, work):
    threads = [threading.Thread(target=work, name=f"thread {number}", daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN_SECONDS)
        assert not thread.is_alive()


def untimed(record):
    return record.model_dump(exclude={"scored_at"})


def test_two_evaluations_read_each_file_once_and_return_the_numbers_of_one_alone(
    tiny, run, tmp_path, written, both_at_work
):
    alone = score(tiny, run, tmp_path / "alone")
    kept = sorted(names for _, *names in written)
    run.metrics_json.unlink()
    written.clear()
    records = []
    in_threads(2, lambda: records.append(score(tiny, run, tmp_path / "shared", share=True)))
    assert sorted(names for _, *names in written) == kept
    assert {who for who, *_ in written} == {"thread 0", "thread 1"}
    assert records[0] == records[1]
    assert untimed(records[0]) == untimed(alone)
    assert not list(run.path.parent.glob(".*"))


def test_what_an_evaluation_that_is_interrupted_leaves_the_other_computes(
    tiny, run, tmp_path, written, monkeypatch, caplog
):
    extract, first = sharing.extract, threading.Lock()

    def interrupted(*given, **how):
        if first.acquire(blocking=False):
            raise KeyboardInterrupt
        return extract(*given, **how)

    monkeypatch.setattr(sharing, "extract", interrupted)
    records, errors = [], []

    def work():
        try:
            records.append(score(tiny, run, tmp_path / "cache", share=True))
        except KeyboardInterrupt as error:
            errors.append(error)

    in_threads(2, work)
    assert (len(records), len(errors)) == (1, 1)
    assert records[0].counts.scored == 4
    kept = [feature for _, *feature in written]
    assert all(kept.count(feature) == 1 for feature in kept)


def test_a_shared_evaluation_of_a_scored_run_computes_nothing(tiny, run, tmp_path, written):
    before = score(tiny, run, tmp_path / "cache", share=True)
    written.clear()
    assert score(tiny, run, tmp_path / "cache", share=True) == before
    assert written == []
    assert not list(run.path.parent.glob(".*"))


def test_a_file_that_cannot_be_read_is_told_of_as_one_alone_tells_it(tiny, run, tmp_path):
    sample = tiny.benchmark.samples("inter")[0].sample_id
    run.audio(sample).write_bytes(b"no sound")
    record = score(tiny, run, tmp_path / "cache", share=True, allow_missing=True)
    assert [(failure.sample, failure.stage) for failure in record.failures] == [(sample, "evaluate")]
    assert record.counts.scored == 3


def test_evaluations_of_other_choices_have_ledgers_of_their_own(tiny, run, tmp_path, monkeypatch):
    names, ledger = [], LocalSite.ledger
    monkeypatch.setattr(LocalSite, "ledger", lambda self, of="ledger": names.append(of) or ledger(self, of))
    for resamples in (100, 200):
        choices = Choices(profile="signal", resamples=resamples)
        evaluate(run, tiny.path, choices, cache=tmp_path / "cache", workers=0, share=True)
    assert len({name for name in names if name.startswith("features-")}) == 2
    assert not list(run.path.parent.glob(".*"))


def test_one_that_shares_reads_all_its_files_with_the_processes_that_it_started_once(tiny, run, tmp_path):
    events = []
    with listening(events.append):
        evaluate(run, tiny.path, Choices(profile="signal"), cache=tmp_path / "cache", workers=1, share=True)
    decoded = [event for event in events if event.stage == "decode"]
    assert len(decoded) > 2 * sharing.FILES_AT_ONCE
    assert len({event.process for event in decoded}) == 1
