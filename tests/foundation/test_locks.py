"""Locks: one holder at a time, named; a holder that is gone is found out, one that lives never."""

import contextlib
import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from foundation import locks
from foundation.files import WriteFailed
from foundation.holders import PATIENCE_SECONDS, Holder, look
from foundation.locks import BEAT_SECONDS, Lock, LockLost, lock_path

ROOT = Path(locks.__file__).parents[1]
SINCE = "2026-01-01T00:00:00+00:00"


class Clock:
    """Time that passes only while somebody sleeps; what is due then happens."""

    def __init__(self, due=()):
        self.now, self.due = 0.0, sorted(due, key=lambda pair: pair[0])

    def sleep(self, seconds):
        self.now += seconds
        while self.due and self.due[0][0] <= self.now:
            self.due.pop(0)[1]()

    def __call__(self):
        return self.now


@pytest.fixture
def run(tmp_path):
    """A run directory, with something in it."""
    folder = tmp_path / "runs" / "model"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    return folder


def held_by(run, holder, beat=0):
    """Write a lock as another process would."""
    path = lock_path(run)
    path.write_text(json.dumps({"beat": f"{beat:020d}", **asdict(holder)}) + "\n")
    return path


def taken(run, clock):
    return Lock(run, sleep=clock.sleep, clock=clock)


def somewhere_else(**changes):
    """A holder on another machine: the same one however often it is asked for."""
    command = "python -m benchmark generate"
    return replace(Holder.this(), token="f" * 16, host="elsewhere", command=command, since=SINCE, **changes)


