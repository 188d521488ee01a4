"""Several drivers of one run: each sample is asked once, by whichever; what one leaves another does."""

import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from baselines import GenerationError
from benchmark import Choices, evaluate, generate, generation
from benchmark import asking as module
from benchmark import site as site_module
from benchmark.asking import Asking
from benchmark.runs import UnusableRun
from benchmark.site import LocalSite
from foundation.holders import Holder
from foundation.ledger.ledger import Driver as LedgerDriver
from foundation.ledger.ledger import Ledger
from foundation.media import write_audio

pytestmark = pytest.mark.usefixtures("models")
WITHIN_SECONDS = 30


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Shards of one sample, and no long waiting."""
    monkeypatch.setattr(module, "SMALLEST_SHARD", 1)
    monkeypatch.setattr(site_module, "POLL_SECONDS", 0.02)


@pytest.fixture
def asked(models):
    models.ASKED.clear()
    return models.ASKED


@pytest.fixture
def ids(tiny):
    return [sample.sample_id for sample in tiny.benchmark.samples("inter")]


@pytest.fixture
def befalls(models, monkeypatch):
    """What happens to a driver (by the name of its thread) when it asks for a sample."""
    actions, hum = {}, models.Humming._hum

    def watched(self, request):
        actions.get((threading.current_thread().name, request.sample_id), lambda: None)()
        return hum(self, request)

    monkeypatch.setattr(models.Humming, "_hum", watched)
    return actions


@pytest.fixture
def driver(tiny, tmp_path):
    """Starts a call of `generate` in a thread of its own."""
    started = []

    def start(name, **how):
        one = Driver(name, tiny, {"runs": tmp_path / "runs", **how})
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.join(WITHIN_SECONDS)


class Driver(threading.Thread):
    def __init__(self, name, tiny, how):
        super().__init__(name=name, daemon=True)
        self._tiny, self._how = tiny, how
        self._run_directory = self._error = None

    def run(self):
        try:
            self._run_directory = generate(self._tiny.path, "humming", subset="inter", **self._how)
        except BaseException as error:
            self._error = error

    def ended(self):
        """Return what the call returned, or raise what it raised."""
        self.join(WITHIN_SECONDS)
        assert not self.is_alive()
        if self._error:
            raise self._error
        return self._run_directory


class Gate:
    """Where a driver waits until it is let through."""

    def __init__(self):
        self._there, self._open = threading.Event(), threading.Event()

    def __call__(self):
        self._there.set()
        assert self._open.wait(WITHIN_SECONDS)

    def until_there(self):
        assert self._there.wait(WITHIN_SECONDS)

    def open(self):
        self._open.set()


def interrupted():
    raise KeyboardInterrupt


def refused():
    raise GenerationError("too short")


def until(condition):
    end = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_two_drivers_ask_each_sample_once_and_end_where_one_alone_does(tiny, tmp_path, asked, driver, ids, look):
    alone = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "alone")
    asked.clear()
    drivers = [driver(name) for name in ("first", "second")]
    one, other = [each.ended() for each in drivers]
    assert one == other
    assert sorted(name for call in asked for name in call) == sorted(ids)
    assert look.audio(one) == look.audio(alone)
    assert look.untimed(one.run_json) == look.untimed(alone.run_json)
    assert not list((tmp_path / "runs").rglob(".*"))


def test_the_second_does_what_nobody_is_at_and_returns_when_all_is_done(asked, driver, befalls, ids):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    second = driver("second")
    until(lambda: {name for call in asked for name in call} == set(ids))
    assert second.is_alive()
    gate.open()
    assert first.ended() == second.ended()
    assert second.ended().read_run().counts.generated == 4


def test_what_a_driver_that_is_interrupted_leaves_another_does(driver, befalls, ids, caplog):
    befalls["first", ids[0]] = first_gate = Gate()
    befalls["second", ids[1]] = second_gate = Gate()
    first = driver("first")
    first_gate.until_there()
    second = driver("second")
    second_gate.until_there()
    befalls["first", ids[0]] = interrupted
    befalls["first", ids[2]] = interrupted
    first_gate.open()
    with pytest.raises(KeyboardInterrupt):
        first.ended()
    second_gate.open()
    record = second.ended().read_run()
    assert (record.status, record.reason, record.counts.generated, record.failures) == ("finished", None, 4, [])
    assert "took over 1 samples of a driver that has left" in caplog.text


def test_the_last_driver_to_be_interrupted_says_so_in_the_record_and_the_same_call_goes_on(
    driver, befalls, ids, tiny, tmp_path
):
    befalls["first", ids[0]] = refused
    befalls["first", ids[2]] = interrupted
    with pytest.raises(KeyboardInterrupt):
        driver("first").ended()
    run = site_module.RunDirectory.locate(tmp_path / "runs", "tiny", "inter", "humming")
    record = run.read_run()
    assert (record.status, record.reason, record.counts.generated) == ("failed", "interrupted", 1)
    assert [failure.sample for failure in record.failures] == [ids[0]]
    assert LocalSite(run).ledger().names() == []
    befalls.clear()
    assert driver("again").ended().read_run().counts.generated == 4


def test_failures_and_seconds_of_every_driver_are_in_the_record(driver, befalls, ids):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    befalls["second", ids[1]] = refused
    second = driver("second")
    until(lambda: len(Ledger(LocalSite(run_of(second)).ledger()).plan().shards) == 4 and done(run_of(second)) == 3)
    time.sleep(0.3)
    gate.open()
    record = first.ended().read_run()
    assert [(failure.sample, failure.reason) for failure in record.failures] == [(ids[1], "too short")]
    assert record.counts.generated == 3
    assert record.generation_seconds >= 0.3


def run_of(driver):
    return site_module.RunDirectory.locate(driver._how["runs"], "tiny", "inter", "humming")


def done(run):
    return sum(name.startswith("done-") for name in LocalSite(run).ledger().names())


def test_what_failed_with_one_driver_is_not_asked_again_by_the_other(driver, befalls, asked, ids):
    befalls["first", ids[3]] = gate = Gate()
    befalls["first", ids[0]] = befalls["second", ids[0]] = refused
    first = driver("first")
    gate.until_there()
    second = driver("second")
    until(lambda: len(Ledger(LocalSite(run_of(second)).ledger()).at_work()) == 2)
    gate.open()
    first.ended()
    second.ended()
    assert sorted(name for call in asked for name in call) == sorted(ids)


def test_a_driver_with_other_weights_is_refused_and_the_others_go_on(driver, befalls, ids, models, monkeypatch):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    weights = type("File", (), {"sha256": "0" * 64, "verified": True})()
    monkeypatch.setattr(models.Humming, "weights", {"network": weights}, raising=False)
    with pytest.raises(UnusableRun, match="made with another network checkpoint"):
        driver("second").ended()
    gate.open()
    assert first.ended().read_run().counts.generated == 4


def test_a_driver_that_is_asked_for_fewer_samples_waits(driver, befalls, ids, caplog):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    second = driver("second", limit=2)
    until(lambda: "is at work on it; waiting for its end" in caplog.text)
    gate.open()
    assert first.ended() == second.ended()


def test_drivers_that_are_to_begin_anew_do_that_once(driver, befalls, asked, ids):
    driver("before").ended()
    asked.clear()
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first", fresh=True)
    gate.until_there()
    second = driver("second", fresh=True)
    until(lambda: len(asked) == 4)
    gate.open()
    first.ended()
    second.ended()
    assert sorted(name for call in asked for name in call) == sorted(ids)


def test_a_run_that_others_go_on_with_is_not_begun_anew_beneath_them(driver, befalls, ids, asked, caplog):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    second = driver("second", fresh=True)
    until(lambda: "is at work on it; waiting for its end" in caplog.text)
    gate.open()
    first.ended()
    second.ended()
    assert len(asked) == 8


def test_a_run_is_scored_when_its_drivers_have_ended(driver, befalls, ids, tiny, tmp_path, caplog):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    records = []
    scoring = threading.Thread(
        target=lambda: records.append(
            evaluate(run_of(first), tiny.path, Choices(profile="signal"), cache=tmp_path / "cache", workers=0)
        )
    )
    scoring.start()
    until(lambda: "is at work on it; waiting for its end" in caplog.text)
    assert records == []
    gate.open()
    first.ended()
    scoring.join(WITHIN_SECONDS)
    assert records[0].counts.scored == 4


def test_a_ledger_whose_drivers_were_killed_says_nothing(driver, befalls, ids, asked, tmp_path):
    befalls["first", ids[2]] = interrupted
    with pytest.raises(KeyboardInterrupt):
        driver("first").ended()
    run = site_module.RunDirectory.locate(tmp_path / "runs", "tiny", "inter", "humming")
    ledger = Ledger(LocalSite(run).ledger())
    ledger.begin("another task", [["nobody's"]], {"seconds": 0.0, "failures": []})
    asked.clear()
    driver("again").ended()
    assert sorted(name for call in asked for name in call) == sorted(ids[2:])
    assert LocalSite(run).ledger().names() == []


def test_what_a_driver_that_was_killed_had_half_written_is_gone_at_the_end(driver, befalls, ids):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    half = run_of(first).audio(ids[1]).with_name(".a.0badf00d-1-0badf00d-0badf00d.partial.wav")
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    gate.open()
    first.ended()
    assert not half.exists()


class FarAway(LocalSite):
    """A store as slow as one far away: what is not there yet is removed here by a pull."""

    def __init__(self, directory):
        super().__init__(directory)
        object.__setattr__(self, "there", set())

    def push(self, *paths):
        time.sleep(0.2)
        self.there.update(path for path in paths if path.exists())

    def pull(self):
        for path in set(self.directory.path.glob("audio/*.wav")) - self.there:
            path.unlink()


def test_no_answer_is_lost_to_a_pull_that_comes_before_it_was_pushed(tiny, tmp_path, monkeypatch, ids, look):
    site = FarAway(site_module.RunDirectory.locate(tmp_path, "tiny", "inter", "humming"))
    monkeypatch.setattr(generation, "site_of", lambda *place: site)
    begin = Ledger.begin

    def begun_by_another(self, *given):
        plan = begin(self, *given)
        with self.join(plan) as gone:
            while gone.claim() is not None:
                pass
        return plan

    monkeypatch.setattr(Ledger, "begin", begun_by_another)
    run = generate(tiny.path, "humming", subset="inter", runs=tmp_path)
    assert sorted(look.audio(run)) == sorted(ids)


def test_a_call_that_has_nothing_to_ask_waits_for_the_drivers_and_does_not_end_their_run(
    driver, befalls, ids, tiny, caplog
):
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    for name in ids:  # as if the others had written all, and the first had yet to say so
        path = run_of(first).audio(name)
        write_audio(path, np.zeros(80_000, np.float32), 16_000)
    second = driver("second")
    until(lambda: "is at work on it; waiting for its end" in caplog.text)
    assert run_of(first).read_run().status == "running"
    gate.open()
    assert first.ended() == second.ended()


def test_a_driver_that_stood_still_writes_nothing_into_a_run_that_is_another_by_now(
    driver, befalls, ids, tiny, tmp_path, look
):
    other = generate(tiny.path, "humming", subset="inter", runs=tmp_path / "other", seed=7)
    befalls["first", ids[0]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    run = run_of(first)
    LocalSite(run).ledger().clear()
    shutil.rmtree(run.path)
    shutil.copytree(other.path, run.path)
    gate.open()
    with pytest.raises(UnusableRun, match="with seed 7, not 0; pass --fresh"):
        first.ended()
    assert look.audio(run) == look.audio(other)
    assert LocalSite(run).ledger().names() == []


def test_a_ledger_that_vanishes_costs_no_failure_and_no_sample(driver, befalls, ids):
    befalls["first", ids[0]] = refused
    befalls["first", ids[2]] = gate = Gate()
    first = driver("first")
    gate.until_there()
    LocalSite(run_of(first)).ledger().clear()
    gate.open()
    record = first.ended().read_run()
    assert record.counts.generated == 3
    assert [failure.sample for failure in record.failures] == [ids[0]]


def test_answers_that_are_removed_each_time_end_the_run_with_a_word(driver, befalls, ids, monkeypatch):
    finish = Asking._done_with

    def removed(self, sample, path, write):
        finish(self, sample, path, write)
        if sample.sample_id == ids[1]:
            path.unlink()

    monkeypatch.setattr(Asking, "_done_with", removed)
    with pytest.raises(UnusableRun, match=f"1 answers that were written are gone, the first is {ids[1]}"):
        driver("first").ended()


def test_of_two_drivers_that_are_interrupted_together_the_second_says_so(driver, befalls, ids, monkeypatch):
    leave = LedgerDriver.__exit__

    def slowly(self, *error):
        time.sleep(1.5)
        leave(self, *error)

    monkeypatch.setattr(LedgerDriver, "__exit__", slowly)
    gates = {"first": Gate(), "second": Gate()}
    befalls["first", ids[0]], befalls["second", ids[1]] = gates["first"], gates["second"]
    drivers = {}
    for name, gate in gates.items():
        drivers[name] = driver(name)
        gate.until_there()
    befalls.update({(name, one): interrupted for name in gates for one in ids})
    for gate in gates.values():
        gate.open()
    for each in drivers.values():
        with pytest.raises(KeyboardInterrupt):
            each.ended()
    record = run_of(drivers["first"]).read_run()
    assert (record.status, record.reason, record.counts.generated) == ("failed", "interrupted", 2)
    assert LocalSite(run_of(drivers["first"])).ledger().names() == []


def test_a_run_is_begun_anew_when_the_drivers_of_another_machine_are_gone(driver, ids, asked, tmp_path, monkeypatch):
    driver("before").ended()
    asked.clear()
    run, real = site_module.RunDirectory.locate(tmp_path / "runs", "tiny", "inter", "humming"), Holder.this()
    ledger = Ledger(LocalSite(run).ledger())
    with monkeypatch.context() as patch:
        patch.setattr(Holder, "this", classmethod(lambda cls: replace(real, host="elsewhere")))
        gone = ledger.join(ledger.begin("a mark", [["x"]], {"seconds": 0.0, "failures": []}))
        gone._left.set()  # its heart stands still
    monkeypatch.setattr("foundation.holders.PATIENCE_SECONDS", 0.3)
    driver("first", fresh=True).ended()
    assert sorted(name for call in asked for name in call) == sorted(ids)


def test_a_run_has_one_ledger_by_whatever_way_and_however_long_its_name(tmp_path):
    real = tmp_path / ("x" * 250)
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    ledgers = [LocalSite(site_module.RunDirectory(path)).ledger() for path in (real, tmp_path / "link")]
    assert ledgers[0].create("a", b"one")
    assert ledgers[1].read("a") == b"one"
    LocalSite(site_module.RunDirectory(real)).ledger("features-0123456789ab").create("a", b"")
