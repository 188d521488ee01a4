"""Worker processes: each file is decoded once, and every front end that wants it is fed from that one decode.

The front ends run where the file was decoded; the networks that follow run in the process that asked.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foundation import media
from foundation.work import available_cores

Arrays = dict[str, NDArray[Any]]
Medium = Literal["audio", "video"]


class TooShort(media.MediaError):
    """A file that ends before the time that is scored."""


class WorkerDied(Exception):
    """A worker process was killed, usually because memory ran out."""


@dataclass(frozen=True)
class Extractor:
    """One half of a backbone as the harness drives it: a front end for worker processes, a network for this one.

    Attributes:
        name: unique; "<backbone>.<part>".
        key: content key of preprocessing and weights; features under another key are other features.
        medium: what it is fed.
        prepare: front end, a function of a module (it travels to worker processes): from the decoded file and the
            seconds scored to the tensors that the network eats. For audio it is given `media.Audio`, for video the
            frames of `frames`.
        frames: the frames wanted of a video.
        network: from a batch of what `prepare` returned to one set of features each; None: `prepare` does it all.
        batch_size: files that the network is given at once.
        yields: evidence that these features are as they stand: its feature, as in `metrics.metric`, to the array's
            name among what is kept.
    """

    name: str
    key: str
    medium: Medium
    prepare: Callable[[Any, float], Arrays]
    frames: media.FrameRequest | None = None
    network: Callable[[Sequence[Arrays]], list[Arrays]] | None = field(default=None, compare=False)
    batch_size: int = 8
    yields: Mapping[str, str] = field(default_factory=dict, compare=False)


def without_network(extractor: Extractor) -> Extractor:
    """Drop the network: workers need the front end only."""
    return Extractor(extractor.name, extractor.key, extractor.medium, extractor.prepare, extractor.frames)


Job = tuple[Path, Medium, float, tuple[Extractor, ...]]


def prepared(jobs: Sequence[Job], workers: int | None) -> Iterator[tuple[Path, dict[str, Arrays] | str]]:
    """Yield every file with its prepared tensors or the reason it has none; a few files ahead of the networks.

    Args:
        jobs: what to decode, and the front ends to feed.
        workers: processes; None takes one per core where there is enough to do and threads where there is not, 0
            works in this process.

    Raises:
        WorkerDied: a worker process was killed.
    """
    count = min(len(jobs), _worthwhile(jobs) if workers is None else workers)
    executor: Executor
    if count > 1:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that torch's threads hold
        executor = ProcessPoolExecutor(count, mp_context=context, initializer=_settle_worker)
    elif workers is None and len(jobs) > 1:  # decoding and torch leave the interpreter free; nothing to start
        count = min(len(jobs), available_cores())
        executor = ThreadPoolExecutor(count)
    else:
        for job in jobs:
            yield job[0], _prepare(job)
        return
    with executor as pool:
        queue = iter(jobs)
        running: dict[Future[dict[str, Arrays] | str], Path] = {}

        def start(job: Job) -> None:
            with _ctrl_c_held():  # submitting starts workers
                running[pool.submit(_prepare, job)] = job[0]

        try:
            for job in islice(queue, 2 * count):
                start(job)
            while running:
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield running.pop(future), future.result()
                    for job in islice(queue, 1):
                        start(job)
        except BrokenProcessPool as error:
            raise WorkerDied(
                f"a worker process was killed, perhaps because memory ran out; {len(jobs)} files were to be read. The "
                "same command goes on from here; --workers 0 reads in one process"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Keep Ctrl-C waiting while processes are started: they inherit that, and leave it to this process to end them.

    Without it every worker answers Ctrl-C with a traceback of its own.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not a POSIX system
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle_worker() -> None:
    """One thread per worker, because there are as many workers as cores; and none outlives the process it works for."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # returns when the parent is gone, also after `kill -9`
        os._exit(1)


def _prepare(job: Job) -> dict[str, Arrays] | str:
    """Decode a file once and feed every front end from that; a reason instead where the file cannot be used."""
    path, medium, seconds, extractors = job
    try:
        if medium == "audio":
            audio = media.read_audio_native(path)
            there = audio.samples.shape[1] / audio.sample_rate
            if audio.samples.shape[1] < round(seconds * audio.sample_rate):
                raise TooShort(path, f"{there:.3f} s of sound, {seconds:g} s are scored")
            if not np.isfinite(audio.samples).all():
                raise media.MediaError(path, "holds samples that are not finite")
            return {extractor.name: extractor.prepare(audio, seconds) for extractor in extractors}
        requests = [extractor.frames for extractor in extractors if extractor.frames is not None]
        streams = media.read_video_streams(path, requests, seconds=seconds)
        return {e.name: e.prepare(frames, seconds) for e, frames in zip(extractors, streams, strict=True)}
    except media.MediaError as error:
        return error.reason
    except ValueError as error:  # a front end that cannot use this file
        return str(error)


def _worthwhile(jobs: Sequence[Job]) -> int:
    """Return how many processes to start: one costs as much time as some 64 sounds or 8 videos take in threads."""
    return min(available_cores(), sum(8 if medium == "video" else 1 for _, medium, *_ in jobs) // 64)
