"""Workers: processes where there is enough to do, threads where there is not, and what odd files come to."""

import logging
import os
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from support import front_ends

from benchmark import workers
from benchmark.workers import Extractor
from foundation import media
from foundation.events import listening
from foundation.isolation import LIMIT_VARIABLE
from foundation.pool import Pool

RATE = 16_000


def prepared(jobs, count):
    """What workers make of files."""
    with closing(workers.Workers(count)) as some:
        return list(some.prepared(jobs))


@pytest.mark.parametrize(
    ("sounds", "films", "parallel"), [(127, 0, False), (128, 0, True), (0, 16, True), (0, 15, False)]
)
def test_processes_are_started_where_there_is_enough_to_do(monkeypatch, sounds, films, parallel):
    asked = set()

    def outcomes(self, jobs, _stop):
        for job in jobs:
            asked.add((len(self._supervisors), self._apart(job)))
            yield "not read"

    monkeypatch.setattr(Pool, "outcomes", outcomes)
    monkeypatch.setattr(workers, "available_cores", lambda: 2)
    jobs = [(Path("a.wav"), "audio", 0.5, ())] * sounds + [(Path("a.mp4"), "video", 0.5, ())] * films
    assert len(prepared(jobs, None)) == sounds + films
    assert asked == {(2, parallel)}


def test_a_few_files_are_prepared_by_threads_two_at_once(monkeypatch):
    monkeypatch.setattr(workers, "available_cores", lambda: 2)
    together = threading.Barrier(2)  # passes when two wait, breaks when one waits too long

    def prepare(job):
        together.wait(timeout=20)
        return {"level": job[0]}

    monkeypatch.setattr(workers, "_prepare", prepare)
    jobs = [(Path(f"{number}.wav"), "audio", 0.5, ()) for number in range(4)]
    assert prepared(jobs, None) == [(path, {"level": path}) for path, *_ in jobs]


def write_sound(path, level=0.5, **options):
    import soundfile

    soundfile.write(path, np.full((RATE, options.pop("channels", 1)), level, np.float32), RATE, **options)
    return path


def job(path, prepare=front_ends.level):
    return (path, "audio", 0.5, (Extractor("test.level", "v1", "audio", prepare),))


@pytest.mark.parametrize(
    ("name", "options", "foreign"),
    [
        ("a.wav", {"subtype": "PCM_16"}, False),
        ("a.wav", {"subtype": "PCM_16", "channels": 2}, False),
        ("a.wav", {"subtype": "PCM_16", "channels": 3}, True),
        ("a.wav", {"subtype": "ULAW"}, True),
        ("a.flac", {}, True),
    ],
)
def test_threads_read_only_sounds_of_the_kind_that_the_harness_writes(tmp_path, name, options, foreign):
    path, events = write_sound(tmp_path / name, **options), []
    with listening(events.append):
        [(_, found)] = prepared([job(path)], None)
    assert found["test.level"]["level"] == pytest.approx(0.5, abs=0.02)
    by_stage = {event.stage: event for event in events}
    assert (by_stage["decode"].process != os.getpid()) is foreign
    assert by_stage.get("prepare", by_stage["decode"]).process == os.getpid(), "front ends are fed in this process"
    assert {event.samples for event in events} == {("a",)}
    assert len(events) == (2 if foreign else 1)


def test_files_of_both_kinds_come_in_order_each_with_its_own_reason(tmp_path):
    paths = [write_sound(tmp_path / f"{place}.{'flac' if place % 3 else 'wav'}", place / 20) for place in range(12)]
    paths[4].write_bytes(b"no sound at all")
    jobs = [job(path) for path in paths]
    jobs[7] = (paths[7], "audio", 2.0, jobs[7][3])  # longer than the sound is
    jobs[8] = job(paths[8], front_ends.missing_key)
    told = prepared(jobs, None)
    assert [path for path, _ in told] == paths
    reasons = {place: found for place, (_, found) in enumerate(told) if isinstance(found, str)}
    assert sorted(reasons) == [4, 7, 8]
    assert reasons[7] == "1.000 s of sound, 2 s are scored"
    assert reasons[8] == "KeyError: 'absent'"
    for place, (_, found) in enumerate(told):
        if place not in reasons:
            assert found["test.level"]["level"] == pytest.approx(place / 20, abs=1e-3)


