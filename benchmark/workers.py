"""Workers: each file is decoded once, and every front end that wants it is fed from that one decode.

The front ends run where the file was decoded, or in a thread of the process that asked, where the files are too few
for workers that import torch; the networks that follow run in the process that asked. Whatever one file does to its
worker costs that file alone.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from foundation import media
from foundation.events import Timed, timed
from foundation.isolation import Lost, time_limit
from foundation.isolation import WorkerDied as WorkerDied
from foundation.pool import Pool, outcomes, with_others
from foundation.work import available_cores

log = logging.getLogger(__name__)

_PLAIN_WAV_HEAD_BYTES = 40

Arrays = dict[str, NDArray[Any]]
Medium = Literal["audio", "video"]


class TooShort(media.MediaError):
    """A file that ends before the time that is scored."""


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
        gaps: NaN among these features says that a value is not defined, as the loudness of silence; elsewhere it is
            refused, and an infinite value everywhere.
    """

    name: str
    key: str
    medium: Medium
    prepare: Callable[[Any, float], Arrays]
    frames: media.FrameRequest | None = None
    network: Callable[[Sequence[Arrays]], list[Arrays]] | None = field(default=None, compare=False)
    batch_size: int = 8
    yields: Mapping[str, str] = field(default_factory=dict, compare=False)
    gaps: bool = field(default=False, compare=False)


def without_network(extractor: Extractor) -> Extractor:
    """Drop the network: workers need the front end only."""
    return Extractor(extractor.name, extractor.key, extractor.medium, extractor.prepare, extractor.frames)


Job = tuple[Path, Medium, float, tuple[Extractor, ...]]


@dataclass(frozen=True)
class Unforeseen:
    """An exception that nobody thought of: the file's reason, and what a developer needs.

    Attributes:
        reason: its class and message.
        trace: its traceback.
    """

    reason: str
    trace: str


Made = TypeVar("Made")
_Decoded: TypeAlias = media.Audio | list[NDArray[Any]]
_Read: TypeAlias = _Decoded | str | Unforeseen | Lost
_Fed: TypeAlias = dict[str, Arrays] | str | Unforeseen | Lost


class Workers:
    """Workers that read files for one call of `prepared` after the other: processes that were started stay.

    A file that kills the process it is read in is named with the signal, one that is not read in time is given up. A
    thread cannot be killed, only left; so where threads do the work, a sound that is not a plain wav as the harness
    itself writes them is still decoded in a process, which needs no front end and starts at once.
    """

    def __init__(self, count: int | None) -> None:
        """Begin; nothing is started before there are files.

        Args:
            count: processes; None takes one per core where there is enough to do and threads where there is not, 0
                works in this process, which nothing protects.

        Raises:
            ValueError: the environment names a time limit that is none.
        """
        self.count = count
        self._limit = time_limit()
        self._pool: Pool[Job, Timed[_Fed]] | None = None

    def prepared(
        self, jobs: Sequence[Job], stop: threading.Event | None = None
    ) -> Iterator[tuple[Path, dict[str, Arrays] | str]]:
        """Yield every file, in order, with its prepared tensors or why it has none; a few files ahead of the networks.

        Args:
            jobs: what to decode, and the front ends to feed.
            stop: set by another thread to end the reading soon; where this process reads, after the file it is at.

        Raises:
            foundation.pool.Stopped: `stop` was set before all files were there.
            WorkerDied: a worker process cannot begin.
        """
        if self.count == 0:
            for job in jobs:
                yield job[0], _told("decode", job, timed(_prepare, job))
            return
        processes = _worthwhile(jobs) if self.count is None else self.count
        if self.count is None and processes < 2 and self._pool is None:
            yield from _by_threads(jobs, self._limit, stop)
            return
        with closing(self._processes(processes).outcomes(jobs, stop)) as found:
            for job, outcome in zip(jobs, found, strict=True):
                yield job[0], _told("decode", job, outcome)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()

    def _processes(self, count: int) -> Pool[Job, Timed[_Fed]]:
        """Return those that are there, or start as many as are asked for."""
        if self._pool is None or self._pool.closed:
            work = partial(timed, _prepare)
            self._pool = Pool(work, count=with_others(count), limit_seconds=self._limit, apart=_always)
        return self._pool