def gone():
    """A holder on this machine whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(Holder.this(), token="f" * 16, process=process.pid, process_started="1")


def test_a_lock_lies_beside_what_it_protects_and_names_its_holder(run):
    before = sorted(run.rglob("*"))
    with Lock(run) as lock:
        assert lock.path == run.with_name(".model.lock")
        told = json.loads(lock.path.read_text())
        assert told["host"] == Holder.this().host
        assert told["process"] == os.getpid()
        assert told["process_started"] == Holder.this().process_started
        assert int(told["beat"]) == 0
        assert sorted(run.rglob("*")) == before
    assert sorted(run.parent.iterdir()) == [run], "nothing is left beside it"


def test_a_lock_is_given_back_when_the_work_fails(run):
    with pytest.raises(KeyError), Lock(run):
        raise KeyError("work")
    assert not lock_path(run).exists()


def test_folders_that_only_the_lock_was_in_go_with_it(tmp_path):
    with Lock(tmp_path / "runs" / "tiny" / "model") as lock:
        assert lock.path.is_file()
    assert list(tmp_path.iterdir()) == []
    with Lock(tmp_path / "runs" / "tiny" / "model"):
        (tmp_path / "runs" / "notes.txt").touch()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["notes.txt"]


def test_the_command_is_program_and_verb_without_what_may_be_secret(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/home/benchmark/__main__.py", "generate", "--option", "token=secret"])
    assert Holder.this().command == "python -m benchmark generate"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/vgg-monoaudio", "--token=secret"])
    assert Holder.this().command == "vgg-monoaudio"


def test_every_way_through_links_leads_to_one_lock(run, tmp_path):
    (tmp_path / "link").symlink_to(run)
    assert lock_path(tmp_path / "link") == lock_path(run) == lock_path(run / "audio" / "..")


def test_the_longest_name_has_a_lock(tmp_path):
    with Lock(tmp_path / ("ü" * 127)) as lock:
        assert lock.path.is_file()


def test_the_second_of_one_machine_waits_and_says_for_whom(run, caplog):
    first = Lock(run)
    first.__enter__()
    clock = Clock([(10, lambda: first.__exit__(None, None, None))])
    with caplog.at_level(logging.WARNING), taken(run, clock):
        assert clock.now >= 10
    assert [record.getMessage() for record in caplog.records] == [
        f"{run}: {first._holder} is at work on it; waiting for its end"
    ]
    assert f"process {os.getpid()} on {Holder.this().host} (`" in caplog.text


def test_a_living_process_of_this_machine_keeps_its_lock_however_long_it_takes(run):
    with Lock(run):
        clock = Clock([(5 * PATIENCE_SECONDS, _stop)])
        with pytest.raises(KeyboardInterrupt):
            taken(run, clock).__enter__()
    assert not lock_path(run).exists()


def _stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize("started", ["1", "another start"])
def test_the_lock_of_a_process_that_is_gone_is_taken_over_at_once_and_said(run, caplog, started):
    holder = replace(gone(), process_started=started)
    held_by(run, holder)
    clock = Clock()
    with caplog.at_level(logging.WARNING), taken(run, clock) as lock:
        assert json.loads(lock.path.read_text())["process"] == os.getpid()
    assert clock.now == 0
    assert [r.getMessage() for r in caplog.records] == [f"{run}: took over the lock of {holder}, which is gone"]
    assert sorted(run.parent.iterdir()) == [run]


def test_a_process_that_has_the_number_of_the_holder_by_chance_is_not_taken_for_it(run):
    held_by(run, replace(Holder.this(), token="f" * 16, process_started="long ago"))
    clock = Clock()
    with taken(run, clock):
        assert clock.now == 0


def test_after_kill_9_the_next_goes_on_at_once(run):
    code = f"from foundation.locks import Lock; Lock({str(run)!r}).__enter__(); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert lock_path(run).exists()
    clock = Clock()
    with taken(run, clock):
        assert clock.now == 0


def test_a_lock_of_another_machine_is_taken_over_when_its_heart_stands_still_not_before(run, caplog):
    held_by(run, somewhere_else())
    os.utime(lock_path(run), (0, 0))  # the age of the file counts for nothing
    clock = Clock()
    with caplog.at_level(logging.WARNING), taken(run, clock):
        assert PATIENCE_SECONDS <= clock.now <= PATIENCE_SECONDS + 2 * BEAT_SECONDS
    assert "is at work on it; waiting" in caplog.text
    assert "took over the lock of process" in caplog.text


def test_every_beat_begins_the_wait_anew(run):
    late = [PATIENCE_SECONDS * 0.9 * turn for turn in range(1, 6)]
    clock = Clock([(at, lambda at=at: held_by(run, somewhere_else(), beat=round(at))) for at in late])
    held_by(run, somewhere_else())
    with taken(run, clock):
        assert clock.now >= late[-1] + PATIENCE_SECONDS


def test_a_lock_of_another_machine_that_is_given_back_is_taken_at_once(run):
    path = held_by(run, somewhere_else())
    clock = Clock([(30, path.unlink)])
    with taken(run, clock):
        assert 30 <= clock.now <= 31


def test_another_container_of_the_same_name_is_not_asked_for_its_processes(run):
    held_by(run, replace(gone(), space="another"))
    clock = Clock()
    with taken(run, clock):
        assert clock.now >= PATIENCE_SECONDS


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"beat": "1"}', b'{"beat": "1", "future": 2}'])
def test_a_lock_that_cannot_be_read_is_watched_and_then_taken_over(run, content):
    lock_path(run).write_bytes(content)
    clock = Clock()
    with taken(run, clock):
        assert clock.now >= PATIENCE_SECONDS


def test_of_many_who_take_over_at_once_one_wins(run):
    """Threads take the lock of a dead process one after the other; nobody is inside together with another."""
    holder, together, inside, most = gone(), threading.Barrier(8), [], []

    def work():
        together.wait(30)
        with Lock(run, sleep=lambda _seconds: threading.Event().wait(0.001)):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    for _ in range(5):
        held_by(run, holder)
        workers = [threading.Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert most == [1] * 40
    assert sorted(run.parent.iterdir()) == [run]


def test_who_judged_too_late_does_not_take_the_lock_of_the_winner(run):
    held_by(run, gone())
    late = Lock(run)
    seen = look(lock_path(run))
    with Lock(run) as winner:
        assert late._take_over(seen) is False
        assert look(lock_path(run)).holder == winner._holder


def test_of_two_machines_that_take_over_the_same_lock_one_gives_way(run):
    """The other machine replaces the lock between our last look and our own replacement of it."""
    other = somewhere_else(process=7)
    held_by(run, somewhere_else())
    path = lock_path(run)
    clock = Clock([(PATIENCE_SECONDS + BEAT_SECONDS, lambda: held_by(run, other)), (200, path.unlink)])
    with taken(run, clock):
        assert clock.now >= 200


def test_a_holder_that_stood_still_learns_that_it_lost_the_lock(run):
    lock = Lock(run)
    lock.__enter__()
    lock_path(run).unlink()
    held_by(run, somewhere_else())
    with pytest.raises(LockLost, match=r"process \d+ on elsewhere .* took it over while this process stood still"):
        lock.__exit__(None, None, None)
    assert lock_path(run).exists(), "the lock of another is not removed"


def test_the_beat_of_one_who_lost_does_not_touch_the_new_holders_file(run):
    with contextlib.suppress(LockLost), Lock(run) as lock:
        lock_path(run).unlink()
        content = held_by(run, somewhere_else()).read_bytes()
        lock.beat(7)
        assert lock_path(run).read_bytes() == content


def test_a_beat_changes_the_counter_alone(run):
    with Lock(run) as lock:
        before = json.loads(lock.path.read_text())
        lock.beat(41)
        after = json.loads(lock.path.read_text())
        assert int(after.pop("beat")) == 41
        before.pop("beat")
        assert after == before


def test_the_heart_beats_by_itself_and_stops_with_the_work(run, monkeypatch):
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.001)
    counted, enough = [], threading.Event()
    monkeypatch.setattr(Lock, "beat", lambda _lock, beats: (counted.append(beats), beats >= 3 and enough.set()))
    with Lock(run):
        assert enough.wait(30)
    assert counted[:3] == [1, 2, 3]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lock of") and _outlives(thread)]


def _outlives(thread):
    thread.join(30)
    return thread.is_alive()


@pytest.mark.parametrize("moment", ["before the block", "while it is given back"])
def test_ctrl_c_at_either_end_of_the_block_leaves_no_lock(run, moment):
    code = f"""
