"""A file of all that happened: a trace that Perfetto opens, or events as JSON lines."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any

from foundation.events import Event, listening
from foundation.records import escaped

log = logging.getLogger(__name__)

NAMED_SAMPLES = 64  # of a batch, in a trace; the lines name all
_LINES = ".jsonl"


@contextmanager
def tracing(file: Path | None) -> Iterator[None]:
    """Write every event within to a file, as it ends; None writes nothing.

    A process that is killed leaves all up to there: what Perfetto reads need not be closed. Where the file cannot be
    written any more, that is said once and the work goes on.

    Args:
        file: replaced. One that ends in .jsonl gets an event a line for each sample and stage, others the array of
            the Chrome trace event format.

    Raises:
        OSError: the file cannot be opened.
    """
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb", buffering=0) as stream:  # so that a kill loses nothing, and a full disk keeps nothing back
        written: _Written = (_Lines if file.suffix == _LINES else _Trace)(stream)
        try:
            with listening(written):
                yield
        finally:
            written.close()


class _Written:
    """Writes events to a stream from whichever thread; a subclass says how."""

    def __init__(self, stream: RawIOBase) -> None:
        self._stream, self._lock, self._lost = stream, threading.Lock(), False

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._write("".join(self._texts(event)))

    def close(self) -> None:
        """Write what comes last."""

    def _texts(self, event: Event) -> Iterator[str]:
        raise NotImplementedError

    def _write(self, text: str) -> None:
        if self._lost:
            return
        try:
            self._stream.write(text.encode())
        except OSError as error:
            self._lost = True
            log.warning("the trace ends here, it cannot be written: %s", error.strerror)


class _Lines(_Written):
    """One JSON object a line, for each sample and stage; `start` is Unix time, both it and `duration` in seconds."""

    def __init__(self, stream: RawIOBase) -> None:
        super().__init__(stream)
        self._epoch_ns = time.time_ns() - time.perf_counter_ns()

    def _texts(self, event: Event) -> Iterator[str]:
        common: dict[str, Any] = {
            "stage": event.stage, "start": (event.start_ns + self._epoch_ns) / 1e9,
            "duration": event.duration_ns / 1e9, "process": event.process, "thread": event.thread,
            "batch": len(event.samples), **({"detail": event.detail} if event.detail else {}),
        }  # fmt: skip
        for sample in event.samples:
            yield json.dumps({**common, "sample": escaped(sample)}) + "\n"


class _Trace(_Written):
    """The array of the Chrome trace event format: complete events, and names of processes and threads."""

    def __init__(self, stream: RawIOBase) -> None:
        super().__init__(stream)
        self._began_ns = time.perf_counter_ns()
        self._processes: set[int] = set()
        self._threads: set[tuple[int, int]] = set()
        self._write("[\n" + self._named("process_name", os.getpid(), 0, "vgg-monoaudio"))
        self._processes.add(os.getpid())

    def close(self) -> None:
        """End the array."""
        with self._lock:
            self._write("\n]\n")

    def _texts(self, event: Event) -> Iterator[str]:
        process, thread = event.process, event.thread
        if process not in self._processes:
            self._processes.add(process)
            yield ",\n" + self._named("process_name", process, 0, "worker")
        if (process, thread) not in self._threads:
            self._threads.add((process, thread))
            yield ",\n" + self._named("thread_name", process, thread, event.stage)
        start = (event.start_ns - self._began_ns) // 1000
        content = {
            "name": event.stage, "cat": "stage", "ph": "X", "ts": start,
            "dur": (event.start_ns + event.duration_ns - self._began_ns) // 1000 - start,  # so ends keep their order
            "pid": process, "tid": thread, "args": self._told(event),
        }  # fmt: skip
        yield ",\n" + json.dumps(content)

    @staticmethod
    def _told(event: Event) -> dict[str, Any]:
        samples = [escaped(sample) for sample in event.samples[:NAMED_SAMPLES]]
        return {"batch": len(event.samples), "samples": samples, **({"detail": event.detail} if event.detail else {})}

    @staticmethod
    def _named(what: str, process: int, thread: int, name: str) -> str:
        return json.dumps({"name": what, "ph": "M", "pid": process, "tid": thread, "args": {"name": name}})