def _by_threads(
    jobs: Sequence[Job], limit: float, stop: threading.Event | None
) -> Iterator[tuple[Path, dict[str, Arrays] | str]]:
    """Read by threads, as decoding and torch leave the interpreter free; what could crash is decoded in processes."""
    foreign, count = [_is_foreign(job) for job in jobs], min(len(jobs), available_cores())
    read = outcomes(
        partial(timed, _read), [_without_extractors(job) for job, apart in zip(jobs, foreign, strict=True) if apart],
        count=min(count, sum(foreign)), limit_seconds=limit, apart=_always, stop=stop,
    )  # fmt: skip

    def begun() -> Iterator[tuple[Job, _Read | None]]:
        for job, apart in zip(jobs, foreign, strict=True):
            sound: _Read | None = None
            if apart:
                sound = _heard("decode", job, next(read))
            yield job, sound

    found = outcomes(partial(timed, _finish), begun(), count=count, limit_seconds=limit, apart=_never, stop=stop)
    with closing(read), closing(found):
        for job, apart, outcome in zip(jobs, foreign, found, strict=True):
            yield job[0], _told("prepare" if apart else "decode", job, outcome)


def _always(_job: Job) -> bool:
    return True


def _never(_begun: object) -> bool:
    return False


def _without_extractors(job: Job) -> Job:
    """Drop what a sound is for: where it is only read, no front end's modules are imported."""
    path, medium, seconds, _ = job
    return path, medium, seconds, ()


def _is_foreign(job: Job) -> bool:
    """Tell whether a sound is another file than a wav of one or two channels of PCM or floats, the shortest header."""
    path, medium, *_ = job
    if medium != "audio":  # films come from the benchmark directory, where a build has read them before
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_PLAIN_WAV_HEAD_BYTES)
    except OSError:
        return False  # it will be said why
    kind, channels = int.from_bytes(head[20:22], "little"), int.from_bytes(head[22:24], "little")
    form = head[:4] + head[8:16] + head[36:40]
    return form != b"RIFFWAVEfmt data" or kind not in {1, 3} or channels not in {1, 2}


def _heard(stage: str, job: Job, found: Timed[Made] | Lost) -> Made | Lost:
    """Return what a worker made of a file, and tell how long it took."""
    return found.told(stage, job[0].stem) if isinstance(found, Timed) else found


def _told(stage: str, job: Job, found: Timed[_Fed] | Lost) -> dict[str, Arrays] | str:
    """Return the tensors or the reason; log what only a developer can mend."""
    outcome = _heard(stage, job, found)
    if isinstance(outcome, Unforeseen):
        log.warning("%s: %s\n%s", job[0], outcome.reason, outcome.trace)
        return outcome.reason
    return outcome.reason if isinstance(outcome, Lost) else outcome


def _prepare(job: Job) -> _Fed:
    """Decode a file once and feed every front end from that; a reason instead where the file cannot be used."""
    return _feed(job, _read(job))


def _finish(begun: tuple[Job, _Read | None]) -> _Fed:
    """Feed the front ends from what was read in another process; read it here where it was not."""
    job, read = begun
    return _prepare(job) if read is None else _feed(job, read)


def _read(job: Job) -> _Read:
    """Decode a file once."""
    path, medium, seconds, extractors = job

    def read() -> _Decoded:
        if medium == "video":
            requests = [extractor.frames for extractor in extractors if extractor.frames is not None]
            return media.read_video_streams(path, requests, seconds=seconds)
        audio = media.read_audio_native(path)
        there = audio.samples.shape[1] / audio.sample_rate
        if audio.samples.shape[1] < round(seconds * audio.sample_rate):
            raise TooShort(path, f"{there:.3f} s of sound, {seconds:g} s are scored")
        if not np.isfinite(audio.samples).all():
            raise media.MediaError(path, "holds samples that are not finite")
        return audio

    return _or_why(read)


def _feed(job: Job, read: _Read) -> _Fed:
    """Feed every front end."""
    if isinstance(read, str | Unforeseen | Lost):
        return read
    _, _, seconds, extractors = job
    parts = read if isinstance(read, list) else [read] * len(extractors)
    return _or_why(lambda: {e.name: e.prepare(part, seconds) for e, part in zip(extractors, parts, strict=True)})


def _or_why(work: Callable[[], Made]) -> Made | str | Unforeseen:
    """Return what is made of a file, or why nothing is: one odd file must not end the reading of all."""
    try:
        return work()
    except media.MediaError as error:
        return error.reason
    except ValueError as error:
        if type(error) is ValueError:  # a front end that cannot use this file; its subclasses are nobody's intention
            return str(error)
        return _unforeseen(error)
    except (Exception, SystemExit) as error:
        return _unforeseen(error)


def _unforeseen(error: BaseException) -> Unforeseen:
    return Unforeseen(f"{type(error).__name__}: {error}", traceback.format_exc())


def _worthwhile(jobs: Sequence[Job]) -> int:
    """Return how many processes to start: one costs as much time as some 64 sounds or 8 videos take in threads."""
    return min(available_cores(), sum(8 if medium == "video" else 1 for _, medium, *_ in jobs) // 64)
