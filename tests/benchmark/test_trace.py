"""A trace: what Perfetto opens, of every thread and process, readable also where its writer was killed."""

import json
import logging
import os
import subprocess
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from baselines import Request
from benchmark import preparing
from benchmark.answers import BatchSize, answers_to
from benchmark.features import Extractor, FeatureStore, Wanted, extract
from benchmark.preparing import batches
from benchmark.trace import tracing
from foundation import media
from foundation.devices import Uploader
from foundation.events import Timed, span

ROOT = Path(__file__).parents[2]


def checked(text):
    """Return the complete events of a trace, after its structure was looked at: what Perfetto's importer needs."""
    events = json.loads(text)
    assert isinstance(events, list)
    named = {(e["name"], e["pid"], e["tid"]) for e in events if e["ph"] == "M"}
    found, by_thread = [], defaultdict(list)
    for event in events:
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert event["ph"] in {"M", "X"}
        assert event["name"]
        assert isinstance(event["args"], dict)
        if event["ph"] == "X":
            assert isinstance(event["ts"], int)
            assert isinstance(event["dur"], int)
            assert event["dur"] >= 0
            assert ("thread_name", event["pid"], event["tid"]) in named
            assert ("process_name", event["pid"], 0) in named
            by_thread[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
            found.append(event)
    for spans in by_thread.values():
        assert_nested(spans)
    return found


def assert_nested(spans):
    """Two of one thread lie one in the other, or apart."""
    open_ends = []
    for start, end in sorted(spans, key=lambda one: (one[0], -one[1])):
        while open_ends and open_ends[-1] <= start:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1], (start, end, open_ends)
        open_ends.append(end)


def test_spans_that_overlap_in_one_thread_would_be_noticed():
    assert_nested([(0, 10), (2, 5), (5, 10), (11, 12)])
    with pytest.raises(AssertionError):
        assert_nested([(0, 10), (5, 12)])


class Sleeping:
    """Answers with silence; its videos are prepared by workers."""

    sample_rate = 16_000
    device = "cpu"

    def __init__(self, prepare):
        self.prepare = prepare

    def generate(self, request):
        return np.zeros(16_000, np.float32)

    def generate_prepared(self, requests, prepared):
        return [np.zeros(16_000, np.float32) for _ in requests]


def asked(model, count, workers):
    requests = [Request(f"s{n}", Path("unread.mp4"), "a bell", "", 1.0, seed=0) for n in range(count)]
    for batch in batches(model, requests, BatchSize(2), workers=workers):
        list(answers_to(model, batch.requests, batch.prepared))


@pytest.mark.parametrize("workers", [None, 0, 2], ids=["threads", "when due", "processes"])
def test_what_workers_decode_and_a_model_answers_is_in_the_trace(tmp_path, workers):
    from support.trace_hooks import prepare_slowly

    with tracing(tmp_path / "t.json"):
        asked(Sleeping(prepare_slowly), 5, workers)
    events = checked((tmp_path / "t.json").read_text())
    decoded = [event for event in events if event["name"] == "decode"]
    assert sorted(sample for event in decoded for sample in event["args"]["samples"]) == [f"s{n}" for n in range(5)]
    assert all(event["dur"] >= 19_000 for event in decoded), "the worker's time, not that of its message"
    assert [e["args"]["samples"] for e in events if e["name"] == "generate"] == [["s0", "s1"], ["s2", "s3"], ["s4"]]
    assert [e["args"]["batch"] for e in events if e["name"] == "generate"] == [2, 2, 1]
    processes = {event["pid"] for event in decoded}
    assert (os.getpid() in processes) == (workers != 2)
    assert min(event["ts"] for event in decoded) >= 0


def test_uploads_are_in_the_trace_beside_what_is_generated(tmp_path, monkeypatch):
    import torch
    from support.trace_hooks import prepare_slowly

    monkeypatch.setattr(preparing, "_uploader", lambda _model: Uploader(torch.device("cpu")))
    with tracing(tmp_path / "t.json"):
        asked(Sleeping(prepare_slowly), 4, None)
    events = checked((tmp_path / "t.json").read_text())
    thread = {event["name"]: event["tid"] for event in events}
    assert [e["args"]["samples"] for e in events if e["name"] == "upload"] == [["s0", "s1"], ["s2", "s3"]]
    assert thread["upload"] != thread["generate"]