from contextlib import contextmanager
from foundation import locks
lock = locks.Lock({str(run)!r})
lock.__enter__()
assert lock.path.exists()
@contextmanager
def interrupted(_file):
    locks._guard = guard
    raise KeyboardInterrupt
if {moment == "while it is given back"}:
    guard, locks._guard = locks._guard, interrupted
    lock.__exit__(None, None, None)
raise KeyboardInterrupt
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "KeyboardInterrupt" in done.stderr
    assert not lock_path(run).exists()


def test_a_forked_child_that_ends_as_python_does_leaves_the_lock_of_its_parent(run):
    code = f"""
import os, sys
from foundation.locks import Lock
lock = Lock({str(run)!r})
lock.__enter__()
if not (child := os.fork()):
    sys.exit()
os.waitpid(child, 0)
assert lock.path.exists()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_forked_child_does_not_give_back_the_lock_of_its_parent(run):
    with Lock(run) as lock:
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                lock.__exit__(None, None, None)
            os._exit(0)
        os.waitpid(child, 0)
        assert lock.path.exists()
    assert not lock.path.exists()


def test_what_a_killed_process_left_while_it_made_a_lock_is_removed_and_nothing_else(run):
    leaving, other = run.with_name(".model.lock.0123456789abcdef"), run.with_name(".model.lock.second.lock")
    leaving.touch()
    other.touch()
    with Lock(run):
        assert sorted(run.parent.iterdir()) == sorted([lock_path(run), other, run])


def test_without_hard_links_there_are_locks_all_the_same(run, monkeypatch):
    def refused(*_paths):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with Lock(run) as lock:
        assert json.loads(lock.path.read_text())["process"] == os.getpid()
        assert sorted(run.parent.iterdir()) == sorted([lock.path, run])
    assert sorted(run.parent.iterdir()) == [run]


def refuse_writing(monkeypatch, error):
    def refused(*_arguments, **_rest):
        raise OSError(error, os.strerror(error), "there")

    monkeypatch.setattr(os, "open", refused)


@pytest.mark.parametrize("error", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_nobody_may_write_needs_no_lock_and_gets_none(run, monkeypatch, caplog, error):
    refuse_writing(monkeypatch, error)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with caplog.at_level(logging.WARNING), Lock(run):
        assert not lock_path(run).exists()
    assert caplog.text == ""


def test_what_may_be_written_and_cannot_be_locked_is_said(run, monkeypatch, caplog):
    refuse_writing(monkeypatch, errno.EACCES)
    with caplog.at_level(logging.WARNING), Lock(run):
        pass
    assert f"{run}: is not locked ({run.parent}: Permission denied)" in caplog.text


def test_a_full_disk_is_named_and_leaves_nothing(run, monkeypatch):
    def full(_file, _content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(WriteFailed, match=rf"^{lock_path(run)}: cannot be written: No space left on device; free"):
        Lock(run).__enter__()
    assert sorted(run.parent.iterdir()) == [run]
