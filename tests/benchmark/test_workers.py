"""Worker processes: started where there is enough to do, threads where there is not."""

import threading
from pathlib import Path

import pytest

from benchmark import workers


@pytest.mark.parametrize(
    ("sounds", "films", "parallel"), [(127, 0, False), (128, 0, True), (0, 16, True), (0, 15, False)]
)
def test_workers_are_started_where_there_is_enough_to_do(monkeypatch, sounds, films, parallel):
    class Started(Exception):
        pass

    def refuse(*arguments, **options):
        raise Started

    monkeypatch.setattr(workers, "ProcessPoolExecutor", refuse)
    monkeypatch.setattr(workers, "available_cores", lambda: 2)
    monkeypatch.setattr(workers, "_prepare", lambda job: "not read")
    jobs = [(Path("a.wav"), "audio", 0.5, ())] * sounds + [(Path("a.mp4"), "video", 0.5, ())] * films
    if parallel:
        with pytest.raises(Started):
            list(workers.prepared(jobs, None))
    else:
        assert len(list(workers.prepared(jobs, None))) == sounds + films


def test_a_few_files_are_prepared_by_threads_two_at_once(monkeypatch):
    monkeypatch.setattr(workers, "available_cores", lambda: 2)
    together = threading.Barrier(2)  # passes when two wait, breaks when one waits too long

    def prepare(job):
        together.wait(timeout=20)
        return {"level": job[0]}

    monkeypatch.setattr(workers, "_prepare", prepare)
    jobs = [(Path(f"{number}.wav"), "audio", 0.5, ()) for number in range(4)]
    assert dict(workers.prepared(jobs, None)) == {path: {"level": path} for path, *_ in jobs}
