"""The pool: outcomes in order, whatever an item does to its worker."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from multiprocessing import spawn
from pathlib import Path

import pytest
from support.pool_work import begins_at_the_second_try, die_once, hang, process_id

from foundation import isolation, pool
from foundation.isolation import Lost, ProcessWorker, ThreadWorker, WorkerDied, how_it_ended
from foundation.pool import Elsewhere, Pool, Stopped, done_elsewhere, outcomes, with_others

ROOT = Path(__file__).resolve().parents[2]
LONG = 600.0  # a limit that no item here comes near


def double(item):
    return 2 * item


def everywhere(_item):
    return True


def nowhere(_item):
    return False


def test_outcomes_come_in_the_order_of_the_items():
    released = threading.Event()

    def work(item):
        if item == 0:
            assert released.wait(timeout=60)  # until a later item is done
        if item == 1:
            released.set()
        return 2 * item

    assert list(outcomes(work, range(9), count=2, limit_seconds=LONG, apart=nowhere)) == list(range(0, 18, 2))
    assert list(outcomes(work, [], count=0, limit_seconds=LONG, apart=nowhere)) == []


def test_only_some_items_are_begun_before_their_outcomes_are_fetched():
    begun = []
    stream = outcomes(begun.append, range(100), count=2, limit_seconds=LONG, apart=nowhere)
    next(stream)
    assert len(begun) <= 5  # two for each worker, and one in place of that which was fetched
    stream.close()
    assert len(begun) <= 5


def test_an_item_whose_process_is_killed_once_is_tried_again_in_a_fresh_one(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    first, second = outcomes(die_once, paths, count=1, limit_seconds=LONG, apart=everywhere)
    assert {type(first), type(second)} == {int}
    assert first != second  # the process that did the first died of the second's first try


def test_the_second_try_waits_until_nothing_else_is_at_work(monkeypatch):
    at_work, beside, died = set(), set(), []
    gate, second = threading.Barrier(2), threading.Event()

    class Fake:
        def __init__(self, work):
            self.ended = False

        def ask(self, item, limit):
            at_work.add(item)
            try:
                if item == "deadly" and not died:
                    gate.wait(timeout=60)  # both are at work when it dies
                    died.append(item)
                    self.ended = True
                    return isolation.Death("killed by SIGKILL")
                if item == "deadly":
                    beside.update(at_work)
                    second.set()
                elif item == "other":
                    gate.wait(timeout=60)
                    for _ in range(2000):  # all the time that the second try needs to begin, if it may
                        if second.is_set():
                            break
                        time.sleep(0.0001)
                return item
            finally:
                at_work.discard(item)

        def end(self):
            pass

    monkeypatch.setattr(pool, "ProcessWorker", Fake)
    items = ["deadly", "other", "third"]
    assert list(outcomes(double, items, count=2, limit_seconds=LONG, apart=everywhere)) == items
    assert beside == {"deadly"}


def test_an_item_that_hangs_is_lost_and_its_worker_replaced(monkeypatch):
    made = []

    class Fake:
        def __init__(self, work):
            made.append(self)
            self.ended, self.ends = False, 0

        def ask(self, item, limit):
            assert limit == 7
            self.ended = item == "hang"
            return Lost(f"was not read within {limit:g} s") if self.ended else (made.index(self), item)

        def end(self):
            self.ends += 1

    monkeypatch.setattr(pool, "ProcessWorker", Fake)
    told = list(outcomes(hang, ["a", "hang", "b"], count=1, limit_seconds=7, apart=everywhere))
    assert told == [(0, "a"), Lost("was not read within 7 s"), (1, "b")]
    assert [fake.ends for fake in made] == [1, 1]


def test_a_process_that_hangs_is_killed():
    worker = ProcessWorker(hang)
    assert worker.ask("whole", LONG) == "whole"
    assert worker.ask("hang", 0.05) == Lost("was not read within 0.05 s")
    worker.end()
    assert worker._process.exitcode == -signal.SIGKILL


def test_a_thread_that_hangs_is_left():
    worker = ThreadWorker(hang)
    assert worker.ask("whole", LONG) == "whole"
    assert worker.ask("hang", 0.05) == Lost("was not read within 0.05 s")
    assert worker.ended


def test_what_an_item_raises_in_a_thread_is_its_reason_and_the_thread_goes_on():
    worker = ThreadWorker({"a": 1}.__getitem__)
    assert worker.ask("b", LONG) == Lost("KeyError: 'b'")
    assert (worker.ask("a", LONG), worker.ended) == (1, False)
    worker.end()


def test_processes_that_cannot_begin_end_the_work_with_a_way_out(monkeypatch):
    monkeypatch.setattr(isolation, "_serve", Path("work.py").read_text)  # fails in the process, before it is ready
    with pytest.raises(WorkerDied, match=r"ended before it had begun: it left with status 1; --workers 0 "):
        list(outcomes(double, [1, 2], count=1, limit_seconds=LONG, apart=everywhere))


def test_a_process_that_is_killed_as_it_begins_is_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("FIRST_WORKER", str(tmp_path / "begun"))
    monkeypatch.setattr(isolation, "_serve", begins_at_the_second_try)
    first, second = outcomes(process_id, [1, 2], count=1, limit_seconds=LONG, apart=everywhere)
    assert first == second != os.getpid()


SCRIPT = """
import math
from foundation.pool import outcomes
print("begun")
print(list(outcomes(math.sqrt, [4.0, 9.0], count=2, limit_seconds=600.0, apart=bool)))
"""


@pytest.mark.parametrize("way", ["file", "standard input", "command line", "module"])
def test_a_script_without_a_main_guard_is_not_run_by_its_workers(way, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    told = {"file": ["script.py"], "standard input": ["-"], "command line": ["-c", SCRIPT], "module": ["-m", "script"]}
    done = subprocess.run(
        [sys.executable, *told[way]], input=SCRIPT if way == "standard input" else "", cwd=tmp_path,
        capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("begun\n[2.0, 3.0]\n", "")


OWN_WORK = """
import math
from foundation.pool import outcomes
def root(number):
    return math.sqrt(number)