def front_end(audio, _seconds):
    return {"size": np.asarray([audio.samples.size])}


def test_what_evaluation_reads_computes_and_keeps_is_in_the_trace(tmp_path):
    paths = [tmp_path / f"sound{n}.wav" for n in range(3)]
    for n, path in enumerate(paths):
        media.write_audio(path, np.full(16_000, 0.1 + n / 10, np.float32), 16_000)
    network = Extractor("own.audio", "v1", "audio", front_end, network=list, batch_size=2)
    with tracing(tmp_path / "t.json"):
        extract([Wanted(path, "audio", (network,)) for path in paths], FeatureStore(tmp_path / "kept"), seconds=1.0)
    events = checked((tmp_path / "t.json").read_text())
    names = {path.stem for path in paths}
    for stage in ("decode", "extract", "keep"):
        assert {s for e in events if e["name"] == stage for s in e["args"]["samples"]} == names
    assert [e["args"]["batch"] for e in events if e["name"] == "extract"] == [2, 1]
    assert {e["args"]["detail"] for e in events if e["name"] == "extract"} == {"own.audio"}


def test_lines_hold_an_event_for_each_sample_and_stage(tmp_path):
    with tracing(tmp_path / "t.jsonl"):
        with span("generate", ("a", "b")):
            pass
        Timed(None, 10**9, 2 * 10**9, 11, 12).told("decode", "c")
    first, second, third = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert [line["sample"] for line in (first, second, third)] == ["a", "b", "c"]
    assert [line["batch"] for line in (first, second, third)] == [2, 2, 1]
    assert third["stage"] == "decode"
    assert (third["duration"], third["process"], third["thread"]) == (2.0, 11, 12)
    assert set(first) == {"stage", "sample", "start", "duration", "process", "thread", "batch"}


def test_a_process_that_is_killed_leaves_all_up_to_there(tmp_path):
    code = """
    import os, signal, sys
    from pathlib import Path
    from benchmark.trace import tracing
    from foundation.events import span
    with tracing(Path(sys.argv[1])):
        for name in "abc":
            with span("generate", (name,)):
                pass
        os.kill(os.getpid(), signal.SIGKILL)
    """
    for name in ("t.json", "t.jsonl"):
        subprocess.run([sys.executable, "-c", textwrap.dedent(code), tmp_path / name], cwd=ROOT)
    left = (tmp_path / "t.json").read_text()
    with pytest.raises(json.JSONDecodeError):
        json.loads(left)
    assert [event["args"]["samples"] for event in checked(left + "]")] == [["a"], ["b"], ["c"]]
    lines = (tmp_path / "t.jsonl").read_text().splitlines()
    assert [json.loads(line)["sample"] for line in lines] == ["a", "b", "c"]


def test_an_error_within_closes_the_array(tmp_path):
    with pytest.raises(KeyError), tracing(tmp_path / "t.json"):  # noqa: PT012
        with span("generate", ("a",)):
            pass
        raise KeyError
    assert len(checked((tmp_path / "t.json").read_text())) == 1


def test_a_large_batch_is_counted_and_some_of_it_named(tmp_path):
    with tracing(tmp_path / "t.json"), span("score", map(str, range(1000))):
        pass
    (event,) = checked((tmp_path / "t.json").read_text())
    assert event["args"]["batch"] == 1000
    assert len(event["args"]["samples"]) == 64


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_full_disk_ends_the_trace_and_not_the_work(caplog):
    with caplog.at_level(logging.WARNING), tracing(Path("/dev/full")):
        for _ in range(2):
            with span("write", ("a",)):
                pass
    assert caplog.text.count("the trace ends here") == 1


def test_without_a_file_nothing_is_written_and_nobody_listens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tracing(None), span("generate", iter(())):
        pass
    assert list(tmp_path.iterdir()) == []