def test_a_sound_that_crashes_its_reader_costs_itself_alone_where_threads_work(tmp_path, monkeypatch):
    paths = [write_sound(tmp_path / f"{level}.flac", level) for level in (0.25, 0.95, 0.5)]
    monkeypatch.setattr(workers, "_read", front_ends.read_or_crash)
    told = dict(prepared([job(path) for path in paths], None))
    assert told[paths[1]] == "ended the process that read it, twice: killed by SIGSEGV"
    assert [list(told[path]) for path in (paths[0], paths[2])] == [["test.level"]] * 2


def test_what_the_harness_writes_is_read_by_threads(tmp_path):
    media.write_audio(tmp_path / "a.wav", np.zeros(RATE, np.float32), RATE)
    assert not workers._is_foreign(job(tmp_path / "a.wav"))
    assert not workers._is_foreign(job(tmp_path / "absent.wav"))
    (tmp_path / "empty.wav").touch()
    assert workers._is_foreign(job(tmp_path / "empty.wav"))


@pytest.mark.parametrize("count", [None, 0, 2])
def test_a_file_that_its_front_end_stumbles_on_is_named_with_the_exception_and_the_others_are_done(
    tmp_path, caplog, count
):
    odd = {
        front_ends.recursion: "RecursionError: maximum recursion depth exceeded",
        front_ends.no_memory: "MemoryError: ",
        front_ends.missing_key: "KeyError: 'absent'",
        front_ends.not_text: "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0",
        front_ends.leaves: "SystemExit: 3",
    }
    paths = [write_sound(tmp_path / f"{place}.wav") for place in range(len(odd) + 1)]
    jobs = [job(path, prepare) for path, prepare in zip(paths, [*odd, front_ends.level], strict=True)]
    with caplog.at_level(logging.WARNING):
        *failed, (path, whole) = prepared(jobs, count)
    assert [path for path, _ in failed] == paths[:-1]
    for (_, told), reason in zip(failed, odd.values(), strict=True):
        assert told.startswith(reason)
    assert path == paths[-1]
    assert list(whole) == ["test.level"]
    messages = [record.getMessage() for record in caplog.records]
    for path, message in zip(paths, messages, strict=False):
        assert message.startswith(f"{path}: ")
        assert "Traceback" in message
        assert "front_ends.py" in message
    assert len(messages) == len(odd)


def test_a_file_that_crashes_its_process_is_named_with_the_signal_and_the_others_are_done_in_order(tmp_path):
    levels = (0.25, 0.95, 0.5, 0.75)
    paths = [write_sound(tmp_path / f"{level}.wav", level) for level in levels]
    told = prepared([job(path, front_ends.crash_when_loud) for path in paths], 2)
    assert [path for path, _ in told] == paths
    outcomes = dict(told)
    assert outcomes.pop(paths[1]) == "ended the process that read it, twice: killed by SIGSEGV"
    for path, found in outcomes.items():
        assert found["test.level"]["level"] == pytest.approx(float(path.stem), abs=1e-4)


def test_workers_keep_their_processes_for_the_next_files_and_begin_anew_after_a_call_that_was_left(tmp_path):
    jobs = [job(write_sound(tmp_path / f"{place}.wav")) for place in range(3)]
    events = []
    with closing(workers.Workers(1)) as kept, listening(events.append):
        list(kept.prepared(jobs[:1]))
        list(kept.prepared(jobs))
        assert len({event.process for event in events}) == 1
        left = kept.prepared(jobs)
        next(left)
        left.close()
        assert [path for path, _ in kept.prepared(jobs)] == [path for path, *_ in jobs]
        assert len({event.process for event in events}) == 2


def test_a_result_that_cannot_leave_its_process_is_this_files_reason(tmp_path):
    paths = [write_sound(tmp_path / f"{place}.wav") for place in range(2)]
    (_, odd), (_, whole) = prepared([job(paths[0], front_ends.no_array), job(paths[1])], 1)
    assert "pickle" in odd
    assert list(whole) == ["test.level"]


def test_a_time_limit_that_is_none_is_refused_before_anything_is_read(monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "long")
    with pytest.raises(ValueError, match=r"VGG_MONOAUDIO_READING_SECONDS: expected seconds .*got 'long'"):
        prepared([job(Path("a.wav"))], None)