print(*outcomes(map, [root], count=1, limit_seconds=600.0, apart=bool))
"""


def test_what_a_script_defines_itself_is_refused_by_its_workers_with_the_way_out(tmp_path):
    (tmp_path / "script.py").write_text(OWN_WORK)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "'root' on <module '__main__'" in done.stdout
    assert "worker processes do not run your script: put it into a module of its own" in done.stdout


def test_processes_that_others_start_meanwhile_are_told_of_the_script(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "script.py"), raising=False)
    told = []
    with isolation.main_untold():
        thread = threading.Thread(target=lambda: told.append(spawn.get_preparation_data("theirs")))
        thread.start()
        thread.join()
        ours = spawn.get_preparation_data("ours")
    after = spawn.get_preparation_data("later")
    of_main = {"init_main_from_name", "init_main_from_path"}
    assert not of_main & {*ours}
    assert of_main & {*told[0]} == of_main & {*after} != set()


def test_beginning_a_process_leaves_the_signals_of_the_thread_as_they_were():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    worker = ProcessWorker(process_id)
    after = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert worker.ask(0, LONG) != os.getpid()
    worker.end()
    assert before == after == set()


def test_processes_of_a_pool_stay_from_call_to_call_and_end_with_it():
    with closing(Pool(process_id, count=1, limit_seconds=LONG, apart=everywhere)) as kept:
        [first], again = kept.outcomes([0]), list(kept.outcomes(range(7)))
        assert again == [first] * 7
        os.kill(first, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_pool_whose_outcomes_were_not_all_fetched_is_closed():
    kept = Pool(process_id, count=1, limit_seconds=LONG, apart=everywhere)
    stream = kept.outcomes(range(3))
    first = next(stream)
    assert not kept.closed
    stream.close()
    assert kept.closed
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_leaving_early_ends_the_processes():
    stream = outcomes(process_id, range(9), count=2, limit_seconds=LONG, apart=everywhere)
    working = {next(stream), next(stream)}
    stream.close()
    for pid in working:
        with pytest.raises(ProcessLookupError):  # ended, and its end noted
            os.kill(pid, 0)


@pytest.mark.parametrize("apart", [everywhere, nowhere])
def test_another_thread_may_stop_the_work_while_an_item_is_waited_for(apart, monkeypatch):
    monkeypatch.setattr(pool, "LEAVING_SECONDS", 0.1)  # a thread that hangs is left in any case
    workers, stop = [], threading.Event()
    original = pool.Pool._ask

    def asked(self, *given):
        threading.Timer(0.2, stop.set).start()
        workers.append(self._workers)
        return original(self, *given)

    monkeypatch.setattr(pool.Pool, "_ask", asked)
    with pytest.raises(Stopped):
        list(outcomes(hang, ["hang"], count=1, limit_seconds=LONG, apart=apart, stop=stop))
    assert all(worker.ended for worker in workers[0].values())


def test_outcomes_that_are_there_before_the_stop_are_not_lost():
    stop = threading.Event()
    assert list(outcomes(double, [1, 2], count=1, limit_seconds=LONG, apart=nowhere, stop=stop)) == [2, 4]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-signal.SIGSEGV, "killed by SIGSEGV"),
        (-signal.SIGKILL, "killed by SIGKILL, as the system does when memory is full"),
        (-63, "killed by signal 63"),
        (3, "it left with status 3"),
        (None, "it does not end"),
    ],
)
def test_how_a_process_ended_is_said_in_words(status, words):
    assert how_it_ended(status) == words


def test_an_exception_that_is_a_result_is_yielded_and_not_raised():
    found = list(outcomes(KeyError, ["frames"], count=1, limit_seconds=60.0, apart=lambda item: False))
    assert [type(error) for error in found] == [KeyError]


class Fetched:
    """A worker that is supplied from outside."""

    def __init__(self, work):
        self.work, self.ended = work, False

    def ask(self, item, limit):
        return "there", self.work(item), limit

    def end(self):
        self.ended = True


def test_items_that_want_a_process_are_done_elsewhere_where_that_is_supplied():
    supplied = []

    def begin(work):
        supplied.append(Fetched(work))
        return supplied[-1]

    with done_elsewhere(Elsewhere(3, begin)):
        assert with_others(2) == 5
        ready = outcomes(double, [1, 2, 3], count=2, limit_seconds=7, apart=lambda item: item != 2)
        in_a_thread = []
        thread = threading.Thread(target=lambda: in_a_thread.extend(ready))
        thread.start()
        thread.join()
    assert in_a_thread == [("there", 2, 7), 4, ("there", 6, 7)]
    assert supplied
    assert all(worker.ended for worker in supplied)
    assert with_others(2) == 2
    assert list(outcomes(process_id, [1], count=1, limit_seconds=LONG, apart=everywhere)) != [os.getpid()]


def test_the_time_limit_is_the_constant_or_what_the_environment_says(monkeypatch):
    monkeypatch.delenv(isolation.LIMIT_VARIABLE, raising=False)
    assert isolation.time_limit() == isolation.READING_SECONDS
    monkeypatch.setenv(isolation.LIMIT_VARIABLE, "7.5")
    assert isolation.time_limit() == 7.5
    for wrong in ("0", "-1", "nan", "inf", "long"):
        monkeypatch.setenv(isolation.LIMIT_VARIABLE, wrong)
        with pytest.raises(ValueError, match=f"VGG_MONOAUDIO_READING_SECONDS: expected seconds .*got '{wrong}'"):
            isolation.time_limit()
